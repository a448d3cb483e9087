"""instant: money moves at once, all week and all night. A wallet is empty until its owner notices something: a notice of
a declined try (if awake; at night it is seen in the morning), the pay day, the own hour of the evening. Then it is
filled within minutes and is empty again some hours later. Each further notice of an order is answered less."""
import bisect, math, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import ground
from ground import DAY, HOUR, ts, weekday, months, month_days, pick


class Instant(ground.World):
    name = "instant"
    now = ts(2026, 5, 4)
    judged_days = 68
    currency, send, excess = "BRL", 60, 15000
    zones = [("BR", .90, -180, ""), ("BR", .10, -240, "")]
    schemes = [("visa", .42), ("mastercard", .56), ("amex", .02)]
    prices = [(1990, 4), (2990, 4), (3990, 3), (4990, 2), (9990, 2), (14990, 1)]
    debit = .75
    monthly, weekly = .19, .01
    step = 1200

    def payer(self, p):
        i = p.i
        p.weak = self.u("weak", i) < .17
        p.lag = int(240 + 1500 * self.u("lag", i) ** 2)              # seconds from noticing to the money
        p.heeds = max(0.0, .52 * self.u("heeds", i) - .06)             # answers a notice
        p.stays = (3 + 9 * self.u("stays", i)) * HOUR              # how long the money stays
        p.evening = .26 * self.u("evening", i) ** 1.5                # fills up in the evening
        p.clock = int((17.5 + 4.5 * self.u("clock", i)) * HOUR)
        p.base = .03 + .17 * self.u("base", i)
        p.wage = .08 + .30 * self.u("wage", i)
        day = pick(self.u("wageday", i), [(0, 40), (5, 20), (10, 14), (20, 14), (31, 12)])
        p.pays = []
        for y, m in months(self.t0 - 62 * DAY, self.end + 62 * DAY):
            t = ts(y, m, min(day or 1, month_days(y, m)))
            if not day:                                              # fifth bank day
                n = 0
                while True:
                    n += weekday(t) < 5
                    if n == 5:
                        break
                    t += DAY
            p.pays.append(t + int((6 + 5 * self.u("wagehour", i)) * HOUR))

    def noticed(self, p, t):
        """when a notice of t is seen"""
        loc = self.local(p, t)
        h = loc % DAY
        if h < 7.5 * HOUR:
            return t + int(7.5 * HOUR) - h
        return t if h < 22.5 * HOUR else t + int(31.5 * HOUR) - h

    def funds(self, o, t, past=()):
        p = o.payer
        if not p.weak:
            return .994
        miss, q = 1 - p.base, p.heeds
        for s in past:
            x = t - self.noticed(p, s) - p.lag
            if x >= 0:
                miss *= 1 - q * math.exp(-x / p.stays)
            q *= .6
        loc = self.local(p, t)
        x = (loc - p.clock) % DAY
        if x < 6 * HOUR:
            miss *= 1 - p.evening * math.exp(-x / (.5 * p.stays + HOUR))
        x = loc - p.pays[bisect.bisect_right(p.pays, loc) - 1]
        miss *= 1 - p.wage * math.exp(-x / (2.2 * DAY))
        return (1 - miss) * math.exp(-.3 * max(0.0, math.log(o.amount / p.price)))

    def chance(self, o, t, past=()):
        return self.funds(o, t, past) if o.cause is None else super().chance(o, t, past)

    def bucket(self, o, t):
        return (self.local(o.payer, t) - 3 * HOUR) // (DAY) if o.cause is None else t // DAY

    def past_delay(self, o, k):
        """a sixth of the drawn tries came within six hours, every five minutes alike"""
        if self.u("soon", o.i, k) < 1 / 6:
            return (2 + int(self.u("hours", o.i, k) * 70)) * 300, round(1 / 6 / 70, 6)
        d, q = super().past_delay(o, k)
        return d, round(q * 5 / 6, 6)

    def begin(self, o):
        super().begin(o)
        if o.cause == "tech":
            o.x = o.t + (o.x - o.t) // 3

    def oracle_options(self, o):
        """greedy over plans, with the notices that the plan's own tries set off"""
        import oracle
        pool = oracle.options(self, o)[:12]
        if o.cause is not None:
            return pool
        times, out, live = [t for _, t in pool] , [], 1.0
        plan = []
        for _ in range(7):
            best = (0.0, None)
            for t in set(times) | {self.noticed(o.payer, s) + o.payer.lag + 60 for s in plan}:
                if t not in plan and t <= o.exp:
                    miss = self.cover(o, sorted(plan + [t]))
                    if live - miss > best[0] + 1e-9 or best[1] is None:
                        best = (live - miss, t)
            if best[1] is None or best[0] <= 0:
                break
            out.append((min(best[0] / live, out[-1][0] if out else 1.0), best[1]))
            plan.append(best[1])
            live -= best[0]
        return out

    def cover(self, o, plan):
        """chance that a plan fails: one draw a bucket, its best try counts"""
        top, past = {o.b0: o.p0}, [o.t]
        for t in plan:
            b = self.bucket(o, t)
            top[b] = max(top.get(b, 0.0), self.chance(o, t, past))
            past.append(t)
        miss = 1 / (1 - o.p0)
        for v in top.values():
            miss *= 1 - v
        return miss


if __name__ == "__main__":
    ground.main(Instant)

"""halves: in the middle of the judged period the world changes. Issuers swap their behaviour (the hours of the day they
like, how they treat generic tries), pay days of most employers move, and the chances of some issuers halve, of others
double. Nothing announces it; the past knows only the first half."""
import bisect, math, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import ground
from ground import DAY, HOUR, ts, weekday, months, month_days, pick

SPANS = ((0, 6), (5, 10), (9, 14), (13, 19), (18, 24), (0, 24))     # local hours an issuer likes
DAYS = ((25, 30), (1, 18), (15, 14), (28, 16), (10, 10), (31, 12))
MOVED = {25: 5, 1: 15, 15: 28, 28: 20, 10: 1, 31: 12}


class Halves(ground.World):
    name = "halves"
    now = ts(2026, 8, 17)
    judged_days = 80
    currency, send, excess = "SEK", 120, 50000
    zones = [("SE", 1.0, 60, "eu")]
    schemes = [("visa", .54), ("mastercard", .44), ("amex", .02)]
    prices = [(9900, 4), (12900, 4), (19900, 3), (29900, 2), (49900, 1), (79900, 1)]
    issuers_per_country = 9
    debit = .76
    monthly, weekly = .15, .01

    def setup(self):
        self.mid = self.now + self.judged_days * DAY // 2
        ids = sorted([b for b, _ in self.bank["SE"]] + [900, 901, 902], key=lambda b: self.u("shuffle", b))
        self.span, self.level = {}, {}
        n = len(ids)
        for k, b in enumerate(ids):
            self.span[b] = (SPANS[k % 6], SPANS[(k + 3) % 6])
            self.level[b] = (1.0, (.55, 1.0, 1.8)[k % 3])
        self.mild = {b: ((.6, 1.5)[k % 2], (1.5, .6)[k % 2]) for k, b in enumerate(ids)}

    def payer(self, p):
        i = p.i
        p.weak = self.u("weak", i) < .165
        p.top, p.low, p.melt = .18 + .34 * self.u("top", i), .05 + .14 * self.u("low", i), 1.6 + 4 * self.u("melt", i)
        day = pick(self.u("day", i), DAYS)
        moves = self.u("moves", i) < .8
        p.pays = []
        for y, m in months(self.t0 - 62 * DAY, self.end + 62 * DAY):
            for d in (day, MOVED[day]):
                t = ts(y, m, min(d, month_days(y, m)))
                if (d == MOVED[day]) == (moves and t >= self.mid):
                    p.pays.append(t - max(0, weekday(t) - 4) * DAY)
        p.pays.sort()

    def half(self, t):
        return 1 if t >= self.mid else 0

    def liked(self, p, loc, k):
        """1 in the hours the issuer likes, else less"""
        a, b = self.span[p.issuer][k]
        return 1.0 if a <= loc % DAY / HOUR < b else .68

    def funds(self, o, t):
        p, k = o.payer, self.half(t)
        if not p.weak:
            return .993
        loc = self.local(p, t)
        x = (loc - p.pays[bisect.bisect_right(p.pays, loc) - 1]) / DAY
        f = (p.low + p.top * math.exp(-x / p.melt)) * math.exp(-.3 * max(0.0, math.log(o.amount / p.price)))
        return min(.93, 1.25 * f * self.liked(p, loc, k) * self.level[p.issuer][k])

    def chance(self, o, t, past=()):
        if o.cause == "generic":
            p, k = o.payer, self.half(t)
            return min(.9, 1.3 * o.x * self.liked(p, self.local(p, t), k) * self.mild[p.issuer][k])
        return super().chance(o, t, past)

    def bucket(self, o, t):
        return self.local(o.payer, t) // DAY

    def draw(self, o, b):
        return self.u("purse", o.payer.i, b) if o.cause is None else super().draw(o, b)

    def wait_hint(self, o, t):
        v = self.u("hint", o.payer.issuer)
        if v < .5:
            return None
        p, loc = o.payer, self.local(o.payer, t)
        k = bisect.bisect_right(p.pays, loc)
        return (p.pays[k] - loc) / HOUR if v < .75 and k < len(p.pays) else 24


if __name__ == "__main__":
    ground.main(Halves)

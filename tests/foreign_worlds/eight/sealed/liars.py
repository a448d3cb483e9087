"""liars: the codes lie. Some issuers answer 05 to everything; some say 51 for cards that are blocked for ever; one says
54 when its own systems fail (which is often, and over within hours); one says 96 for empty accounts. The rest is honest.
Money comes on the 15th and the last day (the bank day before, on weekends) or weekly, and melts."""
import bisect, math, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import ground
from ground import DAY, HOUR, ts, weekday, months, month_days, pick


class Liars(ground.World):
    name = "liars"
    now = ts(2026, 7, 6)
    judged_days = 66
    currency, send, excess = "MXN", 200, 60000
    zones = [("MX", .90, -360, ""), ("MX", .10, -420, "")]
    schemes = [("visa", .56), ("mastercard", .40), ("amex", .04)]
    prices = [(9900, 4), (14900, 4), (19900, 3), (29900, 2), (49900, 2), (89900, 1)]
    issuers_per_country = 12
    debit = .78
    rates = {"tech": .014, "limit": .011, "generic": .026}
    dead_share = .16
    monthly, weekly = .19, .01
    big, small = ("block51", "honest", "fail54", "honest"), ("all05", "block51", "honest", "all05", "empty96", "honest", "all05",
                                                               "honest")

    def setup(self):
        ids = [b for b, _ in self.bank["MX"]]                  # the biggest first
        self.habit = {}
        for group, habits in ((ids[:4], self.big), (ids[4:], self.small)):
            for k, b in enumerate(sorted(group, key=lambda b: self.u("habit", b))):
                self.habit[b] = habits[k]
        self.habit.update({900: "honest", 901: "honest", 902: "block51"})
        self.early = {b: int(self.u("hour", b) * 11) * HOUR for b in list(self.habit)}

    def payer(self, p):
        i = p.i
        p.weak = self.u("weak", i) < .18
        p.top, p.low, p.melt = .20 + .38 * self.u("top", i), .04 + .15 * self.u("low", i), 1.3 + 3.2 * self.u("melt", i)
        t0, t1 = self.t0 - 40 * DAY, self.end + 40 * DAY
        if self.u("quincena", i) < .7:
            p.pays = []
            for y, m in months(t0, t1):
                for d in (15, month_days(y, m)):
                    t = ts(y, m, d)
                    p.pays.append(t - max(0, weekday(t) - 4) * DAY + self.early[p.issuer])
        else:
            wd = pick(self.u("wd", i), [(4, 50), (5, 35), (0, 15)])
            t = t0 - t0 % DAY + (wd - weekday(t0)) % 7 * DAY + self.early[p.issuer]
            p.pays = list(range(t - 14 * DAY, t1, 7 * DAY))
        habit = self.habit[p.issuer]
        if habit == "block51" and self.u("moredead", i) < .12 and not p.dead:
            p.dead = self.t0 + int(self.u("dead_at", i) * (self.end - self.t0))
            p.dead_fix = p.dead + int((20 + 80 * self.u("dead_fix", i)) * DAY)
            p.cards.append((p.dead_fix, self.new_card(p, 3, (p.cards[0][1]["expYear"] + 3, p.cards[0][1]["expMonth"]))))
            p.cards.sort(key=lambda c: c[0])

    def cause(self, o):
        k = super().cause(o)
        if k is None and self.habit[o.payer.issuer] == "fail54" and self.u("fails", o.i) < .12:
            return "tech"
        return k

    def funds(self, o, t):
        p = o.payer
        if not p.weak:
            return .994
        loc = self.local(p, t)
        x = (loc - p.pays[bisect.bisect_right(p.pays, loc) - 1]) / DAY
        return (p.low + p.top * math.exp(-x / p.melt)) * math.exp(-.3 * max(0.0, math.log(o.amount / p.price)))

    def bucket(self, o, t):
        return self.local(o.payer, t) // DAY

    def draw(self, o, b):
        return self.u("purse", o.payer.i, b) if o.cause is None else super().draw(o, b)

    def code(self, o, t):
        c, a = super().code(o, t)
        habit, amex = self.habit[o.payer.issuer], o.card["scheme"] == "amex"
        if habit == "all05":
            return "05", None if o.card["scheme"] != "mastercard" or self.u("mac", o.i) < .6 else "02"
        if habit == "block51" and o.cause == "hard":
            if amex:
                return "116", None
            hint = "24 25 26 27".split()[int(4 * self.u("hint", o.i))]
            return "51", hint if o.card["scheme"] == "mastercard" and self.u("mac", o.i) < .5 else None
        if habit == "fail54" and o.cause == "tech":
            return "54", None
        if habit == "empty96" and o.cause is None and self.u("96", o.i) < .5:
            return "96", None
        return c, a

    def wait_hint(self, o, t):
        v = self.u("hint", o.payer.issuer)
        if v < .4:
            return None
        p, loc = o.payer, self.local(o.payer, t)
        return (p.pays[bisect.bisect_right(p.pays, loc)] - loc) / HOUR if v < .6 else 1 if v < .8 else 48


if __name__ == "__main__":
    ground.main(Liars)

"""students: small balances. A grant arrives on one day a term (the day belongs to the university town, and so to the
bank most students there use), is large and is gone within weeks; odd jobs pay on some weeks, on each one's own weekday
evening; parents send money some days after an empty account, mostly on Sunday evening, and stop after a while."""
import bisect, math, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import ground
from ground import DAY, HOUR, ts, weekday, pick


class Students(ground.World):
    name = "students"
    now = ts(2026, 3, 30)
    judged_days = 66
    currency = "GBP"
    zones = [("GB", 1.0, 0, "eu")]
    prices = [(499, 4), (799, 4), (999, 5), (1199, 3), (1999, 2), (3499, 1)]
    issuers_per_country = 9
    debit = .92
    monthly, weekly = .20, .01
    send, excess = 10, 1500
    terms = [ts(2025, 9, 22), ts(2026, 1, 12), ts(2026, 4, 20)]

    def setup(self):
        self.grants = {b: [t + int(self.u("town", b, k) * 11) * DAY + 6 * HOUR for k, t in enumerate(self.terms)]
                       for b in [b for l in self.bank.values() for b, _ in l] + [900, 901, 902]}

    def payer(self, p):
        i = p.i
        v = self.u("kind", i)
        p.kind = "student" if v < .15 else "freelance" if v < .24 else "settled"
        p.grants = self.grants[p.issuer if self.u("town bank", i) < .8 else
                               pick(self.u("town", i), self.bank["GB"])]
        p.lasts = 9 + 22 * self.u("lasts", i)                  # days a grant lasts
        p.grant = .35 + .30 * self.u("grant", i)
        p.jobday = pick(self.u("jobday", i), [(4, 40), (5, 15), (6, 8), (0, 17), (2, 10), (3, 10)])
        p.jobs = (.15 + .45 * self.u("jobs", i)) * (1 if p.kind == "student" else 1.3)
        p.parents = self.u("parents", i) < (.55 if p.kind == "student" else .15)
        p.after = 1 + int(3 * self.u("after", i))              # days until the parents hear of it
        p.base = .02 + .12 * self.u("base", i)

    def begin(self, o):
        super().begin(o)
        if o.cause is None:
            o.x = 0
            if o.payer.parents:                                # local Sunday 18:00 or the plain day after
                loc = self.local(o.payer, o.t)
                d = loc - loc % DAY + o.payer.after * DAY
                if self.u("sunday", o.payer.i) < .65:
                    d += (6 - weekday(d)) % 7 * DAY
                o.x = d + 18 * HOUR

    def funds(self, o, t):
        p = o.payer
        if p.kind == "settled":
            return .993
        loc = self.local(p, t)
        a = math.exp(-.4 * max(0.0, math.log(o.amount / p.price)))
        miss = 1 - p.base
        if p.kind == "student":
            k = bisect.bisect_right(p.grants, loc) - 1
            if k >= 0:
                x = (loc - p.grants[k]) / DAY
                miss *= 1 - p.grant / (1 + math.exp((x - p.lasts) / 3))
        day = loc // DAY - (loc % DAY < 17 * HOUR)             # a job is paid at 17:00
        x = (day + 3 - p.jobday) % 7
        if x < 3:
            week = (day - x) // 7
            season = .45 + .55 * self.u("season", p.i, week // 4)      # some months have little work
            miss *= 1 - p.jobs * season * (1, .65, .35)[x]
        if o.x and loc >= o.x:
            miss *= 1 - .5 * math.exp(-(loc - o.x) / (2.5 * DAY))
        return (1 - miss) * a

    def bucket(self, o, t):
        return (self.local(o.payer, t) + 7 * HOUR) // DAY      # a day of a purse runs from five in the afternoon

    def draw(self, o, b):
        return self.u("purse", o.payer.i, b) if o.cause is None else super().draw(o, b)

    def wait_hint(self, o, t):
        v = self.u("hint", o.payer.issuer)
        return None if v < .5 else 48 if v < .75 else 240


if __name__ == "__main__":
    ground.main(Students)

"""mandates: debit-like cards with notice. A charge is collected with the issuer's next bank batch, on weekdays only, and
meets the balance of that moment. Salaries come monthly: in NL a pay day on a weekend moves to the Friday before, in ES
to the Monday after. Rent and other standing orders leave within days after the pay; what is left melts."""
import bisect, math, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import ground
from ground import DAY, HOUR, ts, sigmoid, weekday, months, month_days, pick


class Mandates(ground.World):
    name = "mandates"
    now = ts(2026, 1, 19)
    judged_days = 61
    currency = "EUR"
    zones = [("NL", .55, 60, "eu"), ("ES", .45, 60, "eu")]
    schemes = [("visa", .48), ("mastercard", .52)]
    debit = .96
    monthly, weekly = .24, 0.0

    def setup(self):
        self.batches = {}
        for country in self.bank:
            for b, _ in self.bank[country]:
                v = self.u("batch", b)
                self.batches[b] = [5 * HOUR] if v < .3 else [9 * HOUR, 14 * HOUR] if v < .6 else [13 * HOUR] if v < .8 else [19 * HOUR]

    def payer(self, p):
        i = p.i
        p.day = pick(self.u("day", i), [(1, 14), (10, 6), (15, 10), (25, 26), (27, 12), (28, 18), (31, 14)])
        p.pays = []
        for y, m in months(self.t0 - 62 * DAY, self.end + 62 * DAY):
            t = ts(y, m, min(p.day, month_days(y, m)))
            w = weekday(t)
            if w > 4:
                t += (4 - w if p.country == "NL" else 7 - w) * DAY
            p.pays.append(t + int((.2 + 2.5 * self.u("credit", p.issuer)) * HOUR))    # local seconds
        p.rent = 1 + int(self.u("rent", i) * 4)
        p.left = .45 + .3 * self.u("left", i)
        p.melt = 2.5 + 5 * self.u("melt", i)
        p.need = .08 * self.u("need", i) if self.u("solid", i) < .84 else .22 + .7 * self.u("need", i)

    def collected(self, p, t):
        """local time of the batch that takes a charge sent at t"""
        loc = self.local(p, t)
        day = loc - loc % DAY
        while True:
            if weekday(day) < 5:
                for b in self.batches[p.issuer]:
                    if day + b >= loc + HOUR:                       # handed in an hour before
                        return day + b
            day += DAY

    def funds(self, o, t):
        p = o.payer
        e = self.collected(p, t)
        x = (e - p.pays[bisect.bisect_right(p.pays, e) - 1]) / DAY
        f = 1.0 if x < p.rent else p.left * math.exp(-(x - p.rent) / p.melt)
        need = p.need + .07 * math.log(o.amount / p.price) if p.need > .1 else p.need - .45
        return .12 + .48 * sigmoid((f - need) / .16) if p.need > .1 else .997

    def bucket(self, o, t):
        return self.collected(o.payer, t) // DAY if o.cause is None else t // DAY

    def draw(self, o, b):
        return self.u("purse", o.payer.i, b) if o.cause is None else super().draw(o, b)

    def wait_hint(self, o, t):
        p, v = o.payer, self.u("hint", o.payer.issuer)
        if v < .45:
            return None
        loc = self.local(p, t)
        k = bisect.bisect_right(p.pays, loc)
        return (p.pays[k] - loc) / HOUR if v < .8 else 24           # some know the pay day, some always say a day


if __name__ == "__main__":
    ground.main(Mandates)

"""daily_book: banks that book once a day, each issuer at its own local hour (a third only on bank days). Between two
bookings nothing changes: the same order gets the same answer. Pay comes weekly, every two weeks or twice a month and is
there from the first booking of its day; spending runs the balance down from booking to booking."""
import bisect, math, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import ground
from ground import DAY, HOUR, ts, weekday, months, month_days, pick


class DailyBook(ground.World):
    name = "daily_book"
    now = ts(2026, 4, 6)
    judged_days = 65
    currency = "USD"
    zones = [("US", .46, -300, "us"), ("US", .27, -360, "us"), ("US", .07, -420, "us"), ("US", .20, -480, "us")]
    prices = [(999, 3), (1499, 3), (1999, 3), (2999, 3), (5900, 2), (9900, 1)]
    issuers_per_country = 10
    debit = .8
    monthly, weekly = .22, .01

    def setup(self):
        self.hour, self.week = {}, {}
        for b in [b for l in self.bank.values() for b, _ in l] + [900, 901, 902]:
            self.hour[b] = pick(self.u("hour", b), [(1, 15), (4, 20), (7, 20), (12, 10), (17, 15), (21, 20)])
            self.week[b] = self.u("bankdays", b) < .35

    def payer(self, p):
        i, v = p.i, self.u("rhythm", p.i)
        t0, t1 = self.t0 - 40 * DAY, self.end + 40 * DAY
        if v < .72:                                            # weekly or every two weeks
            wd = pick(self.u("wd", i), [(4, 62), (3, 22), (2, 10), (0, 6)])
            gap = 7 if v < .24 else 14
            t = t0 - t0 % DAY + ((wd - weekday(t0)) % 7 + 7 * int(2 * self.u("parity", i))) * DAY
            p.pays = list(range(t - 14 * DAY, t1, gap * DAY))
        else:                                                  # 15th and last, the bank day before on weekends
            p.pays = []
            for y, m in months(t0, t1):
                for d in (15, month_days(y, m)):
                    t = ts(y, m, d)
                    p.pays.append(t - max(0, weekday(t) - 4) * DAY)
        p.weak = self.u("weak", i) < .16
        p.top = .22 + .38 * self.u("top", i)                   # chance at the first booking after pay
        p.low = .03 + .17 * self.u("low", i)
        p.melt = 1.0 + 2.6 * self.u("melt", i)

    def booking(self, p, t):
        """local time of the last booking"""
        loc = self.local(p, t)
        b = loc - loc % DAY + self.hour[p.issuer] * HOUR
        if b > loc:
            b -= DAY
        if self.week[p.issuer]:
            b -= max(0, weekday(b) - 4) * DAY
        return b

    def funds(self, o, t):
        p = o.payer
        if not p.weak:
            return .992
        b = self.booking(p, t)
        x = (b - p.pays[bisect.bisect_right(p.pays, b) - 1]) // DAY
        a = math.exp(-.35 * max(0.0, math.log(o.amount / p.price)))
        return (p.low + p.top * math.exp(-x / p.melt)) * a

    def bucket(self, o, t):
        return self.booking(o.payer, t) // DAY if o.cause in (None, "generic") else t // DAY

    def draw(self, o, b):
        return self.u("book", o.payer.i, b) if o.cause is None else super().draw(o, b)

    def wait_hint(self, o, t):
        v = self.u("hint", o.payer.issuer)
        if v < .5:
            return None
        b = self.booking(o.payer, t)
        return 24 if v < .75 else 48 if weekday(b) < 3 else 96


if __name__ == "__main__":
    ground.main(DailyBook)

"""Benefits: catalogue instalments and phone plans in Britain, paid by people who live on Universal Credit (monthly, a date of their
own), State Pension and disability benefits (four-weekly, a weekday by the number) and a little work beside. Money is posted just
after midnight, on the last working day before where the date is none, and is largely gone in one to three days."""

from math import exp

from common import (
    CYCLE,
    CYCLE2,
    DAILY,
    DAY,
    LONG,
    Issuer,
    World,
    at_local,
    income,
    latest,
    local,
    log,
    main,
    month_days,
    utc,
    weekday,
    windfall,
)

GB = (0, "EU")
HOLIDAYS = {
    utc(y, m, d) // DAY
    for y, m, d in [
        (2025, 4, 18),
        (2025, 4, 21),
        (2025, 5, 5),
        (2025, 5, 26),
        (2025, 8, 25),
        (2025, 12, 25),
        (2025, 12, 26),
        (2026, 1, 1),
        (2026, 4, 3),
        (2026, 4, 6),
    ]
}


def working(day):
    while weekday(day) >= 5 or day in HOLIDAYS:
        day -= 1
    return day


class Benefits(World):
    name, currency = "benefits", "GBP"
    now, intake, life, past = utc(2026, 2, 2), 28, 30, 230
    payers_per_order = 8.0
    hazard = 0.027
    ladder = (2, 5, 10, 17)
    leave_funds = 0.25
    deaths = {"replaced": 0.4, "closed": 0.22, "lost": 0.2, "stolen": 0.06, "revoked": 0.12}

    def make_issuers(self, r):
        out = []
        for n in range(12):
            scheme = "visa" if n < 7 else "mastercard"
            out.append(Issuer(301 + n if scheme == "visa" else 401 + n, "GB", scheme, r))
            # when the bank posts what comes by the night's run: most after midnight, some in the early morning
            out[-1].posts = r.choice([0.1, 0.2, 0.5, 1.0, 1.5, 3.0, 5.5])
        self.weights = [20, 14, 11, 8, 5, 3, 2, 13, 10, 7, 4, 3]
        return out

    def make_payer(self, p, r):
        p.country, p.zone = "GB", GB
        p.issuer = r.choices(self.issuers, self.weights)[0]
        p.funding = "debit" if r.random() < 0.96 else "credit"
        p.amount = r.choice([599, 899, 1099, 1499, 1799, 2199, 2599, 3200, 4000, 5500])
        posts = p.issuer.posts
        kind = r.choices(["credit", "pension", "disability", "both", "work"], [46, 20, 10, 14, 10])[
            0
        ]
        p.streams = []

        def four_weekly(every=28, weight=0.0):
            wd, turn = r.randrange(5), r.randrange(every // 7)
            days = [
                d
                for d in range(self.d0, self.d1)
                if weekday(d) == wd and (d + 3) // 7 % (every // 7) == turn
            ]
            p.streams.append(income([at_local(GB, working(d), posts) for d in days], weight=weight))

        if kind in ("credit", "both", "work"):
            days = month_days(
                self.d0,
                self.d1,
                r.randrange(1, 29) if r.random() < 0.93 else 31,
                "before",
                HOLIDAYS,
            )
            p.streams.append(income([at_local(GB, d, posts) for d in days]))
        if kind == "pension":
            four_weekly()
        if kind == "disability":
            four_weekly(14 if r.random() < 0.4 else 28)
        if kind == "both":
            four_weekly(weight=r.uniform(-1.2, 0.2))
        if kind == "work":
            days = [d for d in range(self.d0, self.d1) if weekday(d) == 4]
            p.streams.append(
                income(
                    [at_local(GB, working(d), posts) for d in days],
                    late=0.08,
                    weight=r.uniform(-2.5, -0.8),
                )
            )
        easy = r.random() < (0.90 if kind == "pension" else 0.82)
        p.m = (r.gauss(4.6, 0.8) if easy else r.gauss(1.1, 1.0)) - 0.3 * log(p.amount / 1800)
        p.k = r.uniform(1.5, 3.0) if easy else r.uniform(3.5, 6.5)  # how far it falls
        p.s1, p.s2, p.s3 = r.uniform(0.4, 0.9), 0.12, 0.5
        p.x = {
            "kind": kind,
            "fast": r.uniform(0.9, 2.6),
            "fall": r.uniform(0.0, 0.04),
            "trouble": r.uniform(3, 8),
        }
        hour = r.choice([3.5, 4.5, 6.0]) if r.random() < 0.7 else r.triangular(8, 22, 18)
        nominal = [
            d
            for d in month_days(
                self.start // DAY,
                self.until // DAY - 1,
                r.choices([1, 15, 28, r.randrange(1, 29)], [12, 6, 8, 74])[0],
            )
        ]
        if r.random() < 0.2:
            first = r.randrange(28)
            nominal = [d for d in range(self.start // DAY, self.until // DAY) if d % 28 == first]
        p.bills = [
            t
            for t in (at_local(GB, d, hour) for d in nominal)
            if max(self.start, p.joined) <= t < self.until
        ]

    def margin(self, p, t, D):
        here = local(p.zone, t) // DAY
        best = -99.0
        for which, stream in enumerate(p.streams):
            i, paid = latest(p, which, t, D)
            phase = (t - paid) / DAY
            x = (
                stream[3]
                + p.s1 * D.n(CYCLE if which == 0 else CYCLE2, p.n, i)
                - p.k * (1 - exp(-((phase / p.x["fast"]) ** 1.3)))
            )
            best = max(best, x)
        x = (
            best
            + p.m
            + p.s2 * D.n(DAILY, p.n, here)
            + p.s3 * D.n(LONG, p.n, (t + p.turn) // (70 * DAY))
        )
        if (
            D.u(LONG, -1 - p.n, (t + p.turn) // (60 * DAY)) < 0.135
        ):  # a sanction, a deduction, arrears
            x -= p.x["trouble"]
        return x + 3.0 * windfall(p, t, D, p.x["fall"])

    def hours(self, p):
        return (0.4, 6.2, 12.5, 19.0)


if __name__ == "__main__":
    main(Benefits)

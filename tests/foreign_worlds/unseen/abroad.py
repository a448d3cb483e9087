"""Abroad: an app subscription sold from Amsterdam to payers in many zones through one acquirer. Most issuers answer 05 to whatever
they refuse a foreign merchant. What they refuse hangs on the hour of their day, and their mood sours with each send that they have
refused lately. A part of the payers are simply short of money until their country's pay day."""

from math import cos, exp, pi

from common import (
    CYCLE,
    DAILY,
    DAY,
    HOUR,
    KEEP,
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

# country, zone, weight, pay days, issuers, days of the week-end, share of debit
LANDS = [
    ("BR", (-180, None), 15, [5, 5, 20], 4, (5, 6), 0.55),
    ("MX", (-360, None), 12, [15, 30], 4, (5, 6), 0.7),
    ("CO", (-300, None), 5, [15, 30], 2, (5, 6), 0.6),
    ("US", (-300, "US"), 8, [15, 31], 4, (5, 6), 0.5),
    ("ZA", (120, None), 7, [25], 3, (5, 6), 0.7),
    ("NG", (60, None), 5, [25, 28], 3, (5, 6), 0.95),
    ("EG", (120, None), 4, [24, 27], 2, (4, 5), 0.8),
    ("TR", (180, None), 7, [1, 15], 3, (5, 6), 0.4),
    ("AE", (240, None), 5, [25, 1], 2, (5, 6), 0.5),
    ("IN", (330, None), 8, [1, 31], 3, (6,), 0.75),
    ("TH", (420, None), 4, [25, 31], 2, (5, 6), 0.7),
    ("ID", (420, None), 6, [25, 28], 3, (5, 6), 0.8),
    ("PH", (480, None), 7, [15, 30], 3, (5, 6), 0.75),
    ("JP", (540, None), 4, [25], 2, (5, 6), 0.2),
    ("AU", (600, "AU"), 3, [15], 2, (5, 6), 0.8),
]


class Abroad(World):
    name, currency = "abroad", "EUR"
    now, intake, life, past = utc(2026, 6, 1), 28, 26, 230
    payers_per_order = 7.8
    hazard = 0.024
    ladder, drawn = (1, 4, 9, 16), 0.3
    leave_funds = 0.3
    gap = 60
    p_system = 0.003
    sr, sb = 0.9, 0.6

    def make_issuers(self, r):
        out, n = [], 0
        for land in LANDS:
            for _ in range(land[4]):
                scheme = "visa" if r.random() < 0.56 else "mastercard"
                issuer = Issuer(n + (101 if scheme == "visa" else 151), land[0], scheme, r)
                issuer.generic = r.uniform(0.45, 1.0) if r.random() < 0.8 else r.uniform(0.05, 0.3)
                issuer.hides = r.uniform(0.4, 0.9)
                issuer.burst = r.uniform(0.01, 0.05)
                issuer.updates = r.uniform(0.15, 0.55)
                issuer.lenient = r.uniform(0, 0.2)
                # local hour of its best mood: the working morning with most, some the afternoon, some the quiet night
                issuer.best = r.choices(
                    [r.uniform(7.5, 11.5), r.uniform(13, 17), r.uniform(1, 4)], [60, 22, 18]
                )[0]
                issuer.swing = r.uniform(1.1, 3.0)
                issuer.narrow = r.uniform(0.8, 2.2)
                issuer.strict = r.uniform(-0.4, 0.6)
                issuer.weekend = r.choice([0, 0, 0.4, 0.9])
                issuer.sour, issuer.calm = (
                    r.uniform(0.15, 0.65),
                    r.uniform(2.5, 8.0),
                )  # by each refused send; days to calm
                issuer.posts = r.choice([0.3, 2, 5, 7, 9])
                issuer.share = r.uniform(0.3, 1)
                out.append(issuer)
                n += 1
        return out

    def make_payer(self, p, r):
        land = r.choices(LANDS, [x[2] for x in LANDS])[0]
        p.country, p.zone = land[0], land[1]
        if p.country == "BR" and r.random() < 0.08:
            p.zone = (-240, None)
        if p.country == "US" and r.random() < 0.5:
            p.zone = r.choice([(-360, "US"), (-480, "US")])
        p.shows = r.random() < 0.8
        here = [i for i in self.issuers if i.country == p.country]
        p.issuer = r.choices(here, [i.share for i in here])[0]
        p.funding = "debit" if r.random() < land[6] else "credit"
        p.amount = r.choice([399, 499, 699, 799, 999, 999, 1299, 1999, 2999, 4999])
        dom = r.choice(land[3]) if r.random() < 0.8 else r.randrange(1, 29)
        doms = [15, 31] if 30 in land[3] and r.random() < 0.6 else [dom]
        days = sorted(d for x in doms for d in month_days(self.d0, self.d1, x, "before"))
        p.streams = [income([at_local(p.zone, d, p.issuer.posts) for d in days], late=0.12)]
        easy = r.random() < 0.84
        p.m = (r.gauss(4.8, 0.9) if easy else r.gauss(1.5, 1.1)) - 0.3 * log(p.amount / 1000)
        p.k = r.uniform(1.0, 2.5) if easy else r.uniform(2.5, 5.5)
        p.s1, p.s2, p.s3 = r.uniform(0.4, 0.9), 0.15, 0.5
        p.x = {
            "fast": r.uniform(1.2, 4.5),
            "fall": r.uniform(0, 0.045),
            "trouble": r.uniform(3, 8),
            "weekend": land[5],
            "ease": r.gauss(3.5, 0.75) - p.issuer.strict - 0.15 * log(p.amount / 1000),
        }
        # the hour of the sign-up, in the evening of the payer mostly; a part is billed by the night's run in Amsterdam
        hour = r.triangular(7, 24, 20)
        first = self.start // DAY
        days = month_days(first, self.until // DAY - 1, r.randrange(1, 29))
        if r.random() < 0.35:
            p.bills = [at_local((60, "EU"), d, 4.0 + r.random()) for d in days]
        else:
            p.bills = [at_local(p.zone, d, hour) for d in days]
        p.bills = [t for t in p.bills if max(self.start, p.joined) <= t < self.until]

    def hour_score(self, p, t):
        here = local(p.zone, t)
        issuer = p.issuer
        near = (1 + cos(2 * pi * (here % DAY / HOUR - issuer.best) / 24)) / 2
        x = p.x["ease"] - issuer.swing * (1 - near**issuer.narrow)
        if weekday(here // DAY) in p.x["weekend"]:
            x -= issuer.weekend
        return x

    def mood(self, p, t, tries):
        issuer = p.issuer
        return sum(issuer.sour * exp(-(t - s) / DAY / issuer.calm) for s in tries)

    def special(self, p, key, t, tries, D):
        # for a season the bank, or the payer in its app, lets no merchant from abroad in
        return "risk" if D.u(KEEP, p.n, (t + p.turn) // (80 * DAY)) < 0.032 else None

    def margin(self, p, t, D):
        i, paid = latest(p, 0, t, D)
        phase = (t - paid) / DAY
        here = local(p.zone, t) // DAY
        x = (
            p.m
            + p.s1 * D.n(CYCLE, p.n, i)
            + p.s2 * D.n(DAILY, p.n, here)
            + p.s3 * D.n(LONG, p.n, (t + p.turn) // (70 * DAY))
        )
        x -= p.k * (1 - exp(-phase / p.x["fast"]))
        if D.u(LONG, -1 - p.n, (t + p.turn) // (90 * DAY)) < 0.07:
            x -= p.x["trouble"]
        return x + 3.0 * windfall(p, t, D, p.x["fall"])

    def hours(self, p):
        b = p.issuer.best
        return (b % 24, (b + 2.5) % 24, (b - 3) % 24, (b + 12) % 24)


if __name__ == "__main__":
    main(Abroad)

"""Business: software for small American companies, paid by company cards. Credit limits fill up over the statement's month and come
free when the statement is paid; debit accounts lie low after pay rolls and fill with customers' payments on working days. Fraud
systems do not honour for some days after something odd, the longer the more they are asked, and like weekdays' office hours. Cards
are replaced often, and networks tell of some of it."""

from math import cos, exp, pi

from common import (
    CYCLE,
    DAILY,
    DAY,
    FLAG,
    FLAG_LONG,
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

ZONES = [
    ((-300, "US"), 47),
    ((-360, "US"), 28),
    ((-420, "US"), 6),
    ((-420, None), 3),
    ((-480, "US"), 16),
]


class Business(World):
    name, currency = "business", "USD"
    now, intake, life, past = utc(2026, 3, 2), 28, 28, 185
    payers_per_order = 10.2
    hazard = 0.028
    ladder, drawn = (1, 3, 7, 14, 21), 0.25
    leave_funds, leave_dead = 0.22, 0.35
    deaths = {"replaced": 0.6, "closed": 0.18, "lost": 0.08, "stolen": 0.05, "revoked": 0.09}
    expiry_known = 0.65
    gap = 40
    sr, sb = 1.0, 0.15

    def make_issuers(self, r):
        out = []
        for n in range(18):
            scheme = "visa" if n < 7 else "mastercard" if n < 13 else "amex"
            base = {"visa": 501, "mastercard": 601, "amex": 701}[scheme]
            out.append(Issuer(base + n, "US", scheme, r))
            out[-1].best = r.uniform(9.5, 14.5)  # local hour it likes best
            out[-1].night = r.uniform(0.6, 2.2)
            out[-1].weekend = r.uniform(0.3, 1.6)
            out[-1].strict = r.uniform(-0.3, 0.6)
            out[-1].flags = r.uniform(
                0.025, 0.07
            )  # share of payer-periods in which something odd has happened
            out[-1].harder = r.uniform(0.6, 2.0)  # days a flag lasts longer for each send meanwhile
            out[-1].posts = r.choice(
                [3, 6, 9, 13, 17]
            )  # local hour at which a paid statement frees the limit
        self.weights = [16, 12, 8, 5, 4, 3, 2, 11, 8, 6, 4, 3, 2, 7, 5, 3, 2, 1]
        return out

    def make_payer(self, p, r):
        p.country, p.zone = "US", r.choices([z for z, _ in ZONES], [w for _, w in ZONES])[0]
        p.shows = r.random() < 0.89
        p.issuer = r.choices(self.issuers, self.weights)[0]
        p.funding = "credit" if p.issuer.scheme == "amex" or r.random() < 0.66 else "debit"
        p.amount = r.choice([2900, 4900, 4900, 7900, 9900, 9900, 14900, 19900, 29900, 49900])
        if p.funding == "credit":
            due = r.choices([r.randrange(1, 29), 1, 15, 28], [76, 9, 8, 7])[0]
            days = month_days(self.d0, self.d1, due, "after")
            # companies pay on or some days after the statement; the same company alike each month, with a day's delay at times
            p.streams = [income([at_local(p.zone, d, p.issuer.posts) for d in days], late=0.2)]
            easy = r.random() < 0.89
            p.m = (r.gauss(4.5, 0.8) if easy else r.gauss(0.6, 0.9)) - 0.3 * log(p.amount / 9900)
            p.k = r.uniform(0.05, 0.12) if easy else r.uniform(0.4, 1.0)
            p.s1 = r.uniform(0.4, 0.9)
        else:
            late = r.random() < 0.5
            doms = (15, 31) if late else (1, 16)
            rolls = sorted(d for dom in doms for d in month_days(self.d0, self.d1, dom, "before"))
            p.streams = [income([at_local(p.zone, d, 1) for d in rolls])]
            easy = r.random() < 0.89
            p.m = (r.gauss(4.6, 0.8) if easy else r.gauss(-0.6, 0.9)) - 0.3 * log(p.amount / 9900)
            p.k = r.uniform(1.0, 2.0) if easy else r.uniform(2.0, 4.0)
            p.s1 = r.uniform(0.4, 0.9)
        p.s2, p.s3 = 0.15, 0.6
        p.x = {
            "easy": easy,
            "fill": r.uniform(3.5, 10.0),
            "fall": r.uniform(0.0, 0.045),
            "trouble": r.uniform(2.5, 8),
            "funds_word": "limit" if p.funding == "credit" and r.random() < 0.35 else "funds",
            "ease": r.gauss(2.25, 0.6) - p.issuer.strict - 0.15 * log(p.amount / 9900),
        }
        hour = r.triangular(7, 21, 12) if r.random() < 0.55 else r.choice([0.1, 1.0, 3.0])
        p.bills = [
            t
            for t in (
                at_local(p.zone, d, hour)
                for d in month_days(
                    self.start // DAY,
                    self.until // DAY - 1,
                    r.choices([1, r.randrange(1, 29)], [22, 78])[0],
                )
            )
            if max(self.start, p.joined) <= t < self.until
        ]

    def hour_score(self, p, t):
        here = local(p.zone, t)
        hour, day = here % DAY / HOUR, weekday(here // DAY)
        x = p.x["ease"] + 1.2 - p.issuer.night * (1 - cos(2 * pi * (hour - p.issuer.best) / 24)) / 2
        if day >= 5:
            x -= p.issuer.weekend * (1.0 if day == 6 else 0.7)
        return x

    def special(self, p, key, t, tries, D):
        """A flag is up from some day on for two to twelve days, and longer for each send that meets it."""
        period = 20 * DAY
        at = t + p.turn
        for i in (at // period, at // period - 1, at // period - 2):
            # the payment itself is what looks odd: flags are raised at a bill, rather than between
            if D.u(FLAG, p.n, i) < p.issuer.flags * (1.8 if p.x["ease"] < 2.0 else 0.7):
                start = i * period - p.turn + int(D.u(FLAG, -1 - p.n, i) * 0.5 * period)
                long = (4 + 19 * D.u(FLAG_LONG, p.n, i) ** 1.2) * DAY
                long += sum(p.issuer.harder * DAY for s in tries if start <= s < start + long)
                if start <= t < start + min(long, 30 * DAY):
                    return "fraud" if D.u(FLAG_LONG, -1 - p.n, i) < 0.25 else "risk"
        return None

    def margin(self, p, t, D):
        i, paid = latest(p, 0, t, D)
        phase = (t - paid) / DAY
        here = local(p.zone, t) // DAY
        x = (
            p.m
            + p.s1 * D.n(CYCLE, p.n, i)
            + p.s2 * D.n(DAILY, p.n, here)
            + p.s3 * D.n(LONG, p.n, (t + p.turn) // (75 * DAY))
        )
        if p.funding == "credit":
            x -= p.k * phase
        else:
            x -= p.k * exp(-phase / p.x["fill"])
            if weekday(here) == 6 or weekday(here) == 0 and local(p.zone, t) % DAY < 10 * HOUR:
                x -= 0.25
        if D.u(LONG, -1 - p.n, (t + p.turn) // (120 * DAY)) < 0.05:  # a company in trouble
            x -= p.x["trouble"]
        return x + 2.5 * windfall(p, t, D, p.x["fall"], 48)

    def hours(self, p):
        return (2.0, p.issuer.best, p.issuer.posts + 1.0, 17.5)


if __name__ == "__main__":
    main(Business)

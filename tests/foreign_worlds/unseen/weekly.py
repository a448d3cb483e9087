"""Weekly: instalments and memberships in Australia, paid by debit card from wages that come weekly or fortnightly on Wednesday to
Friday mornings. Balances are small and run out over days; week-ends cost more. Gig workers are paid on days nobody knows."""

from common import (
    CYCLE,
    DAILY,
    DAY,
    HOUR,
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

ZONES = [((600, "AU"), 58), ((600, None), 22), ((570, "AU"), 8), ((480, None), 12)]


class Weekly(World):
    name, currency = "weekly", "AUD"
    now, intake, life, past = utc(2026, 5, 4), 28, 24, 176
    payers_per_order = 9.8
    hazard = 0.029
    ladder = (1, 3, 5, 7, 14)
    leave_funds = 0.3

    def make_issuers(self, r):
        out = []
        for n in range(14):
            scheme = "visa" if n < 8 else "mastercard"
            out.append(Issuer(101 + n if scheme == "visa" else 201 + n, "AU", scheme, r))
        self.weights = [22, 16, 12, 9, 6, 4, 3, 2, 12, 8, 6, 4, 3, 2]
        return out

    def make_payer(self, p, r):
        p.country, p.zone = "AU", r.choices([z for z, _ in ZONES], [w for _, w in ZONES])[0]
        p.issuer = r.choices(self.issuers, self.weights)[0]
        p.funding = "debit" if r.random() < 0.92 else "credit"
        p.amount = r.choice([1495, 1990, 2400, 2990, 3450, 4200, 4990, 6500, 8900, 12500])
        rhythm = r.choices(["week", "fortnight", "month", "gig"], [42, 37, 10, 11])[0]
        wd = r.choices([1, 2, 3, 4], [6, 18, 44, 32])[0]
        hour = r.choices([r.uniform(0.2, 2), r.uniform(4, 7.5), r.uniform(8, 12)], [25, 50, 25])[0]
        days = range(self.d0, self.d1)
        if rhythm == "week":
            pays = [d for d in days if weekday(d) == wd]
            p.streams = [income([at_local(p.zone, d, hour) for d in pays], late=0.04)]
            p.k = r.uniform(0.40, 0.95)
        elif rhythm == "fortnight":
            odd = r.randrange(2)
            pays = [d for d in days if weekday(d) == wd and (d + 3) // 7 % 2 == odd]
            p.streams = [income([at_local(p.zone, d, hour) for d in pays], late=0.03)]
            p.k = r.uniform(0.28, 0.70)
        elif rhythm == "month":
            pays = list(month_days(self.d0, self.d1, r.choice([14, 15, 15, 20, 28, 31]), "before"))
            p.streams = [income([at_local(p.zone, d, hour) for d in pays])]
            p.k = r.uniform(0.15, 0.35)
        else:
            pays = [d for d in days if weekday(d) == 0]
            p.streams = [income([at_local(p.zone, d, 9) for d in pays], width=6.5)]
            p.k = r.uniform(0.45, 1.0)
        easy = r.random() < 0.86  # most have a cushion; the others live from pay to pay
        p.m = (r.gauss(5.4, 0.9) if easy else r.gauss(0.6, 0.95)) - 0.3 * log(p.amount / 3500)
        p.k *= 4.8 if rhythm in ("fortnight", "month") else 3.6
        p.x = {
            "cap": r.uniform(1.5, 3.0) if easy else 7.0,
            "fall": r.uniform(0.0, 0.03),
            "trouble": r.uniform(4.5, 10),
            "rhythm": rhythm,
            "rent": r.uniform(0.2, 1.0),
            "rent_at": r.uniform(0.6, 2.5),
            "weekend": r.uniform(0.15, 0.6),
        }
        p.s1, p.s2, p.s3 = r.uniform(0.35, 0.8), 0.12, 0.6
        hour = r.uniform(2.0, 5.5) if r.random() < 0.6 else r.triangular(7, 23, 19)
        step = 14 if r.random() < 0.3 else 28 if r.random() < 0.2 else 0
        if step:
            first = r.randrange(step)
            bills = [d for d in range(self.start // DAY, self.until // DAY) if d % step == first]
        else:
            bills = month_days(
                self.start // DAY,
                self.until // DAY - 1,
                r.choices([1, 15, r.randrange(1, 29)], [14, 10, 76])[0],
            )
        p.bills = [
            t
            for t in (at_local(p.zone, d, hour) for d in bills)
            if max(self.start, p.joined) <= t < self.until
        ]

    def margin(self, p, t, D):
        i, paid = latest(p, 0, t, D)
        phase = (t - paid) / DAY
        here, then = local(p.zone, t) // DAY, local(p.zone, paid) // DAY
        x = (
            p.m
            + p.s1 * D.n(CYCLE, p.n, i)
            + p.s2 * D.n(DAILY, p.n, here)
            + p.s3 * D.n(LONG, p.n, (t + p.turn) // (90 * DAY))
        )
        x -= p.x["trouble"] * (
            D.u(LONG, -1 - p.n, (t + p.turn) // (95 * DAY)) < 0.08
        )  # a spell without work
        x -= min(p.x["cap"], p.k * phase) + p.x["weekend"] * ((here - 2) // 7 - (then - 2) // 7)
        if phase > p.x["rent_at"]:
            x -= p.x["rent"]
        return x + 3.0 * windfall(p, t, D, p.x["fall"])


if __name__ == "__main__":
    main(Weekly)

#!/usr/bin/env python3
"""World 2: mostly credit cards of twenty issuers in North America and Europe.

Declines come from spent credit lines (free again some days after the bill is paid, at the issuer's night batch, and for
hours when holds fall away), from daily, rolling and weekly limits, and most of all from risk engines: each issuer has hours
of the week in which it lets a doubtful merchant charge pass, hardens with declined attempts it remembers, and never lets a
part of them pass. Fraud flags end when the payer has spoken to the bank."""

import bisect
import math
from random import Random

from common import (
    T_FUNDS,
    T_LIMITS,
    D,
    H,
    Obj,
    World,
    business,
    h64,
    hour_table,
    main,
    monthly_days,
    ts,
)

STYLES = {  # hours of the week in which a doubtful charge has a good, a fair and a poor chance
    "office": lambda d, h: 2 if d < 5 and 9 <= h < 17 else 1 if d < 5 and 7 <= h < 20 else 0,
    "early": lambda d, h: 2 if 4 <= h < 8 else 1 if 8 <= h < 12 else 0,
    "evening": lambda d, h: 2 if 17 <= h < 22 else 1 if 12 <= h < 17 else 0,
    "weekend": lambda d, h: 2 if d >= 5 and 8 <= h < 20 else 1 if 10 <= h < 16 else 0,
    "midweek": lambda d, h: 2 if d in (1, 2, 3) and 8 <= h < 22 else 1 if 8 <= h < 18 else 0,
    "batch": lambda d, h: 2 if 1 <= h < 4 else 1 if d in (0, 1) else 0,
}


class World2(World):
    name, now = "credit", ts(2025, 2, 3)
    start = ts(2024, 5, 6)
    payers_n, horizon, hard_share, comfy = 1900, 75, 0.028, 0.66
    memory = 5 * D

    def make_issuers(self):
        out, r, no = [], Random(h64(self.S, 1)), 300
        places = (
            [("US", -300)] * 6
            + [("US", -480)] * 4
            + [("GB", 0)] * 4
            + [("FR", 60)] * 3
            + [("ES", 60)] * 3
        )
        for k, (country, off) in enumerate(places):
            no += r.randint(2, 17)
            style = list(STYLES)[k % len(STYLES)] if k < 6 else r.choice(list(STYLES))
            levels = (r.uniform(0.01, 0.04), r.uniform(0.07, 0.14), r.uniform(0.38, 0.60))
            grade = STYLES[style]
            susp = hour_table(lambda d, h: levels[grade(d, h)])
            plain = hour_table(lambda d, h: 0.95 if grade(d, h) == 0 else 0.985)
            out.append(
                Obj(
                    no=no,
                    country=country,
                    off=off,
                    weight=1 / (1 + 0.35 * k),
                    scheme="amex" if k in (2, 7, 12) else r.choice(("visa", "mastercard")),
                    funding="debit" if k in (5, 11, 18) else "credit",
                    outage_days=r.uniform(25, 70),
                    maintenance=(r.choice((None, 5, 6)), r.randint(1, 4), 1.0)
                    if r.random() < 0.3
                    else None,
                    plain=plain,
                    susp=susp,
                    change=None,
                    harden=r.choice((0.55, 0.7, 0.8, 0.9)),
                    free=r.choice((1, 1, 2)),
                    block=24 * H,
                    risk_code=r.choice(("05", "05", "05", "59", "63")),
                    flags=("59", "59", "62", "78"),
                    flag_never=0.5,
                    flag_days=r.uniform(1.5, 5),
                    vague=r.choice((0.0, 0.0, 0.15, 0.5)),
                    mac=r.choice((None, None, "knows", "fixed")),
                    book=r.choice((1.0, 2.0, 3.5, 5.0, 22.0)),
                    post=r.choice((1, 1, 2, 3)),
                    holds=r.choice((0.0, 0.03, 0.08)),
                    limits=r.choice(("none", "none", "day", "day", "rolling", "week")),
                )
            )
        return out

    def make_payer(self, k):
        r = Random(h64(self.S, 2, k))
        issuer = r.choices(self.issuers, [i.weight for i in self.issuers])[0]
        p = self.basic_payer(k, issuer, r)
        p.line = int(math.exp(r.gauss(math.log(150000), 0.6)))
        p.tight = r.random() < 0.36  # revolves: lives at the end of the line
        p.room = r.uniform(0.08, 0.45) if p.tight else r.uniform(0.9, 1.6)
        p.pay_days = monthly_days(
            (self.start - 50 * D) // D,
            self.end // D,
            (r.choice((1, 2, 5, 5, 10, 12, 15, 18, 20, 25, 27, 28)),),
            p.country,
            1,
        )
        p.skips = r.choice((0.08, 0.2, 0.38)) if p.tight else 0.02
        p.amount = int(math.exp(r.gauss(math.log(5600), 0.8)))
        p.dead, p.flag = r.uniform(0.18, 0.42), 0.018
        p.susp = r.choice((0.02, 0.08, 0.25)) * (1.4 if issuer.harden < 0.75 else 1)
        p.stubborn = r.uniform(0.34, 0.58)
        p.heavy = r.choice((0.0, 0.03, 0.1)) if issuer.limits != "none" else 0.0
        p.limit_code = r.choice(("61", "65")) if issuer.limits != "rolling" else "65"
        p.every = r.choice((30, 30, 30, 30, 14, 7))
        p.batch = r.choice((5, 5, 9, 11, 23, None, None))
        p.bank_days = []
        for d in p.pay_days:  # the payment reaches the line some business days later
            n = issuer.post
            while n:
                d += 1
                n -= business(d, p.country)
            p.bank_days.append(d * D + int(issuer.book * H) - p.offsets)
        return p

    def funds(self, p, S, t0, t1):
        r, out = Random(h64(S, p.i, T_FUNDS)), []
        a = max(0, bisect.bisect_left(p.bank_days, t0) - 1)
        for k in range(a, min(len(p.bank_days) - 1, bisect.bisect_right(p.bank_days, t1))):
            t, length = p.bank_days[k], p.bank_days[k + 1] - p.bank_days[k]
            if r.random() < p.skips:
                continue
            lasts = length * min(1.5, p.room * math.exp(r.gauss(0, 0.4)))
            line = p.line * r.uniform(0.2, 1.0)
            for share, part in ((0.5, 0.3), (0.15, 0.7), (0.05, 1.0)):
                out.append((t, t + int(lasts * part), line * share))
        rate = p.issuer.holds + 0.02
        t = t0
        while True:
            t += int(r.expovariate(rate / D))
            if t >= t1:
                return out
            at = (
                t // D * D + int(p.issuer.book * H) - p.offsets
            )  # holds fall away in the night batch
            out.append((at, at + r.randint(6, 40) * H, p.line * r.uniform(0.02, 0.12)))

    def limits(self, p, S, t0, t1):
        if not p.heavy:
            return []
        r, out, kind = Random(h64(S, p.i, T_LIMITS)), [], p.issuer.limits
        for day in range(t0 // D, t1 // D):
            if r.random() >= p.heavy * (0.35 if kind == "week" else 1):
                continue
            a = day * D + r.randint(7, 20) * H - p.offsets
            if kind == "day":
                b = (day + 1) * D - p.offsets
            elif kind == "rolling":
                b = a + 24 * H + r.randint(0, 40) * H
            else:
                b = (day - (day + 3) % 7 + 7) * D - p.offsets
            out.append((a, b, p.limit_code))
        return out


if __name__ == "__main__":
    main(World2)

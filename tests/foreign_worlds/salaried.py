#!/usr/bin/env python3
"""World 1: salaried people with debit cards in five countries.

Money comes with pay (weekly, every second week, twice a month, monthly), moved around weekends and holidays by the habit of
the country, booked at the hour of the bank, sometimes days early, sometimes late. It lasts as long as the household is
thrifty and the order small against the pay. Between pay days there are small transfers for some hours."""

import bisect
import math
from random import Random

from common import (
    T_FUNDS,
    D,
    H,
    Obj,
    World,
    day_no,
    h64,
    hour_table,
    main,
    monthly_days,
    shift_business,
    ts,
)

COUNTRIES = {  # offset, weight, (plan, weight)…
    "US": (-300, 36, (("fri2", 40), ("fri1", 16), ("half", 24), ("wed2", 10), ("mon_last", 10))),
    "GB": (0, 20, (("mon_25", 22), ("mon_28", 22), ("mon_last", 36), ("fri1", 20))),
    "DE": (60, 16, (("mon_1", 34), ("mon_15", 26), ("mon_last", 40))),
    "MX": (-360, 14, (("half", 80), ("fri1", 20))),
    "AU": (600, 14, (("wed2", 34), ("thu2", 36), ("thu1", 16), ("mon_15", 14))),
}
PLAN = {"fri1": (4, 7), "fri2": (4, 14), "wed2": (2, 14), "thu1": (3, 7), "thu2": (3, 14)}
DOMS = {
    "half": (15, 31),
    "mon_1": (1,),
    "mon_15": (15,),
    "mon_25": (25,),
    "mon_28": (28,),
    "mon_last": (31,),
}


def pick(r, pairs):
    return r.choices([a for a, *_ in pairs], [b for _, b, *_ in pairs])[0]


class World1(World):
    name, now = "salaried", ts(2024, 11, 11)
    start = ts(2024, 2, 5)
    lookback = 3 * D
    payers_n, horizon, hard_share, comfy = 1680, 75, 0.026, 0.62

    def make_issuers(self):
        out, r, no = [], Random(h64(self.S, 1)), 110
        for country, (off, weight, _) in COUNTRIES.items():
            for k in range(4 if country == "US" else 3):
                no += r.randint(1, 9)
                night = r.choice((0.9, 0.96, 0.99))
                plain = hour_table(lambda d, h: night if h < 5 else 0.985)
                susp = hour_table(
                    lambda d, h: (
                        0.06 if h < 7 or h > 21 else (0.34 if 9 <= h < 18 and d < 5 else 0.18)
                    )
                )
                out.append(
                    Obj(
                        no=no,
                        country=country,
                        off=off,
                        weight=weight * (1.8, 1, 0.7, 0.5)[k],
                        scheme=r.choice(("visa", "visa", "mastercard")),
                        funding="debit",
                        outage_days=r.uniform(20, 50),
                        maintenance=(6, r.randint(0, 3), 2.5) if r.random() < 0.5 else None,
                        plain=plain,
                        susp=susp,
                        change=None,
                        harden=r.choice((0.92, 0.97, 1.0)),
                        free=3,
                        block=12 * H,
                        risk_code=r.choice(("05", "05", "59")),
                        flags=("59", "62", "62"),
                        flag_never=0.45,
                        flag_days=3.0,
                        vague=r.choice((0.0, 0.05, 0.3)),
                        mac=r.choice((None, "knows", "fixed")),
                        book=r.choice((0.1, 0.2, 3.0, 5.5, 6.0, 9.0, 13.0)),
                        early=r.choice((0, 0, 0, 1, 2)) if country == "US" else 0,
                        shift=1 if country == "AU" else -1,
                    )
                )
        return out

    def make_payer(self, k):
        r = Random(h64(self.S, 2, k))
        issuer = r.choices(self.issuers, [i.weight for i in self.issuers])[0]
        p = self.basic_payer(k, issuer, r)
        p.kind = pick(r, COUNTRIES[p.country][2])
        p.cycle = PLAN[p.kind][1] if p.kind in PLAN else 15 if p.kind == "half" else 30
        p.thrift = min(0.95, math.exp(r.gauss(math.log(0.16), 0.65)))
        p.pay = int(120 * p.cycle**0.85 * 100 * math.exp(r.gauss(0, 0.3)))
        p.amount = int(math.exp(r.gauss(math.log(4200), 0.75)))
        p.miss, p.late = r.choice((0.06, 0.15, 0.3)), r.choice((0.04, 0.12, 0.22))
        p.dead, p.susp, p.flag, p.stubborn = r.uniform(0.18, 0.46), 0.02, 0.012, 0.45
        p.transfers = r.choice((0.0, 0.03, 0.06, 0.12))
        p.every = r.choice((30, 30, 30, 14, 7))
        p.batch = r.choice((7, 7, 10, 15, None, None))
        p.pays = self.pay_instants(p, r)
        return p

    def pay_instants(self, p, r):
        d0, d1, i = (self.start - 45 * D) // D, self.end // D, p.issuer
        if p.kind in PLAN:
            wd, step = PLAN[p.kind]
            first = d0 + (wd - (d0 + 3)) % 7 + 7 * r.randrange(step // 7)
            days = [shift_business(d, p.country, i.shift) for d in range(first, d1, step)]
        else:
            days = monthly_days(d0, d1, DOMS[p.kind], p.country, -1)
        return [(d - i.early) * D + int(i.book * H) - p.offsets for d in days]

    def funds(self, p, S, t0, t1):
        r, out = Random(h64(S, p.i, T_FUNDS)), []
        a = max(0, bisect.bisect_left(p.pays, t0) - 1)
        for k in range(a, min(len(p.pays) - 1, bisect.bisect_right(p.pays, t1))):
            t, x = p.pays[k], r.random()
            length = p.pays[k + 1] - t
            if x < p.miss:
                continue
            if x < p.miss + p.late:
                t += r.randint(1, 3) * D
            lasts = length * min(1.2, p.thrift * math.exp(r.gauss(0, 0.55)))
            pay = p.pay * r.uniform(0.85, 1.1)
            for share, part in ((0.40, 0.25), (0.13, 0.6), (0.045, 1.0)):
                out.append((t, t + int(lasts * part) + 3 * H, pay * share))
        if p.transfers:
            t = t0
            while True:
                t += int(r.expovariate(p.transfers / D))
                if t >= t1:
                    break
                at = day_no(t) * D + r.randint(8, 22) * H - p.offsets
                out.append((at, at + r.randint(5, 30) * H, p.pay * r.uniform(0.02, 0.12)))
        return out


if __name__ == "__main__":
    main(World1)

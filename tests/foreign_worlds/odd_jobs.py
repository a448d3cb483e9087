#!/usr/bin/env python3
"""World 3: irregular incomes, prepaid cards and neobanks.

Drivers and couriers are paid by platforms (a fixed weekday and hour of the platform, or a cash-out after busy evenings),
sellers at random; the money is gone within hours or a few days. Many top up a prepaid card when they are told of a failed
payment, at an hour of their own, the less the more often they are told. Neobanks add limits of the day, the week and the
month, and controls that the payer switches on in the app at night."""

import math
from random import Random

from common import (
    T_FUNDS,
    T_LIMITS,
    T_REMIND,
    D,
    H,
    Obj,
    World,
    h64,
    hour_table,
    main,
    ts,
    u01,
    weekday,
    ymd,
)


class World3(World):
    name, now = "gig", ts(2024, 9, 2)
    start = ts(2024, 1, 8)
    lookback = 10 * D
    payers_n, horizon, hard_share, comfy = 1000, 60, 0.036, 0.60
    habits = ((1, 1, 1, 1, 1), (1, 2, 4, 7), (2, 2, 2), (3, 3, 3, 3), (7, 7), (5,), (1, 3, 5))
    memory = 2 * D

    def make_issuers(self):
        out, r, no = [], Random(h64(self.S, 1)), 600
        spec = [
            ("platform", "US", -360),
            ("platform", "US", -420),
            ("platform", "BR", -180),
            ("platform", "GB", 0),
            ("neo", "US", -300),
            ("neo", "GB", 0),
            ("neo", "BR", -180),
            ("neo", "DE", 60),
            ("prepaid", "US", -300),
            ("prepaid", "US", -480),
            ("prepaid", "MX", -360),
            ("bank", "BR", -180),
        ]
        for kind, country, off in spec:
            no += r.randint(3, 21)
            night = r.choice((0.6, 0.85, 0.97)) if kind == "neo" else 0.97
            out.append(
                Obj(
                    no=no,
                    country=country,
                    off=off,
                    kind=kind,
                    weight=r.uniform(0.6, 1.6),
                    scheme=r.choice(("visa", "mastercard")),
                    funding="debit",
                    outage_days=r.uniform(12, 35),
                    maintenance=(r.choice((None, 0, 6)), r.randint(1, 5), 1.5)
                    if r.random() < 0.5
                    else None,
                    plain=hour_table(lambda d, h: night if h < 6 else 0.98),
                    susp=hour_table(lambda d, h: 0.35 if 10 <= h < 20 else 0.05),
                    change=None,
                    harden=r.choice((0.85, 0.95)),
                    free=3,
                    block=8 * H,
                    risk_code=r.choice(("05", "59")),
                    flags=("59", "62", "78"),
                    flag_never=0.5,
                    flag_days=2.0,
                    vague=r.choice((0.0, 0.1, 0.4)),
                    mac=r.choice((None, None, "fixed", "knows")),
                    pay_day=r.randrange(5),
                    pay_hour=r.choice((2, 4, 6, 9, 12, 17)),
                    month_limit=kind == "prepaid" and r.random() < 0.6,
                )
            )
        return out

    def make_payer(self, k):
        r = Random(h64(self.S, 2, k))
        issuer = r.choices(self.issuers, [i.weight for i in self.issuers])[0]
        p = self.basic_payer(k, issuer, r)
        p.kind = {
            "platform": r.choice(("payout", "payout", "payout", "cashout")),
            "neo": r.choice(("payout", "cashout", "random", "topup")),
            "prepaid": r.choice(("topup", "topup", "random")),
            "bank": r.choice(("payout", "random", "cashout")),
        }[issuer.kind]
        own = issuer.kind != "platform"  # a platform's own card is paid by the platform's rule
        p.pay_day, p.pay_hour = (
            (r.randrange(7), r.choice((0, 6, 8, 12, 18)))
            if own
            else (issuer.pay_day, issuer.pay_hour)
        )
        p.busy = r.choice(((4, 5), (5, 6), (4, 5, 6), (3, 4)))  # weekdays of busy evenings
        p.busy_hour = r.choice((20, 21, 22, 23))
        p.rate = r.uniform(0.06, 0.22)  # per day: other income
        p.hour = r.choice((7, 12, 18, 19, 20, 21, 22))  # when this payer handles money
        p.answers = r.uniform(0.25, 0.8) if p.kind == "topup" else r.choice((0.0, 0.0, 0.12))
        p.hold_hours = math.exp(
            r.gauss(math.log({"payout": 26, "cashout": 15, "random": 22, "topup": 16}[p.kind]), 0.5)
        )
        p.fail = r.uniform(0.12, 0.42)  # weeks without work
        p.size = math.exp(r.gauss(math.log(14000), 0.5))
        p.amount = int(math.exp(r.gauss(math.log(2600), 0.65)))
        p.dead, p.flag, p.susp, p.stubborn = r.uniform(0.2, 0.45), 0.02, 0.03, 0.45
        p.control = r.choice((0.0, 0.0, 0.06, 0.15)) if issuer.kind == "neo" else 0.0
        p.heavy = r.choice((0.0, 0.02, 0.05)) if issuer.kind in ("neo", "prepaid") else 0.0
        p.every = r.choice((30, 30, 14, 14, 7))
        p.batch = r.choice((3, 8, 13, None, None))
        p.pay_phase = r.randrange(7)
        p.limit_code = r.choice(("61", "65"))
        return p

    def payments(self, p, r):
        # people pay most often when they have money: half of the irregular payers are charged near their busy days
        for t, amount in super().payments(p, r):
            if p.kind in ("cashout", "payout") and r.random() < 0.35:
                t += ((p.pay_day if p.kind == "payout" else p.busy[-1]) - weekday(t // D)) % 7 * D
            yield t, amount

    def burst(self, r, at, p, size=1.0, hold=1.0):
        lasts = p.hold_hours * hold * math.exp(r.gauss(0, 0.5)) * H
        cap = p.size * size * math.exp(r.gauss(0, 0.45))
        return [
            (at, at + int(lasts * part) + H, cap * share)
            for share, part in ((0.6, 0.4), (0.2, 1.0))
        ]

    def funds(self, p, S, t0, t1):
        r, out = Random(h64(S, p.i, T_FUNDS)), []
        for day in range(t0 // D, t1 // D + 1):
            wd, mid = weekday(day), day * D - p.offsets
            if p.kind == "payout" and wd == p.pay_day:
                if r.random() >= p.fail:
                    late = D if r.random() < 0.08 else 0
                    out += self.burst(
                        r, mid + p.pay_hour * H + late + r.randrange(1800), p, 1.6, 1.4
                    )
            elif p.kind == "cashout" and wd in p.busy:
                if r.random() >= 0.25 + p.fail:
                    out += self.burst(r, mid + p.busy_hour * H + r.randrange(2 * H), p, 0.9, 0.8)
            rate = p.rate * (
                0.25 if p.kind in ("payout", "cashout") else 0.7 if p.kind == "topup" else 1
            )
            if r.random() < rate:
                h = p.hour if r.random() < 0.7 else r.randint(6, 23)
                out += self.burst(r, mid + h * H + r.randrange(H), p)
        return out

    def limits(self, p, S, t0, t1):
        r, out = Random(h64(S, p.i, T_LIMITS)), []
        if not (p.heavy or p.control or p.issuer.month_limit):
            return out
        for day in range(t0 // D, t1 // D + 1):
            mid, (_, _, dom) = day * D - p.offsets, ymd(day)
            if r.random() < p.heavy:  # spent for the day, sometimes for the week
                a, week = mid + r.randint(9, 21) * H, r.random() < 0.3
                out.append((a, mid + (7 - weekday(day) if week else 1) * D, p.limit_code))
            if p.issuer.month_limit and dom >= 24 and r.random() < p.heavy * 2:
                y, m, _ = ymd(day + 10)
                out.append((mid + 10 * H, mid + (32 - dom) * D, "61"))
            if r.random() < p.control:  # card frozen in the app until the morning
                out.append((mid + 22 * H, mid + 24 * H + r.randint(6, 10) * H, "62"))
        return out

    def told(self, p, r, at, chance):
        """A top-up some time after a message: at the payer's hour, one to four days later."""
        if r.random() >= chance:
            return []
        local = at + p.offsets
        day = local // D + (0 if local % D < p.hour * H else 1) + int(r.expovariate(1 / 1.1))
        start = day * D + p.hour * H + r.randrange(2 * H) - p.offsets
        return self.burst(r, max(start, at + H), p, 0.7)

    def after_decline(self, p, o, S):
        return self.told(p, Random(h64(S, o.key, T_REMIND)), o.t, p.answers)

    def reaction(self, p, o, S, at, k):
        if (
            not p.answers
            or k > 3
            or u01(S, o.key, T_REMIND, at // D) >= p.answers * 0.55 ** (k + 1)
        ):
            return None
        got = self.told(p, Random(h64(S, o.key, T_REMIND, at // D)), at, 1.0)
        return got[1]


if __name__ == "__main__":
    main(World3)

#!/usr/bin/env python3
"""World 4: a mixture. Thirty-four issuers of salaried people, credit cards and irregular incomes, each with its own booking
hour, outages, codes and risk hours, and one large issuer that changes its behaviour in the middle of the judged period: it
books pay at another hour, refuses at hours at which it used to approve and remembers declined attempts harder."""

from random import Random

from common import D, H, Obj, World, h64, hour_table, main, ts
from credit import STYLES, World2
from odd_jobs import World3
from salaried import World1


class Part:
    """Borrows the payers of another world for this one: same mechanisms, other people, issuers and figures."""

    def __init__(self, cls, world, issuers):
        self.w = cls.__new__(cls)
        self.w.__dict__.update(
            S=h64(world.S, cls.now),
            start=world.start,
            now=world.now,
            end=world.end,
            horizon=world.horizon,
            issuers=issuers,
        )


class World4(World):
    name, now = "mixture", ts(2024, 10, 7)
    start = ts(2024, 1, 15)
    payers_n, horizon, hard_share, comfy = 1600, 70, 0.028, 0.62
    memory = 4 * D
    changes = ts(2024, 10, 24)

    def make_issuers(self):
        own = Obj(S=h64(self.S, 31))
        pay = [self.varied(i, 1) for i in World1.make_issuers(own)[:14]]
        own.S = h64(self.S, 32)
        credit = [self.varied(i, 2) for i in World2.make_issuers(own)[:12]]
        own.S = h64(self.S, 33)
        gig = [self.varied(i, 3) for i in World3.make_issuers(own)[:8]]
        for group, share in ((pay, 44), (credit, 32), (gig, 24)):
            total = sum(i.weight for i in group)
            for i in group:
                i.weight *= share / total
        for n, i in enumerate(pay + credit + gig):
            i.no = 20 + n * 7 + h64(self.S, n) % 6
        big = max(pay, key=lambda i: i.weight)
        big.weight, big.change, big.outage_days = 20, self.changes, 45
        big.scheme = "visa"
        big.susp_late = [
            v * 0.3 if 8 <= k % 24 < 18 else max(v, 0.4) for k, v in enumerate(big.susp)
        ]
        big.plain_late = [0.45 if k % 24 < 7 else 0.97 if k // 24 < 5 else 0.8 for k in range(168)]
        big.book, big.book_late, big.vague = 0.2, 14.0, 0.1
        self.big = big
        self.parts = {
            1: Part(World1, self, pay).w,
            2: Part(World2, self, credit).w,
            3: Part(World3, self, gig).w,
        }
        return pay + credit + gig

    def varied(self, i, part):
        """Habits of this world's issuers that the other worlds' do not have."""
        r = Random(h64(self.S, part, i.no))
        i.part = part
        i.block = r.choice((8, 12, 24)) * H
        i.vague = r.choice((0.0, 0.0, 0.2, 0.6))
        i.harden *= r.choice((1.0, 0.92, 0.85))
        if part != 2:  # a third also has risk hours of the credit world's kinds
            if r.random() < 0.35:
                grade = STYLES[r.choice(list(STYLES))]
                i.susp = hour_table(lambda d, h: (0.03, 0.12, 0.45)[grade(d, h)])
            i.plain = [
                v * (r.choice((0.9, 0.97, 1.0)) if k % 24 < 6 else 1.0)
                for k, v in enumerate(i.plain)
            ]
        return i

    def make_payer(self, k):
        r = Random(h64(self.S, 5, k))
        part = self.parts[r.choices((1, 2, 3), (44 + 20 * 0.7, 32, 24))[0]]
        p = type(part).make_payer(part, k)
        p.part = part
        i = p.issuer
        if i.change and i.book_late != i.book:  # pay is booked later from the change on
            p.pays = [t + int((i.book_late - i.book) * H) if t >= i.change else t for t in p.pays]
        p.susp *= 1.6 if i.part == 1 else 1.0
        return p

    def payments(self, p, r):
        return type(p.part).payments(p.part, p, r)

    def funds(self, p, S, t0, t1):
        return p.part.funds(p, S, t0, t1)

    def limits(self, p, S, t0, t1):
        return p.part.limits(p, S, t0, t1)

    def after_decline(self, p, o, S):
        return p.part.after_decline(p, o, S)

    def reaction(self, p, o, S, at, k):
        return p.part.reaction(p, o, S, at, k)

    def window(self, r):
        return r.choice((21, 28, 30, 30, 35))


if __name__ == "__main__":
    main(World4)

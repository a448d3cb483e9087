"""Common ground of four worlds that speak recoup-world 1 on stdin and stdout. Python's standard library only.

A world's answer depends on its parameters, the seed, the subject (payer and payment) and the instant; beside these only on the
earlier sends of the same payment in the same arm, where an issuer counts them. Every draw is a hash of seed, kind, subject and
place in time, so that all arms live in the same world. What the pieces mean:

  payer     country, zone, issuer, plan (amount, bill instants), incomes (nominal pay instants), card generations
  margin    log of (money or limit that is free / amount of the bill): > 0 pays
  risk      score of the issuer's fraud system at an hour: > 0 passes
  reasons   what truly happened; the issuer's habits make scheme codes of them
"""

import argparse
import gc
import json
import sys
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from math import cos, exp, log, pi
from random import Random
from statistics import NormalDist, median

DAY, HOUR = 86400, 3600
MASK = (1 << 64) - 1
inverse = NormalDist().inv_cdf
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# kinds of draws
(
    SYSTEM,
    BURST,
    BURST_AT,
    BURST_LONG,
    BURST_HIT,
    WINDOW,
    CODE,
    ADVICE,
    LATE,
    CYCLE,
    DAILY,
    LONG,
    RISK,
    BLOCK,
    KEEP,
    LEAVE,
    FLAG,
    FLAG_LONG,
    PICK,
    MANUAL,
    SLOT,
    MIX,
    CYCLE2,
    FALL,
    FALL_AT,
    FALL_LONG,
) = range(1, 27)


def instant(text):
    return int((datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH).total_seconds())


def text(t):
    return (EPOCH + timedelta(seconds=int(t))).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc(year, month, day, hour=0):
    return int((datetime(year, month, day, hour, tzinfo=UTC) - EPOCH).total_seconds())


class Draws:
    """The same number for the same seed, tag and things."""

    def __init__(self, seed, tag):
        self.key = int.from_bytes(blake2b(f"{seed}|{tag}".encode(), digest_size=8).digest(), "big")

    def u(self, kind, a, b=0):
        x = (
            self.key ^ (kind * 0xD6E8FEB86659FD93)
        ) + a * 0xA0761D6478BD642F + b * 0xE7037ED1A0B428DB & MASK
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
        x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
        return ((x ^ x >> 31) >> 11) / 9007199254740992 + 5e-17

    def n(self, kind, a, b=0):
        return inverse(min(max(self.u(kind, a, b), 1e-12), 1 - 1e-12))


# -- time zones: standard offset in minutes and the rule of summer time


def _nth_sunday(year, month, nth):
    if nth > 0:
        first = datetime(year, month, 1, tzinfo=UTC)
        return utc(year, month, 1 + (6 - first.weekday()) % 7 + 7 * (nth - 1))
    last = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) - timedelta(days=1)
    return utc(year, month, last.day - (last.weekday() + 1) % 7)


_SUMMER = {}


def _summer(rule, year):
    if (rule, year) not in _SUMMER:
        spans = {
            "EU": lambda: (_nth_sunday(year, 3, -1) + HOUR, _nth_sunday(year, 10, -1) + HOUR),
            "US": lambda: (_nth_sunday(year, 3, 2) + 8 * HOUR, _nth_sunday(year, 11, 1) + 7 * HOUR),
            "AU": lambda: (
                _nth_sunday(year, 10, 1) - 8 * HOUR,
                _nth_sunday(year, 4, 1) - 8 * HOUR,
            ),  # from, to (south)
        }
        _SUMMER[rule, year] = spans[rule]()
    return _SUMMER[rule, year]


def offset(zone, t):
    """Minutes from UTC of a zone (standard minutes, rule) at an instant."""
    minutes, rule = zone
    if not rule:
        return minutes
    year = 1970 + int(t / 31556952)
    start, end = _summer(rule, year)
    summer = start <= t < end if start < end else (t < end or t >= start)
    return minutes + 60 * summer


def local(zone, t):
    return t + 60 * offset(zone, t)


def at_local(zone, day, hour):
    """UTC of a local day number and hour."""
    t = int(day * DAY + hour * HOUR)
    return t - 60 * offset(zone, t - 60 * zone[0])


def weekday(day):  # Monday 0
    return (day + 3) % 7


def month_days(first_day, last_day, dom, shift=None, holidays=()):
    """Day numbers of a day of the month; 31 is the last. shift: 'before' or 'after' for weekends and holidays."""
    at = EPOCH + timedelta(days=first_day)
    year, month = at.year, at.month
    while True:
        nxt = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        last = (nxt - timedelta(days=1)).day
        day = (datetime(year, month, min(dom, last), tzinfo=UTC) - EPOCH).days
        while shift and (weekday(day) >= 5 or day in holidays):
            day += -1 if shift == "before" else 1
        if day > last_day:
            return
        if day >= first_day:
            yield day
        year, month = nxt.year, nxt.month


# -- cards


def luhn(head):
    total = sum(
        sum(divmod(int(digit) * (2 - at % 2), 10)) for at, digit in enumerate(reversed(head))
    )
    return f"{head}{-total % 10}"


PREFIX = {"visa": "400088", "mastercard": "555588", "amex": "370088"}
CATEGORY_1 = {"04", "07", "12", "14", "15", "41", "43", "46", "57", "R0", "R1", "R3"}

CODES = {
    "visa": dict(
        ok="00",
        funds="51",
        limit="61",
        generic="05",
        fraud="59",
        velocity="65",
        outage="91",
        system="96",
        expired="54",
        replaced="14",
        closed="46",
        lost="41",
        stolen="43",
        revoked="R1",
        invalid="14",
        restricted="62",
        refer="01",
    ),
    "mastercard": dict(
        ok="00",
        funds="51",
        limit="61",
        generic="05",
        fraud="63",
        velocity="65",
        outage="91",
        system="96",
        expired="54",
        replaced="79",
        closed="14",
        lost="41",
        stolen="43",
        revoked="05",
        invalid="14",
        restricted="62",
        refer="01",
    ),
    "amex": dict(
        ok="000",
        funds="116",
        limit="121",
        generic="100",
        fraud="100",
        velocity="121",
        outage="912",
        system="909",
        expired="101",
        replaced="187",
        closed="188",
        lost="200",
        stolen="200",
        revoked="188",
        invalid="111",
        restricted="107",
        refer="107",
    ),
}
HARD = {"closed", "lost", "stolen", "revoked"}


class Issuer:
    def __init__(self, n, country, scheme, r, **more):
        self.n, self.country, self.scheme = n, country, scheme
        self.generic = r.uniform(0.05, 0.45)  # share of funds declines told as do not honour
        self.hides = r.uniform(0.1, 0.5)  # share of dead cards told as do not honour
        self.mac = r.choice([None, "constant", "informed", "informed"])
        self.constant = r.choice(["25", "26", "27"])
        self.v1 = r.choice([2, 2, 3, 3, 4])  # sends of one merchant in 24 h that are looked at
        self.v7 = r.choice([5, 6, 7, 8])  # and in 7 days
        self.window = (
            r.randrange(7),
            r.uniform(0.5, 3),
            r.uniform(0.7, 2.5),
        )  # weekday, local hour, hours of maintenance
        self.burst = r.uniform(0.004, 0.02)  # chance of an outage on a day
        self.lenient = r.uniform(
            0.0, 0.35
        )  # of its cards: approves recurring payments on the old expiry
        self.updates = r.uniform(0.4, 0.8)  # tells networks' updaters
        self.best = 10.0
        self.__dict__.update(more)


class Generation:
    __slots__ = ("card", "start", "end", "kind", "told")

    def __init__(self, card, start, end, kind, told):
        self.card, self.start, self.end, self.kind, self.told = card, start, end, kind, told


class Payer:
    __slots__ = (
        "n",
        "id",
        "country",
        "zone",
        "shows",
        "issuer",
        "scheme",
        "funding",
        "amount",
        "bills",
        "joined",
        "streams",
        "m",
        "s1",
        "s2",
        "s3",
        "turn",
        "k",
        "gens",
        "lenient",
        "x",
        "trait",
    )


class World:
    name, currency = "world", "USD"
    now, intake, life, past = (
        utc(2026, 3, 2),
        28,
        24,
        240,
    )  # days of intake, of an order's life, of history
    costs = {"send": 12, "excess": 5000, "harm": 0.02}
    payers_per_order = 8.0
    p_system = 0.002
    hazard = 0.012  # deaths of cards in a month
    deaths = {"replaced": 0.45, "closed": 0.2, "lost": 0.15, "stolen": 0.1, "revoked": 0.1}
    expiry_known = 0.8  # the merchant has the new expiry in time
    leave_funds, leave_dead = 0.35, 0.5
    ladder, drawn = (
        (1, 3, 5, 7),
        0.0,
    )  # the usual schedule of the past in days; the share of orders whose hours were drawn
    gap = 24  # hours that the oracle leaves between its sends
    sr, sb = 0.0, 0.0  # risk: by payment, by six hours

    def __init__(self, seed=1, orders=1200):
        self.seed, self.count = seed, orders
        self.D = Draws(seed, self.name)
        self.P = Draws("parameters", self.name)
        self.start, self.until = self.now - self.past * DAY, self.now + self.intake * DAY
        self.end_of_time = self.until + (self.life + 2) * DAY
        self.d0, self.d1 = self.start // DAY - 70, self.end_of_time // DAY + 2
        self.issuers = self.make_issuers(Random(f"{self.name}/issuers"))
        self.built = False
        self.came, self.sent_orders, self.arms, self.told = {}, 0, {}, {}

    # -- what a population defines

    def make_issuers(self, r):
        raise NotImplementedError

    def make_payer(self, p, r):
        """Fills country, zone, issuer, funding, amount, streams, m, s1..s3, k, x."""
        raise NotImplementedError

    def margin(self, p, t, D):
        raise NotImplementedError

    def special(self, p, key, t, tries, D):
        return None

    def hour_score(self, p, t):
        return 9.0

    def mood(self, p, t, tries):
        return 0.0

    # -- building

    def payer(self, n):
        r = Random(f"{self.seed}/{self.name}/payer/{n}")
        p = Payer()
        p.n, p.id, p.x, p.trait, p.shows, p.turn = (
            n,
            f"{self.name[0]}c{n:06d}",
            {},
            None,
            True,
            r.randrange(70 * DAY),
        )
        # a base of subscribers: some old ones, some who join meanwhile
        p.joined = (
            self.start - r.uniform(0, 400) * DAY
            if r.random() < 0.66
            else self.start + r.random() * (self.until - self.start)
        )
        self.make_payer(p, r)
        p.scheme = p.issuer.scheme
        p.lenient = r.random() < p.issuer.lenient
        self.make_cards(p, r)
        return p

    def number(self, p, r):
        body = 15 - (p.scheme == "amex")
        head = f"{PREFIX[p.scheme]}{p.issuer.n:03d}"
        return luhn(head + f"{r.randrange(10 ** (body - 9)):0{body - 9}d}")

    def make_cards(self, p, r):
        p.gens = []
        start, number = min(p.joined, self.start), self.number(p, r)
        age = r.uniform(0, 44)
        while start < self.end_of_time and len(p.gens) < 6:
            at = (
                EPOCH + timedelta(seconds=start) + timedelta(days=30.44 * (r.uniform(36, 48) - age))
            )
            age = 0
            card = {
                "number": number,
                "expMonth": at.month,
                "expYear": at.year,
                "scheme": p.issuer.scheme,
                "funding": p.funding,
            }
            over = utc(at.year + at.month // 12, at.month % 12 + 1, 1)
            dead = start + r.expovariate(self.hazard * 12 / 365.25 / DAY)
            if dead < over:
                kind = r.choices(list(self.deaths), self.deaths.values())[0]
                end = int(dead)
            else:
                kind, end = "expired", over
            told, next_number = None, number
            if kind == "expired":
                if r.random() < 0.2:
                    next_number = self.number(p, r)
                    kind = "expired"
                if r.random() < self.expiry_known:
                    told = end - int(r.uniform(1, 25) * DAY)
                elif r.random() < p.issuer.updates:
                    told = end + int(r.uniform(0.5, 28) * DAY)
            else:
                next_number = self.number(p, r)
                if kind in ("replaced", "lost", "stolen") and r.random() < p.issuer.updates * (
                    1 if kind == "replaced" else 0.7
                ):
                    told = end + int(r.uniform(0.5, 20) * DAY)
            p.gens.append(Generation(card, start, end, kind, told))
            start, number = end, next_number
        if p.gens[-1].end < self.end_of_time:
            p.gens[-1].kind, p.gens[-1].told = "closed", None

    def build(self):
        if self.built:
            return
        self.built = True
        gc.disable()  # many small lasting things: its passes would cost a third of the time
        self.rows, self.open = [], []
        total = int(self.count * self.payers_per_order)
        self.payers = {}
        self.mix = {}
        for n in range(total):
            self.live(self.payer(n))
        self.rows.sort(key=lambda row: (row["at"], row["orderId"], row["attempt"]))
        for row in self.rows:
            row["at"] = text(row["at"])
        self.open.sort(key=lambda o: o["u"])
        self.found = len(self.open)
        self.open = sorted(self.open[: self.count], key=lambda o: (o["at"], o["id"]))

    def live(self, p):
        D, gen = self.D, 0
        for index, t in enumerate(p.bills):
            key = p.n * 512 + index
            while gen + 1 < len(p.gens) and p.gens[gen].told is not None and p.gens[gen].told <= t:
                gen += 1
            card = p.gens[gen].card
            reason = self.decide(p, key, card, t, (), D)
            code, advice = self.tell(p, card, t, reason, D)
            order = f"{p.id}-{index + 1:03d}"
            if t >= self.now:
                if reason != "ok":
                    self.open.append(
                        dict(
                            id=order,
                            key=key,
                            p=p,
                            at=t,
                            gen=gen,
                            code=code,
                            advice=advice,
                            reason=reason,
                            u=D.u(PICK, key),
                        )
                    )
                    return
                continue
            self.row(p, order, 1, t, card, reason, code, advice, None)
            if reason == "ok":
                continue
            tries, stop = [t], False
            drawn = D.u(SLOT, key) < self.drawn
            for place, days in enumerate(self.ladder):
                if self.gives_up(code, advice):
                    break
                at = t + days * DAY
                if drawn:
                    at = (
                        (t + days * DAY) // DAY * DAY
                        + int(24 * D.u(SLOT, key, place + 1)) * HOUR
                        + t % HOUR
                    )
                    if at <= tries[-1]:
                        at += DAY
                while (
                    gen + 1 < len(p.gens)
                    and p.gens[gen].told is not None
                    and p.gens[gen].told <= at
                ):
                    gen += 1
                card = p.gens[gen].card
                reason = self.decide(p, key, card, at, tries, D)
                code, advice = self.tell(p, card, at, reason, D)
                if at < self.now:
                    self.row(
                        p,
                        order,
                        place + 2,
                        at,
                        card,
                        reason,
                        code,
                        advice,
                        round(1 / 24, 6) if drawn else None,
                    )
                tries.append(at)
                if reason == "ok":
                    stop = True
                    break
            if not stop:
                if tries[-1] >= p.gens[gen].end:  # the payer must give another card, or is lost
                    if D.u(MANUAL, key) < self.leave_dead:
                        return
                    while gen + 1 < len(p.gens) and p.gens[gen].end <= tries[-1] + 5 * DAY:
                        gen += 1
                elif D.u(LEAVE, key) < self.leave_funds:
                    return

    def gives_up(self, code, advice):
        return code in CATEGORY_1 or code in ("R1", "111", "188", "200") or advice in ("03", "21")

    def row(self, p, order, attempt, t, card, reason, code, advice, propensity):
        row = {
            "customerId": p.id,
            "orderId": order,
            "attempt": attempt,
            "at": t,
            "amount": p.amount,
            "currency": self.currency,
            "country": p.country,
        }
        if p.shows:
            row["utcOffsetMinutes"] = offset(p.zone, t)
        row |= {"card": card, "approved": reason == "ok", "schemeCode": code}
        if advice:
            row["adviceCode"] = advice
        row["propensity"] = propensity
        self.rows.append(row)

    # -- the issuer

    def decide(self, p, key, card, t, tries, D, dead=None):
        issuer = p.issuer
        if dead is None:
            gen = None
            for g in p.gens:
                c = g.card
                if (
                    c["number"] == card["number"]
                    and c["expYear"] == card["expYear"]
                    and c["expMonth"] == card["expMonth"]
                ):
                    gen = g
            if gen is None:
                return "invalid"
            if t >= gen.end and not (gen.kind == "expired" and p.lenient):
                return gen.kind
            if t < gen.start - 40 * DAY:
                return "invalid"
        elif dead:
            return "closed"
        here = local(p.zone, t)
        day, hour = here // DAY, here % DAY / HOUR
        wd, at, long = issuer.window
        if (
            weekday(day) == wd
            and at <= hour < at + long
            and D.u(WINDOW, issuer.n, here // HOUR) < 0.2
        ):
            return "outage"
        if D.u(BURST, issuer.n, day) < issuer.burst:
            at = 22 * D.u(BURST_AT, issuer.n, day)
            if (
                at <= hour < at + 0.5 + 4 * D.u(BURST_LONG, issuer.n, day)
                and D.u(BURST_HIT, p.n, here // 600) < 0.7
            ):
                return "outage"
        if D.u(SYSTEM, p.n, t // 1800) < self.p_system:
            return "system"
        if tries:
            n1 = n7 = 0
            for s in tries:
                if t - s < DAY - 60:
                    n1 += 1
                if t - s < 7 * DAY - 60:
                    n7 += 1
            if n1 >= issuer.v1 or n7 >= issuer.v7:
                return "velocity"
        reason = self.special(p, key, t, tries, D)
        if reason:
            return reason
        if self.sr:
            score = (
                self.hour_score(p, t)
                + self.sr * D.n(RISK, key)
                + self.sb * D.n(BLOCK, key, here // (6 * HOUR))
            )
            if score - self.mood(p, t, tries) <= 0:
                return "risk"
        return "ok" if self.margin(p, t, D) > 0 else "funds"

    def to_pay(self, p, t):
        """Days to the next nominal income."""
        best = 99.0
        for stream in p.streams:
            pays = stream[0]
            i = bisect_right(pays, t)
            if i < len(pays):
                best = min(best, (pays[i] - t) / DAY)
        return best

    def tell(self, p, card, t, reason, D):
        """What the issuer says: scheme code and advice."""
        issuer, names = p.issuer, CODES[p.scheme]
        if reason == "ok":
            return names["ok"], None
        u = D.u(CODE, p.n, t // 60)
        word = reason
        if reason == "funds":
            word = "generic" if u < issuer.generic else p.x.get("funds_word", "funds")
        elif reason == "risk":
            word = "generic" if u < 0.86 else "fraud" if u < 0.93 else "restricted"
        elif reason == "velocity":
            word = "velocity" if u < 0.6 else "generic"
        elif reason in ("replaced", "expired", "closed") and u < issuer.hides * (
            0.5 if reason == "expired" else 1
        ):
            word = "generic"
        elif reason in ("closed", "replaced") and u > 0.7:
            word = "invalid"
        code, advice = names[word], None
        if p.scheme == "mastercard":
            if word in HARD or word == "invalid":
                advice = "21" if word == "revoked" else "03"
            elif word in ("replaced", "expired"):
                advice = "01"
            elif word == "generic" and issuer.mac and D.u(ADVICE, p.n, t // 60) < 0.4:
                advice = "02"
            elif code == "51" and issuer.mac:
                advice = issuer.constant
                if issuer.mac == "informed":
                    days = self.to_pay(p, t) * (0.8 + 0.5 * D.u(ADVICE, p.n, t // 60))
                    advice = (
                        "24"
                        if days < 0.2
                        else "25"
                        if days < 1.5
                        else "26"
                        if days < 3
                        else "27"
                        if days < 5
                        else "28"
                        if days < 7
                        else "29"
                        if days < 9
                        else "30"
                    )
        return code, advice

    # -- the protocol

    def op_hello(self, protocol, **_):
        if protocol != 1:
            return {"error": "protocol 1 only"}
        self.build()
        return {
            "world": f"fresh-{self.name}",
            "protocol": 1,
            "now": text(self.now),
            "until": text(self.until),
            "currencies": [self.currency],
            "orders": len(self.open),
            "costs": self.costs,
        }

    def op_history(self, after=None, limit=5000, **_):
        self.build()
        start = int(after or 0)
        stop = start + max(1, int(limit))
        return {"rows": self.rows[start:stop], "next": str(stop) if stop < len(self.rows) else None}

    def public(self, o):
        p = o["p"]
        out = {
            "orderId": o["id"],
            "customerId": p.id,
            "declinedAt": text(o["at"]),
            "expiresAt": text(o["at"] + self.life * DAY),
            "amount": p.amount,
            "currency": self.currency,
            "country": p.country,
        }
        if p.shows:
            out["utcOffsetMinutes"] = offset(p.zone, o["at"])
        out |= {"card": p.gens[o["gen"]].card, "schemeCode": o["code"]}
        if o["advice"]:
            out["adviceCode"] = o["advice"]
        return out

    def op_orders(self, before, limit=1000, **_):
        self.build()
        t, out = instant(before), []
        while (
            self.sent_orders < len(self.open)
            and self.open[self.sent_orders]["at"] < t
            and len(out) < int(limit)
        ):
            o = self.open[self.sent_orders]
            self.came[o["id"]] = o
            out.append(self.public(o))
            self.sent_orders += 1
        more = self.sent_orders < len(self.open) and self.open[self.sent_orders]["at"] < t
        return {"orders": out, "more": more}

    def arm(self, name):
        if name not in self.arms:
            self.arms[name] = dict(
                answers={},
                sends={},
                paid={},
                cards={},
                hard={},
                advised={},
                attempts=0,
                breaches=0,
                told=set(),
            )
        return self.arms[name]

    def signal_list(self):
        if not hasattr(self, "signals"):
            self.signals = []
            for o in self.open:
                gens = o["p"].gens
                g, i = gens[o["gen"]], o["gen"]
                if g.told is not None and g.told > o["at"] and i + 1 < len(gens):
                    new = gens[i + 1].card
                    kind = "new_expiry" if new["number"] == g.card["number"] else "new_number"
                    self.signals.append(
                        (
                            g.told,
                            o["id"],
                            {
                                "at": text(g.told),
                                "kind": kind,
                                "cardNumber": g.card["number"],
                                "card": new,
                            },
                        )
                    )
            self.signals.sort(key=lambda s: s[:2])
        return self.signals

    def op_signals(self, arm, before, **_):
        self.build()
        a, t, out = self.arm(arm), instant(before), []
        for at, order, signal in self.signal_list():
            if at < t and order in self.came and order not in a["told"]:
                a["told"].add(order)
                out.append(signal)
        return {"signals": out}

    def op_charge(self, arm, charges, **_):
        self.build()
        return {"answers": [self.charge(self.arm(arm), **c) for c in charges]}

    def charge(self, a, id, orderId, sentAt, amount, card, **_):
        if id in a["answers"]:
            return a["answers"][id]
        t, o = instant(sentAt), self.came.get(orderId)
        if o is None:
            return {"id": id, "error": "no such order"}
        sends = a["sends"].setdefault(orderId, [o["at"]])
        if t < sends[-1]:
            return {
                "id": id,
                "error": "the charge is earlier than the order's decline or its last charge",
            }
        p, number = o["p"], card["number"]
        a["attempts"] += 1
        a["breaches"] += self.beyond(a, o, number, amount, t)
        reason = self.decide(p, o["key"], card, t, sends, self.D)
        code, advice = self.tell(p, card, t, reason, self.D)
        sends.append(t)
        if code in CATEGORY_1 and p.scheme == "visa":
            a["hard"].setdefault(number, t)
        if advice in ("03", "21"):
            a["advised"][number] = t
        out = {"id": id, "state": "approved" if reason == "ok" else "declined", "schemeCode": code}
        if advice:
            out["adviceCode"] = advice
        if reason == "ok":
            a["paid"].setdefault(orderId, t)
            out["networkTransactionId"] = f"{int(self.D.u(MIX, o['key'], t) * 10**15):015d}"
        a["answers"][id] = out
        return out

    def beyond(self, a, o, number, amount, t):
        """1 where this send is beyond a limit of its network."""
        old = o["p"].gens[o["gen"]].card["number"]
        log_ = a["cards"].setdefault(number, [(o["at"], o["p"].amount)] if number == old else [])
        if number == old and len(log_) == 1:
            if o["p"].scheme == "visa" and o["code"] in CATEGORY_1:
                a["hard"].setdefault(number, o["at"])
            if o["advice"] in ("03", "21"):
                a["advised"].setdefault(number, o["at"])
        log_.append((t, amount))
        same = sum(1 for s, m in log_ if m == amount and t - s < 30 * DAY)
        if o["p"].scheme == "mastercard":
            day = sum(1 for s, _ in log_ if t - s < DAY)
            return int(
                day > 10
                or same > 35
                or (number in a["advised"] and t - a["advised"][number] < 30 * DAY)
            )
        return int(same > 20 or number in a["hard"])

    def op_end(self, arm, **_):
        a = self.arm(arm)
        whole = sum(o["p"].amount for o in self.came.values())
        share = sum(self.came[i]["p"].amount for i in a["paid"])
        harm = sum(
            self.costs["harm"] * self.came[i]["p"].amount * max(0, len(s) - 1 - 4)
            for i, s in a["sends"].items()
            if i not in a["paid"]
        )
        days = [(t - self.came[i]["at"]) / DAY for i, t in a["paid"].items()]
        net = (
            share - a["attempts"] * self.costs["send"] - a["breaches"] * self.costs["excess"] - harm
        )
        return {
            "score": {
                "orders": len(self.came),
                "recovered": len(a["paid"]),
                "amountShare": share / whole if whole else 0.0,
                "attempts": a["attempts"],
                "breaches": a["breaches"],
                "netShare": net / max(1, whole),
                "daysMedian": median(days) if days else None,
            }
        }

    def answer(self, line):
        try:
            asked = json.loads(line)
            ops = {
                n: getattr(self, f"op_{n}")
                for n in ("hello", "history", "orders", "charge", "signals", "end")
            }
            return ops[asked.pop("op")](**asked)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            return {"error": f"not understood: {error!r}"}

    def serve(self):
        for line in sys.stdin:
            sys.stdout.write(json.dumps(self.answer(line), separators=(",", ":")) + "\n")
            sys.stdout.flush()

    # -- what only the world's maker sees

    def card_at(self, o, t):
        gens, i = o["p"].gens, o["gen"]
        if gens[i].told is not None and o["at"] < gens[i].told <= t and i + 1 < len(gens):
            return gens[i + 1].card
        return gens[i].card

    def play(self, o, instants):
        """Sends in order until one is approved: (approved, sends)."""
        tries = [o["at"]]
        for t in sorted(instants):
            card = self.card_at(o, t)
            reason = self.decide(o["p"], o["key"], card, t, tries, self.D)
            if reason == "ok":
                return True, len(tries)
            tries.append(t)
            if (
                self.gives_up(*self.tell(o["p"], card, t, reason, self.D))
                and self.card_at(o, 1 << 40) is card
            ):
                break
        return False, len(tries) - 1

    SCHEDULES = {
        "next day": [1],
        "three daily": [1, 2, 3],
        "days 1 7 14 21": [1, 7, 14, 21],
        "days 1 3 5 7": [1, 3, 5, 7],
        "days 3 5 7 14": [3, 5, 7, 14],
        "8 in 2 weeks": [1, 2, 4, 6, 8, 10, 12, 14],
        "every 36 h": [1.5 * i for i in range(1, 20)],
    }

    def ever(self, o, step=2 * HOUR):
        t = o["at"] + step
        while t <= o["at"] + self.life * DAY:
            if self.decide(o["p"], o["key"], self.card_at(o, t), t, [o["at"]], self.D) == "ok":
                return True
            t += step
        return False

    def stats(self):
        self.build()
        firsts = [r for r in self.rows if r["attempt"] == 1]
        declined = sum(1 for r in firsts if not r["approved"])
        n = len(self.open)
        out = {
            "rows": len(self.rows),
            "payments": len(firsts),
            "declined": round(declined / len(firsts), 4),
            "found": self.found,
            "orders": n,
            "customers": len({r["customerId"] for r in self.rows}),
        }
        tried = {r["orderId"] for r in firsts if not r["approved"]}
        out["past recovered"] = round(
            len({r["orderId"] for r in self.rows if r["attempt"] > 1 and r["approved"]})
            / max(1, len(tried)),
            4,
        )
        for what in ("reason", "code"):
            tally = {}
            for o in self.open:
                tally[o[what]] = tally.get(o[what], 0) + 1
            out[what] = {
                k: round(v / n, 3) for k, v in sorted(tally.items(), key=lambda kv: -kv[1])
            }
        by = {}
        for name, days in self.SCHEDULES.items():
            done = [
                self.play(o, [o["at"] + int(d * DAY) for d in days if d <= self.life])
                for o in self.open
            ]
            by[name] = (
                round(sum(a for a, _ in done) / n, 4),
                round(sum(s for _, s in done) / n, 2),
            )
        out["schedules"] = by
        out["ever"] = round(sum(self.ever(o) for o in self.open) / n, 4)
        out["signals"] = len(self.signal_list())
        return out

    # -- a decider that knows every parameter and no draw

    def slots(self, o):
        """Instants it weighs: four hours of each day, and just after each nominal income."""
        p, out, first = o["p"], set(), o["at"] + HOUR
        last = o["at"] + self.life * DAY - 600
        day = local(p.zone, o["at"]) // DAY
        for d in range(self.life + 1):
            for h in self.hours(p):
                out.add(at_local(p.zone, day + d, h))
        for stream in p.streams:
            for pay in stream[0][
                bisect_left(stream[0], first - 2 * DAY) : bisect_right(stream[0], last)
            ]:
                for h in (1, 5, 12, 26):
                    out.add(pay + h * HOUR)
        return sorted(t for t in out if first <= t <= last)

    def hours(self, p):
        return (1.5, 8.5, 12.5, 18.5)

    def oracle(self, sends, samples=36):
        self.build()
        worlds = [Draws(k, f"{self.name}/imagined") for k in range(samples * 10)]
        generic = {"05", "100"}
        # how often a code hides a dead card: an issuer's habit
        hides = {}
        for o in self.open:
            a = hides.setdefault(o["code"], [0, 0])
            a[0] += o["reason"] in HARD or o["reason"] in ("replaced", "expired")
            a[1] += 1
        plans = []
        for place, o in enumerate(self.open):
            p, gens = o["p"], o["p"].gens
            told = gens[o["gen"]].told
            told = told if told is not None and o["at"] < told < o["at"] + self.life * DAY else None
            share = hides[o["code"]][0] / hides[o["code"]][1]
            if told is None and share > 0.9:
                plans.append([])
                continue
            slots = [t for t in self.slots(o) if told is None or t > told]
            # imagined worlds in which the payment failed with this code
            kept = []
            if o["code"] in ("91", "96", "912", "909") or told is not None:
                kept = worlds[place % 7 :][:samples]
            else:
                for D in worlds:
                    reason = self.decide(p, o["key"], None, o["at"], (), D, dead=False)
                    if reason != "ok" and self.same(p, reason, o["code"]):
                        kept.append(D)
                        if len(kept) == samples:
                            break
                if len(kept) < 6:
                    kept = worlds[place % 7 :][:samples]
            live = len(kept) if told is not None else max(1, round(len(kept) * (1 - share)))
            kept_live = kept[:live]
            hits = []
            for t in slots:
                hits.append(
                    [
                        j
                        for j, D in enumerate(kept_live)
                        if self.decide(p, o["key"], None, t, [o["at"]], D, dead=False) == "ok"
                    ]
                )
            # greedily the instant that is likeliest to be the first approved; a world once hit keeps a little weight, for the
            # imagined ones are few
            weights, chosen, plan = [1.0] * len(kept), [], []
            free = [i for i, hit in enumerate(hits) if hit]
            while len(chosen) < 12 and free:
                best = max(free, key=lambda i: sum([weights[j] for j in hits[i]]))
                gain = sum(weights[j] for j in hits[best])
                plan.append((gain / sum(weights), slots[best]))
                chosen.append(slots[best])
                for j in hits[best]:
                    weights[j] *= 0.1
                free = [i for i in free if abs(slots[i] - chosen[-1]) >= self.gap * HOUR]
            # a later pick may be worth more in odds than an earlier one: keep the running minimum
            low, fixed = 1.0, []
            for odds, t in plan:
                low = min(low, odds)
                fixed.append((low, t))
            plans.append(fixed)

        def run(level):
            done = [
                self.play(o, [t for odds, t in plan if odds >= level])
                for o, plan in zip(self.open, plans)
            ]
            return sum(a for a, _ in done) / len(done), sum(s for _, s in done) / len(done)

        # the level of odds below which it does not send: the best of those that keep to the sends on average
        tried = [
            run(level)
            for level in (
                0.0,
                0.004,
                0.008,
                0.012,
                0.016,
                0.02,
                0.025,
                0.03,
                0.04,
                0.05,
                0.06,
                0.08,
                0.1,
                0.13,
                0.17,
                0.22,
                0.3,
            )
        ]
        recovered, used = max(pair for pair in tried if pair[1] <= sends)
        return {"recovered": round(recovered, 4), "sends": round(used, 3)}

    def same(self, p, reason, code):
        """Whether an issuer would tell this reason with this code."""
        names = CODES[p.scheme]
        words = {
            "funds": ("generic", p.x.get("funds_word", "funds")),
            "risk": ("generic", "fraud", "restricted"),
            "velocity": ("velocity", "generic"),
            "fraud": ("fraud", "generic"),
        }.get(reason, (reason,))
        return code in {names[w] for w in words if w in names}


def income(pays, width=0.0, late=0.0, weight=0.0):
    """A stream: nominal instants, days over which it is drawn (0: on time), chance of a day late, log of its weight."""
    return (pays, width, late, weight)


def latest(p, which, t, D):
    """The last income that has come in by t: (index, instant)."""
    pays, width, late, _ = p.streams[which]
    i = bisect_right(pays, t) - 1
    while i >= 0:
        delay = 0.0
        if width:
            delay = width * D.u(LATE, p.n * 4 + which, i)
        elif late and D.u(LATE, p.n * 4 + which, i) < late:
            delay = 1.0 + (D.u(LATE, p.n * 4 + which, -i - 1) < 0.3)
        at = pays[i] + int(delay * DAY)
        if at <= t:
            return i, at
        i -= 1
    return 0, pays[0]


def windfall(p, t, D, rate, hours=30):
    """Money from elsewhere on days nobody knows (a transfer, a refund, a day's work): 1 while it lasts."""
    here = local(p.zone, t)
    day = here // DAY
    for d in (day, day - 1, day - 2):
        if D.u(FALL, p.n, d) < rate:
            start = d * DAY + int((8 + 12 * D.u(FALL_AT, p.n, d)) * HOUR)
            if start <= here < start + hours * HOUR * (0.2 + D.u(FALL_LONG, p.n, d)):
                return 1
    return 0


def main(world):
    parser = argparse.ArgumentParser()
    parser.add_argument("at", nargs="?", type=int, help="seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--orders", type=int, default=1200)
    parser.add_argument("--oracle", action="store_true")
    parser.add_argument("--sends", type=float, default=3.0)
    parser.add_argument("--stats", action="store_true")
    args = parser.parse_args()
    it = world(args.seed if args.at is None else args.at, args.orders)
    if args.oracle:
        print(json.dumps(it.oracle(args.sends)))
    elif args.stats:
        print(json.dumps(it.stats()))
    else:
        it.serve()

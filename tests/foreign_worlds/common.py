"""What the four simulated payment worlds share: draws, time, cards, the generator of history and judged orders, arms and
score, the pipe of `recoup-world 1`, the oracle and the "ever approvable" share.

A world (subclass of World) gives issuers, payers and these hidden mechanisms, all pure functions of (parameters, draw
seed, subject, time):
  funds(p, S, t0, t1)   [(start, end, cap)]  intervals in which the account pays amounts up to cap (minor units)
  limits(p, S, t0, t1)  [(start, end, code)] intervals in which a limit or a control refuses
  after_decline(p, o, S) extra funds opened by the message about the declined payment (same form as funds)
  issuer tables         chance to pass the risk engine by local hour of the week, for ordinary and for suspicious orders
Answers are draws by hash, so arms with the same charges get the same answers. The oracle draws scenarios with other seeds."""

import argparse
import bisect
import calendar
import datetime as dt
import heapq
import json
import math
import os
import sys
from random import Random

H, D = 3600, 86400
M64 = (1 << 64) - 1
UTC = dt.UTC
# tags of hash draws
T_FUNDS, T_LIMITS, T_ORDER, T_RISK, T_TECH, T_HABIT, T_MAC, T_REMIND, T_COMFORT = range(1, 10)
AMEX = {
    "51": "116",
    "61": "121",
    "65": "121",
    "05": "100",
    "59": "100",
    "63": "100",
    "62": "107",
    "54": "101",
    "14": "111",
    "41": "200",
    "43": "200",
    "46": "188",
    "57": "119",
    "91": "912",
    "96": "909",
    "92": "912",
    "78": "107",
    "01": "107",
}
ISSUER_SAYS_WAIT = (
    (H, "24"),
    (D, "25"),
    (2 * D, "26"),
    (4 * D, "27"),
    (6 * D, "28"),
    (8 * D, "29"),
    (10 * D, "30"),
)


def h64(*xs):
    z = 0x9E3779B97F4A7C15
    for x in xs:
        z = (z ^ (x & M64)) * 0xBF58476D1CE4E5B9 & M64
        z ^= z >> 29
        z = z * 0x94D049BB133111EB & M64
        z ^= z >> 32
    return z


def u01(*xs):
    return (h64(*xs) >> 11) / 9007199254740992.0


def ts(y, m, d, h=0, mi=0):
    return int(dt.datetime(y, m, d, h, mi, tzinfo=UTC).timestamp())


def iso(t):
    return dt.datetime.fromtimestamp(int(t), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(s):
    return int(dt.datetime.fromisoformat(s.replace("Z", "+00:00")).timestamp())


def day_no(t_local):
    return t_local // D


def weekday(day):
    return (day + 3) % 7  # 1970-01-01 was a Thursday; Monday = 0


def ymd(day):
    d = dt.date(1970, 1, 1) + dt.timedelta(days=day)
    return d.year, d.month, d.day


def date_day(y, m, d):
    return (dt.date(y, m, min(d, calendar.monthrange(y, m)[1])) - dt.date(1970, 1, 1)).days


FIXED_HOLIDAYS = {
    "US": ((1, 1), (7, 4), (11, 11), (12, 25)),
    "GB": ((1, 1), (12, 25), (12, 26)),
    "BR": ((1, 1), (4, 21), (9, 7), (11, 15), (12, 25)),
    "DE": ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26)),
    "MX": ((1, 1), (9, 16), (12, 25)),
    "AU": ((1, 1), (1, 27), (12, 25), (12, 26)),
    "FR": ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 11), (12, 25)),
    "ES": ((1, 1), (1, 6), (5, 1), (10, 12), (12, 25)),
}
MOVING = {
    "US": ((2024, 5, 27), (2024, 9, 2), (2024, 11, 28), (2025, 1, 20), (2025, 2, 17)),
    "GB": ((2024, 3, 29), (2024, 4, 1), (2024, 5, 6), (2024, 8, 26), (2025, 4, 18)),
}


def business(day, country):
    if weekday(day) >= 5:
        return False
    y, m, d = ymd(day)
    return (m, d) not in FIXED_HOLIDAYS.get(country, ()) and (y, m, d) not in MOVING.get(
        country, ()
    )


def shift_business(day, country, step):
    while not business(day, country):
        day += step
    return day


def monthly_days(d0, d1, doms, country, step):
    """Days of the month (31 = last) between day numbers, moved to a business day by `step` (-1 before, 1 after, 0 not)."""
    out, (y, m, _) = [], ymd(d0 - 40)
    while date_day(y, m, 1) <= d1 + 40:
        for dom in doms:
            day = date_day(y, m, dom)
            out.append(shift_business(day, country, step) if step else day)
        y, m = (y + 1, 1) if m == 12 else (y, m + 1)
    return sorted(x for x in set(out) if d0 <= x <= d1)


def luhn(body):
    s = 0
    for k, c in enumerate(reversed(body)):
        v = int(c) * (2 if k % 2 == 0 else 1)
        s += v - 9 if v > 9 else v
    return body + str(-s % 10)


class Obj:
    def __init__(self, **kw):
        self.__dict__.update(kw)


class Steps:
    """Step function: the greatest value of the intervals that cover an instant."""

    def __init__(self, intervals, none=0):
        pts = sorted({x for a, b, _ in intervals for x in (a, b)})
        vals = [none] * len(pts)
        for a, b, v in sorted(
            intervals, key=lambda x: str(x[2]) if isinstance(x[2], str) else x[2]
        ):
            for k in range(bisect.bisect_left(pts, a), bisect.bisect_left(pts, b)):
                vals[k] = v
        self.pts, self.vals, self.none = pts, vals, none

    def at(self, t):
        k = bisect.bisect_right(self.pts, t) - 1
        return self.vals[k] if k >= 0 else self.none

    def next_at_least(self, t, v):
        for k in range(bisect.bisect_right(self.pts, t), len(self.pts)):
            if self.vals[k] >= v:
                return self.pts[k]
        return None


def hour_table(fn):
    """168 values by local hour of the week (Monday 00 first)."""
    return [fn(k // 24, k % 24) for k in range(168)]


class World:
    name, start, now = "world", 0, 0
    judged, horizon = 1200, 80  # orders to judge; days after `now` in which payments are made
    payers_n, tech, comfy = 2500, 0.006, 0.6
    hard_share = 0.027  # of payments
    lookback = 36 * D  # how long before an instant the money may have come that is there
    memory = 3 * D  # how long issuers remember declined attempts
    habits = (
        (1, 2, 4, 7),
        (3, 5, 7),
        (1, 1, 1, 1),
        (3, 4, 7, 7),
        (7, 7),
        (2, 5, 9),
        (5,),
        (1, 3, 5, 7),
    )
    random_share = 0.20
    hard_codes = {
        "visa": (("14", 3), ("54", 4), ("41", 1), ("43", 1), ("46", 2), ("57", 2)),
        "amex": (("14", 2), ("54", 3), ("46", 2), ("41", 1)),
        "mastercard": (("14", 3), ("54", 4), ("41", 1), ("43", 1), ("57", 2)),
    }

    def __init__(self, seed):
        self.S = h64(seed, *self.name.encode())
        self.end = self.now + (self.horizon + 45) * D
        self.rnd = Random(self.S)
        self.issuers = self.make_issuers()
        for i in self.issuers:
            self.prepare_issuer(i)
        self.payers = [self.make_payer(k) for k in range(self.payers_n)]
        self.generate()

    def account(self, p, S, t0, t1):
        """Funds and the cushion of people who seldom run dry: blocks of some days in which anything is paid."""
        out = self.funds(p, S, t0, t1)
        if p.comfort:
            size = p.comfort_days * D
            for b in range((t0 + p.i * 7919) // size, (t1 + p.i * 7919) // size + 1):
                if u01(S, p.i, T_COMFORT, b) < p.comfort:
                    out.append((b * size - p.i * 7919, (b + 1) * size - p.i * 7919, 10**9))
        return out

    # ---- to be given by a world -------------------------------------------------------------------------------------
    def limits(self, p, S, t0, t1):
        return []

    def after_decline(self, p, o, S):
        return []

    def reaction(self, p, o, S, at, k):
        """Extra funds opened by the k-th failed retry, of which the payer is told too."""
        return

    # ---- issuers and payers -----------------------------------------------------------------------------------------
    def prepare_issuer(self, i):
        """Outages are drawn once; maintenance is a rule. Both are steps with a code."""
        r, out, d = Random(h64(self.S, 900 + i.no)), [], self.start
        while d < self.end:
            d += int(r.expovariate(1 / (i.outage_days * D)))
            out.append((d, d + int(r.uniform(0.3, 5) * H), r.choice(("91", "96"))))
        if i.maintenance:
            wd, hour, hours = i.maintenance
            for day in range(self.start // D, self.end // D):
                if wd is None or weekday(day) == wd:
                    a = day * D + hour * H - i.off * 60
                    out.append((a, a + int(hours * H), "91"))
        i.down = Steps(out, "")

    def new_card(self, p):
        p.card_no += 1
        prefix = {"visa": "400088", "mastercard": "555588", "amex": "370088"}[p.scheme]
        n = 14 if p.scheme == "amex" else 15
        own = (p.i * 24 + p.card_no % 24) * 7919 % 10 ** (n - 9)  # no two payers share a card
        body = prefix + f"{p.issuer.no:03d}" + str(own).zfill(n - 9)
        p.exp = (2026 + h64(self.S, p.i, p.card_no, 3) % 3, 1 + h64(self.S, p.i, p.card_no, 4) % 12)
        p.number = luhn(body)

    def basic_payer(self, k, issuer, r):
        """Fields every payer has; worlds add theirs."""
        p = Obj(
            i=k,
            id=f"c{k:05d}",
            issuer=issuer,
            country=issuer.country,
            off=issuer.off,
            tell=r.random() < 0.85,
            card_no=0,
            scheme=issuer.scheme,
            funding=issuer.funding,
            kind="",
            declines=[],
            batch=None,
            every=30,
            dead=0.1,
            flag=0.02,
            susp=0.0,
            stubborn=0.4,
            limit_code="61",
        )
        p.offsets = p.off * 60
        p.comfort, p.comfort_days = (
            (r.uniform(0.9, 0.99), r.choice((3, 5, 9))) if r.random() < self.comfy else (0, 1)
        )
        self.new_card(p)
        return p

    def payments(self, p, r):
        """Instants and amounts of the payer's first attempts."""
        t = self.start + int(r.random() * p.every * D)
        hour = p.batch if p.batch is not None else r.randrange(24)
        while t < self.now + self.horizon * D:
            jitter = r.randrange(-1, 2) if r.random() < 0.25 else 0
            h = hour if r.random() < 0.7 else r.randrange(24)
            yield (
                (t // D + jitter) * D + h * H + r.randrange(H),
                max(300, int(p.amount * math.exp(r.gauss(0, 0.22)))),
            )
            t += int(p.every * D * (1 if p.every < 30 else r.uniform(0.95, 1.06)))

    def open_order(self, p, no, t, amount):
        """Everything about an order that is drawn when the payment is made."""
        r = Random(h64(self.S, p.i, T_ORDER, no))
        o = Obj(
            p=p,
            no=no,
            id=f"{self.name}-{p.i:05d}-{no:03d}",
            t=t,
            amount=amount,
            hard=None,
            flag=None,
            susp=0.0,
            cause="",
            number=p.number,
            exp=p.exp,
            key=h64(p.i, no, 17),
            expires=t + self.window(r) * D,
            first_code="",
            first_advice=None,
        )
        if r.random() < self.hard_share:
            codes = self.hard_codes[p.scheme]
            o.hard = r.choices([c for c, _ in codes], [w for _, w in codes])[0]
        elif r.random() < p.flag:
            o.flag = r.choice(p.issuer.flags)
        elif r.random() < p.susp:
            o.susp = r.uniform(0.6, 1.0)
        return o

    def window(self, r):
        return 30

    def order_draws(self, o, S):
        """Draws that bind one order: until when a flag holds, whether money is gone for good, whether a refusal is stubborn."""
        p = o.p
        r = Random(h64(S, o.key, T_ORDER))
        flag_until = 0
        if o.flag:
            flag_until = o.t + (
                400 * D
                if r.random() < p.issuer.flag_never
                else int(r.lognormvariate(math.log(p.issuer.flag_days), 0.8) * D)
            )
        dead, stubborn = r.random() < p.dead, r.random() < p.stubborn
        return Obj(
            flag_until=flag_until, dead=dead, stubborn=stubborn, extra=self.after_decline(p, o, S)
        )

    # ---- the answer -------------------------------------------------------------------------------------------------
    def table(self, issuer, susp, t):
        late = issuer.change and t >= issuer.change
        return (
            (issuer.susp_late if late else issuer.susp)
            if susp
            else (issuer.plain_late if late else issuer.plain)
        )

    def decide(self, o, t, recent, tries=(), first=False):
        """(cause, code): cause "" is an approval. `recent`: declined attempts of the card in the issuer's memory."""
        p = o.p
        issuer = p.issuer
        if o.hard:
            return "hard", o.hard
        code = issuer.down.at(t)
        if code:
            return "down", code
        d = o.draws
        if t < d.flag_until:
            return "flag", o.flag
        code = p.limit_steps.at(t)
        if code:
            return "limit", code
        if not first and o.cause == "funds" and d.dead:
            return "funds", "51"
        if p.funds_steps.at(t) < o.amount and not (
            not first and any(a <= t < b and c >= o.amount for a, b, c in d.extra)
        ):
            for k, at in enumerate(tries):
                x = self.reaction(p, o, self.S, at, k)
                if x and x[0] <= t < x[1] and x[2] >= o.amount:
                    break
            else:
                return "funds", "51"
        if o.susp:
            if d.stubborn and not first:
                return "risk", issuer.risk_code
            ok = self.table(issuer, True, t)[(t + p.offsets + 3 * D) // H % 168] * o.susp
        else:
            ok = self.table(issuer, False, t)[(t + p.offsets + 3 * D) // H % 168]
        ok *= issuer.harden ** max(0, recent - issuer.free)
        if u01(self.S, p.i, T_RISK, (t + p.offsets) // issuer.block) >= ok:
            return "risk", issuer.risk_code
        if u01(self.S, p.i, T_TECH, t // 1800) < self.tech:
            return "tech", "96"
        return "", "00"

    def spoken(self, o, t, cause, code):
        """What the network tells: scheme code and, by some Mastercard issuers, an advice code."""
        p, issuer, advice = o.p, o.p.issuer, None
        if cause in ("funds", "limit") and u01(self.S, o.key, T_MAC, 5) < issuer.vague:
            code = "05"
        if p.scheme == "mastercard" and issuer.mac:
            if cause == "hard":
                advice = "01" if code == "54" else "03"
            elif code == "51" and cause == "funds":
                nxt = p.funds_steps.next_at_least(t, o.amount)
                wait = (
                    (nxt - t if nxt else 12 * D)
                    if issuer.mac == "knows"
                    else [H, D, D, 2 * D, 4 * D][h64(self.S, o.key, T_MAC) % 5]
                )
                wait *= 0.6 + 0.6 * u01(self.S, o.key, T_MAC, t // D)
                advice = next((c for s, c in ISSUER_SAYS_WAIT if wait <= s), "30")
            elif code in ("05", "59", "62"):
                advice = "02"
        if p.scheme == "amex":
            code = AMEX.get(code, code)
        return code, advice

    # ---- history and the judged orders ------------------------------------------------------------------------------
    def recent(self, times, t):
        lo = t - self.memory
        return sum(1 for x in times if lo < x < t)

    def generate(self):
        self.rows, judged = [], []
        for p in self.payers:
            p.funds_steps = Steps(self.account(p, self.S, self.start - 40 * D, self.end))
            p.limit_steps = Steps(self.limits(p, self.S, self.start - 10 * D, self.end), "")
            r = Random(h64(self.S, p.i, T_HABIT))
            first = sorted(self.payments(p, r))
            queue = [(t, k, None, 1, None, amount) for k, (t, amount) in enumerate(first)]
            heapq.heapify(queue)
            seq = len(queue)
            while queue:
                t, k, o, attempt, prop, amount = heapq.heappop(queue)
                if t >= self.now and attempt > 1:
                    continue
                if o is None:
                    o = self.open_order(p, k, t, amount)
                    o.draws = self.order_draws(o, self.S)
                    o.habit, o.fixed_hour = r.choice(self.habits), r.choice((None, None, 6, 14))
                    o.tries = []
                near = p.declines[-12:]
                cause, code = self.decide(o, t, self.recent(near, t), o.tries, attempt == 1)
                spoken, advice = self.spoken(o, t, cause, code) if cause else ("00", None)
                if attempt == 1:
                    o.cause, o.first_code, o.first_advice = cause, spoken, advice
                if t < self.now:
                    self.rows.append(
                        (t, p, o, attempt, not cause, spoken, advice, prop, o.number, o.exp)
                    )
                elif cause:
                    judged.append(o)
                if cause:
                    p.declines.append(t)
                    if attempt > 1:
                        o.tries.append(t)
                    if cause == "hard" and attempt == 1:
                        self.new_card(p)
                    if (
                        t < self.now
                        and attempt <= len(o.habit)
                        and (cause != "hard" or r.random() < 0.15)
                    ):
                        if r.random() < self.random_share:
                            hours = min(504, (o.expires - t) // H)
                            if hours < 2:
                                continue
                            at, prop = t + H * r.randint(1, hours), round(1 / hours, 6)
                        else:
                            at, prop = t + o.habit[attempt - 1] * D, None
                            if o.fixed_hour is not None:
                                at = at // D * D + o.fixed_hour * H + r.randrange(600)
                            if at <= t or at > o.expires:
                                continue
                        seq += 1
                        heapq.heappush(queue, (at, seq + 10000, o, attempt + 1, prop, amount))
        self.rows.sort(key=lambda x: (x[0], x[2].id, x[3]))
        judged.sort(key=lambda o: (o.t, o.id))
        self.orders = judged[: self.judged]
        self.until = self.orders[-1].t + 38 * D
        for p in self.payers:  # first declines after the last judged one do not happen
            p.declines = [t for t in p.declines if t <= self.orders[-1].t]
        self.by_id = {o.id: o for o in self.orders}

    # ---- words for the pipe -----------------------------------------------------------------------------------------
    def card(self, p, number, exp):
        return {
            "number": number,
            "expMonth": exp[1],
            "expYear": exp[0],
            "scheme": p.scheme,
            "funding": p.funding,
        }

    def row(self, x):
        t, p, o, attempt, ok, code, advice, prop, number, exp = x
        out = {
            "customerId": p.id,
            "orderId": o.id,
            "attempt": attempt,
            "at": iso(t),
            "amount": o.amount,
            "currency": "USD",
            "country": p.country,
            "card": self.card(p, number, exp),
            "approved": ok,
            "schemeCode": code,
            "propensity": prop,
        }
        if p.tell:
            out["utcOffsetMinutes"] = p.off
        if advice:
            out["adviceCode"] = advice
        return out

    def order(self, o):
        out = {
            "orderId": o.id,
            "customerId": o.p.id,
            "declinedAt": iso(o.t),
            "expiresAt": iso(o.expires),
            "amount": o.amount,
            "currency": "USD",
            "country": o.p.country,
            "card": self.card(o.p, o.number, o.exp),
            "schemeCode": o.first_code,
        }
        if o.p.tell:
            out["utcOffsetMinutes"] = o.p.off
        if o.first_advice:
            out["adviceCode"] = o.first_advice
        return out


COSTS = {"send": 12, "excess": 5000, "harm": 0.02}


class Arm:
    """One copy of the world: what was charged in it and what that did."""

    def __init__(self, world):
        self.w, self.answers, self.last, self.won = world, {}, {}, {}
        self.tries, self.declines, self.sends = {}, {}, {}
        self.attempts = self.breaches = 0
        self.card_sends, self.pay_sends = {}, {}
        for o in world.orders:
            self.card_sends.setdefault(o.number, []).append(o.t)
            self.pay_sends.setdefault((o.number, o.amount), []).append(o.t)

    def beyond(self, o, t):
        """Is this send beyond a network limit? Declined payments count as sends."""
        pay = sum(1 for x in self.pay_sends[o.number, o.amount] if t - 30 * D < x <= t)
        if o.p.scheme == "amex":  # no public count rule
            return False
        if o.p.scheme == "visa":
            return pay >= 15
        return pay >= 35 or sum(1 for x in self.card_sends[o.number] if t - D < x <= t) >= 10

    def charge(self, c):
        cid, w = c["id"], self.w
        if cid in self.answers:
            return self.answers[cid]
        o, t = w.by_id.get(c["orderId"]), parse(c["sentAt"])
        if o is None:
            return {"id": cid, "error": "unknown order"}
        if t < max(o.t, self.last.get(o.id, 0)):
            return {"id": cid, "error": "earlier than the decline or the last charge of its order"}
        if c.get("amount", o.amount) != o.amount or c.get("currency", "USD") != "USD":
            return {"id": cid, "error": "another amount or currency than the order's"}
        self.last[o.id] = t
        self.attempts += 1
        self.sends[o.id] = self.sends.get(o.id, 0) + 1
        self.breaches += self.beyond(o, t)
        self.card_sends[o.number].append(t)
        self.pay_sends[o.number, o.amount].append(t)
        own = self.declines.setdefault(o.p.i, [])
        tries = self.tries.setdefault(o.id, [])
        if o.id in self.won:
            cause, code = "", "00"
        else:
            cause, code = w.decide(o, t, w.recent(o.p.declines, t) + w.recent(own, t), tries)
        ans = {"id": cid, "state": "declined" if cause else "approved"}
        if cause:
            ans["schemeCode"], advice = w.spoken(o, t, cause, code)
            if advice:
                ans["adviceCode"] = advice
            own.append(t)
            tries.append(t)
        else:
            ans["schemeCode"] = "000" if o.p.scheme == "amex" else "00"
            self.won.setdefault(o.id, t)
        ans["networkTransactionId"] = f"N{h64(w.S, o.key, t) % 10**15:015d}"
        self.answers[cid] = ans
        return ans

    def score(self):
        w, total, got, harm = self.w, 0, 0, 0.0
        for o in w.orders:
            total += o.amount
            if o.id in self.won:
                got += o.amount
            else:
                harm += COSTS["harm"] * o.amount * max(0, self.sends.get(o.id, 0) - 4)
        days = sorted((t - w.by_id[k].t) / D for k, t in self.won.items())
        n = len(days)
        median = None if not n else days[n // 2] if n % 2 else (days[n // 2 - 1] + days[n // 2]) / 2
        net = got - COSTS["send"] * self.attempts - COSTS["excess"] * self.breaches - harm
        return {
            "orders": len(w.orders),
            "recovered": n,
            "amountShare": round(got / total, 6),
            "attempts": self.attempts,
            "breaches": self.breaches,
            "netShare": round(net / total, 6),
            "daysMedian": None if median is None else round(median, 3),
        }


def serve(make):
    world, arms, given = None, {}, 0
    for line in sys.stdin:
        try:
            q = json.loads(line)
            op = q["op"]
            if world is None:
                world = make()
            if op == "hello":
                if q.get("protocol") != 1:
                    raise ValueError("protocol 1 only")
                out = {
                    "world": world.name,
                    "protocol": 1,
                    "now": iso(world.now),
                    "until": iso(world.until),
                    "currencies": ["USD"],
                    "orders": len(world.orders),
                    "costs": COSTS,
                }
            elif op == "history":
                a = int(q.get("after") or 0)
                b = a + max(1, int(q.get("limit") or 5000))
                out = {
                    "rows": [world.row(x) for x in world.rows[a:b]],
                    "next": str(b) if b < len(world.rows) else None,
                }
            elif op == "orders":
                before, limit, got = parse(q["before"]), max(1, int(q.get("limit") or 1000)), []
                while (
                    given < len(world.orders)
                    and world.orders[given].t < before
                    and len(got) < limit
                ):
                    got.append(world.order(world.orders[given]))
                    given += 1
                out = {
                    "orders": got,
                    "more": given < len(world.orders) and world.orders[given].t < before,
                }
            elif op == "charge":
                name = str(q["arm"])
                if name not in arms:
                    arms[name] = Arm(world)
                arm = arms[name]
                out = {"answers": [arm.charge(c) for c in q["charges"]]}
            elif op == "signals":
                out = {"signals": []}
            elif op == "end":
                out = {"score": (arms.get(str(q["arm"])) or Arm(world)).score()}
            else:
                raise ValueError(f"unknown op {op}")
        except Exception as e:
            out = {"error": f"{type(e).__name__}: {e}"}
        sys.stdout.write(json.dumps(out, separators=(",", ":")) + "\n")
        sys.stdout.flush()


# ---- oracle -------------------------------------------------------------------------------------------------------------
def oracle_plan(w, o, np, rng, scenarios, most):
    """Instants by greedy choice: best instant, then best given failure at the chosen ones; each with its conditional chance."""
    p, T = o.p, (o.expires - o.t) // H
    if o.hard:
        return []
    at = o.t + np.arange(T + 1) * H
    caps, bad, sub = (
        np.zeros((scenarios, T + 1)),
        np.zeros((scenarios, T + 1), bool),
        np.zeros((scenarios, 2), bool),
    )
    mark = lambda a: min(T + 1, max(0, -(-int(a - o.t) // H)))
    k, tried, back = 0, 0, getattr(p, "part", w).lookback
    while k < scenarios and tried < 12 * scenarios:
        tried += 1
        S = h64(w.S, o.key, 4242, tried)
        money = w.account(
            p, S, o.t - back, o.expires
        )  # a scenario must agree with the first answer
        if o.cause in ("funds", "risk", "tech") and any(
            a <= o.t < b and c >= o.amount for a, b, c in money
        ) == (o.cause == "funds"):
            continue
        limits = w.limits(p, S, o.t - 8 * D, o.expires)
        if o.cause in ("funds", "limit", "risk", "tech") and any(
            a <= o.t < b for a, b, _ in limits
        ) != (o.cause == "limit"):
            continue
        caps[k] = 0
        bad[k] = False
        for a, b, c in money:
            i, j = mark(a), mark(b)
            if i < j:
                np.maximum(caps[k, i:j], c, out=caps[k, i:j])
        for a, b, _ in limits:
            bad[k, mark(a) : mark(b)] = True
        d = w.order_draws(o, S)
        for a, b, c in d.extra:
            i, j = mark(a), mark(b)
            if i < j:
                np.maximum(caps[k, i:j], c, out=caps[k, i:j])
        if d.dead and o.cause == "funds":
            caps[k] = 0
        if d.flag_until:
            if d.flag_until <= o.t:
                continue
            bad[k, : mark(d.flag_until)] = True
        sub[k, 0] = d.stubborn and o.susp > 0
        k += 1
    if k < 20:
        return []
    ok = (caps[:k] >= o.amount) & ~bad[:k] & ~sub[:k, :1]
    ok[:, [bool(p.issuer.down.at(int(t))) for t in at]] = False
    how = (at + p.offsets + 3 * D) // H % 168
    i = p.issuer
    base = np.array(w.table(i, o.susp, o.t))[how] * (o.susp or 1.0)
    if i.change:
        base = np.where(
            at >= i.change, np.array(w.table(i, o.susp, i.change))[how] * (o.susp or 1.0), base
        )
    blk = (at + p.offsets) // i.block
    blk -= blk[0]
    u = rng.random((k, int(blk[-1]) + 1))
    if o.cause == "risk":
        u[:, 0] = 1.0
    u = u[:, blk]
    plan, alive = [], np.ones(k, bool)
    before = [x for x in p.declines if x <= o.t]
    for _ in range(most):
        seen = (
            sum(
                ((at > x) & (at - x < w.memory)).astype(int)
                for x in before[-12:] + [o.t + int(x) * H for x, _ in plan]
                if x < o.expires
            )
            if before
            else 0
        )
        app = ok & (u < base * i.harden ** np.maximum(0, seen - i.free))
        q = app[alive].mean(axis=0)
        q[0] = 0
        for x, _ in plan:
            q[max(0, x - 1) : x + 2] = 0
        best = int(np.argmax(q - np.arange(T + 1) * 2e-6))
        if q[best] < 0.004:
            break
        plan.append((best, float(q[best])))
        alive &= ~app[:, best]
        if alive.sum() < 10:
            break
    return plan


def oracle(w, sends, scenarios=100, most=12):
    import numpy as np

    rng = np.random.default_rng(w.S % 2**32)
    plans = [oracle_plan(w, o, np, rng, scenarios, most) for o in w.orders]

    def play(price):
        """The plans with chances from `price` on, played in the world: (recovered, sends)."""
        arm, n = Arm(w), 0
        for o, plan in zip(w.orders, plans):
            for x in sorted(x for x, q in plan if q >= price):
                n += 1
                if (
                    arm.charge({"id": f"{o.id}/{n}", "orderId": o.id, "sentAt": iso(o.t + x * H)})[
                        "state"
                    ]
                    == "approved"
                ):
                    break
        return len(arm.won), n

    lo, hi = 0.0, 1.0
    for _ in range(14):
        mid = (lo + hi) / 2
        lo, hi = (lo, mid) if play(mid)[1] <= sends * len(w.orders) else (mid, hi)
    won, n = play(hi)
    return {
        "world": w.name,
        "orders": len(w.orders),
        "recovered": round(won / len(w.orders), 4),
        "sends": round(n / len(w.orders), 3),
    }


def ever(w):
    won = sum(any(not w.decide(o, t, 1)[0] for t in range(o.t + H, o.expires, H)) for o in w.orders)
    return {"world": w.name, "orders": len(w.orders), "ever": round(won / len(w.orders), 4)}


def stats(w):
    """For the maker: shares by cause, and plain schedules played without the pipe."""
    from collections import Counter

    n = len(w.orders)
    out = {
        "history": len(w.rows),
        "orders": n,
        "days": round((w.orders[-1].t - w.now) / D, 1),
        "cause": {k: round(v / n, 3) for k, v in Counter(o.cause for o in w.orders).most_common()},
        "codes": dict(Counter(o.first_code for o in w.orders).most_common(9)),
        "first_declined": round(
            1 - sum(x[4] for x in w.rows if x[3] == 1) / sum(x[3] == 1 for x in w.rows), 3
        ),
        "retry_ok": round(sum(x[4] for x in w.rows if x[3] > 1) / sum(x[3] > 1 for x in w.rows), 3),
        "past_per_payer": sorted(Counter(x[1].i for x in w.rows).values())[len(w.payers) // 2],
    }
    for label, days in (
        ("next day", (1,)),
        ("4/21", (3, 8, 15, 21)),
        ("4/21b", (5.25, 10.5, 15.75, 21)),
        ("1357", (1, 3, 5, 7)),
        ("8/14", (1, 2, 4, 6, 8, 10, 12, 14)),
    ):
        arm, by = Arm(w), Counter()
        for o in w.orders:
            if o.hard:
                continue
            for d in days:
                if (
                    arm.charge(
                        {"id": f"{o.id}/{d}", "orderId": o.id, "sentAt": iso(o.t + int(d * D))}
                    )["state"]
                    == "approved"
                ):
                    by[o.cause] += 1
                    break
        out[label] = round(len(arm.won) / n, 3), round(arm.attempts / n, 2), dict(by)
    return out


def main(cls):
    ap = argparse.ArgumentParser()
    ap.add_argument("--oracle", action="store_true")
    ap.add_argument("--ever", action="store_true")
    ap.add_argument("--stats", action="store_true")
    ap.add_argument("--sends", type=float, default=3)
    a = ap.parse_args()
    make = lambda: cls(int(os.environ.get("WORLD_SEED", "1")))
    if a.oracle:
        print(json.dumps(oracle(make(), a.sends)))
    elif a.ever:
        print(json.dumps(ever(make())))
    elif a.stats:
        for k, v in stats(make()).items():
            print(k, v)
    else:
        serve(make)

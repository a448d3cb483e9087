"""What the eight worlds share: draws, payers, cards, payments, history, the line protocol, arms, scoring, oracle.

A world is a subclass of World that says how likely an order is to be approved at an instant (`chance`), how long a
draw lasts (`bucket`: within one bucket an order sees the same uniform number) and what a decline is called (`code`).
A send is approved iff u(entity, bucket) < chance. All draws are hashes of (seed, tag, entity, time): nothing depends on
the order of calls, and every arm sees the same numbers. The first payment obeys the same rule.

Choices where the protocol leaves room (they matter for counting):
- one currency a world; amounts are summed in minor units.
- a charge for an unknown order, with another amount or currency, after `expiresAt`, or for an order already paid
  answers {"id","error"} and counts for nothing. A card number the payer never had is declined with 14 (Amex 111).
- only approved and declined are answered, never unknown or not_processed.
- network limits, counted on the card number over the judged period (declined first payments count, history does not):
  Visa: any send after a category-1 code on that card; else a send when 20 declines of the same card and amount lie in
  the 30 days before. Amex: the 20 only. Mastercard: any send within 30 days after advice 03 or 21 on that card; else
  when 10 declines of the card lie in the 24 h before, or 35 of the card and amount in the 30 days before.
- signals, where a world has them: {"type":"card_updated","at":T,"customerId","oldNumber","card":{...}} - the number
  on file is replaced by `card` (same number with a new expiry, or a new number). Each is handed once to each arm.
- orders come sorted by declinedAt, strictly before T, each once; history rows sorted by time, `next` a row index.
"""
import bisect, json, math, os, sys, time
from basics import (DAY, HOUR, M64, dst_bounds, iso, luhn_digit, mix, month_add, month_days, months, parse, pick, sigmoid, tag,
                    ts, weekday, ymd)

PREFIX = {"visa": "400088", "mastercard": "555588", "amex": "370088"}
CAT1 = frozenset("04 07 12 14 15 41 43 46 57 R0 R1 R3".split())


class Payer:
    """who pays; worlds hang their hidden state on it"""
    def __init__(self, i):
        self.i = i


class Order:
    __slots__ = ("i", "payer", "t", "exp", "amount", "card", "cause", "p0", "b0", "code", "x", "name")

    def __init__(self, i, payer, t):
        self.i, self.payer, self.t = i, payer, t
        self.x = None


class World:
    name = "base"
    now = ts(2026, 3, 2)
    hist_days, judged_days = 180, 75
    currency, send, excess, harm = "EUR", 12, 5000, 0.02
    zones = [("DE", 1.0, 60, "eu")]              # country, weight, offset in minutes, summer-time rule
    issuers_per_country = 8
    schemes = [("visa", .55), ("mastercard", .40), ("amex", .05)]
    debit = .7
    prices = [(990, 3), (1490, 3), (1990, 3), (2990, 3), (4990, 2), (7900, 1)]
    monthly, weekly = .50, .03                   # shares of payers; the rest buys now and then
    sparse_days = 70
    rates = {"tech": .014, "limit": .011, "generic": .045}   # chance of a cause, each payment
    dead_share, expired_share = .075, .065       # payers whose card is blocked / runs out in the whole time
    explore = .40                                # share of past orders whose retries were drawn at random
    past_days = (1, 3, 5, 7)
    offset_known = .92
    step = HOUR                                  # grid of the oracle

    # ---------------------------------------------------------------- draws
    def __init__(self, seed=None, orders=None):
        self.seed = int(os.environ.get("WORLD_SEED", "1")) if seed is None else seed
        self.want = int(os.environ.get("WORLD_ORDERS", "2000")) if orders is None else orders
        self.root = mix(self.seed * 0x9E3779B97F4A7C15 + tag(self.name) & M64)
        self.t0, self.end = self.now - self.hist_days * DAY, self.now + self.judged_days * DAY
        self._dst, self._used, self.signal_list = {}, set(), []
        self.bank = {}
        for z in self.zones:
            if z[0] not in self.bank:
                base = 100 + 40 * len(self.bank)
                ids = [base + k * 3 + int(self.u("bank", base, k) * 3) for k in range(self.issuers_per_country)]
                self.bank[z[0]] = [(b, 1 / (1.5 + k)) for k, b in enumerate(ids)]
        self.setup()
        self.build()

    def h(self, name, *keys):
        x = self.root ^ tag(name)
        for k in keys:
            x = mix(x + 0x9E3779B97F4A7C15 ^ (k & M64))
        return mix(x)

    def u(self, name, *keys):
        return (self.h(name, *keys) >> 11) * 1.1102230246251565e-16

    def normal(self, name, *keys):
        a, b = self.u(name, 1, *keys), self.u(name, 2, *keys)
        return math.sqrt(-2 * math.log(1 - a)) * math.cos(6.283185307179586 * b)

    # ---------------------------------------------------------------- what worlds may replace
    def setup(self):
        """what all payers share"""

    def payer(self, p):
        """hang hidden state on a new payer"""

    def make_signals(self):
        """fill signal_list with (t, dict)"""

    def funds(self, o, t):
        """chance that the money is there"""
        return .5

    def cause(self, o):
        """what stands in the way of a payment besides money; None: only money"""
        p = o.payer
        if p.dead and p.dead <= o.t < p.dead_fix:
            return "hard"
        if p.run_out and p.run_out <= o.t < p.run_fix and self.u("54", o.i) < .75:
            return "expired"
        v = self.u("cause", o.i)
        for k, r in self.rates.items():
            v -= r * (p.risk if k == "generic" else 1)
            if v < 0:
                return k
        return None

    def frailty(self, o):
        """constant chance of a try of a generic decline: a third is as good as lost"""
        v = self.u("frail", o.i)
        return .02 if v < .4 else .08 + .4 * (v - .4)

    def chance(self, o, t, past=()):
        """past: the instants of the order's sends so far, the first payment included"""
        k = o.cause
        if k is None:
            return self.funds(o, t)
        if k == "generic":
            return o.x
        if k == "hard":
            return 0.0
        if k == "tech":
            return 0.0 if t < o.x else .72
        if k == "limit":
            return 0.0 if t < o.x else .55
        return o.x[1] if t >= o.x[0] else .01    # expired: some issuers let the old expiry pass after re-issue

    def begin(self, o):
        """draw what the cause needs, once an order is known to have one"""
        k = o.cause
        if k == "generic":
            o.x = self.frailty(o)
        elif k == "tech":
            o.x = o.t + int((.3 + 9 * self.u("tech", o.i) ** 2) * HOUR)
        elif k == "limit":
            loc = self.local(o.payer, o.t)
            if self.u("limit", o.i) < .7:
                nxt = (loc // DAY + 1) * DAY
            else:
                y, m, _ = ymd(loc)
                nxt = ts(*month_add(y, m, 1), 1)
            o.x = o.t + nxt - loc
        elif k == "expired":
            v = self.u("reissue", o.i)
            o.x = (o.t + int((2 + 22 * self.u("reissue_at", o.i)) * DAY), .5) if v < .35 else (0, .01)

    def bucket(self, o, t):
        """a key; within one key the order has one draw"""
        return t // DAY

    def draw(self, o, b):
        return self.u("try", o.i, b)

    def wait_hint(self, o, t):
        """hours that an issuer that knows would advise (Mastercard with 51); None: says nothing"""
        return None

    def code(self, o, t):
        k, s, v = o.cause, o.card["scheme"], self.u("code", o.i)
        if s == "amex":
            c = {None: "116", "generic": "100" if v < .9 else "107", "tech": "911" if v < .5 else "909", "limit": "121",
                 "hard": ("200", "111", "105", "119")[int(v * 4)], "expired": "101"}[k]
            return c, None
        if k is None:
            c = "51" if v < .94 else "05"
            if c == "51" and s == "mastercard":
                hours = self.wait_hint(o, t)
                if hours is not None:
                    return c, "24 25 26 27 28 29 30".split()[bisect.bisect([3, 36, 72, 120, 168, 216], hours)]
            return c, None
        if k == "generic":
            c = pick(v, [("05", 84), ("62", 5), ("59", 4), ("63", 3), ("01", 4)])
            a = self.u("mac", o.i)
            return c, (None if s == "visa" or a > .5 else "02" if a > .06 else "03")
        if k == "tech":
            return ("91" if v < .6 else "96" if v < .9 else "06"), None
        if k == "limit":
            return ("61" if v < .6 else "65"), None
        if k == "expired":
            return "54", ("01" if s == "mastercard" and v < .6 else None)
        v = self.u("hardcode", o.payer.i)
        if s == "visa":
            return pick(v, [("14", 30), ("41", 18), ("43", 12), ("46", 14), ("57", 16), ("04", 4), ("R1", 6)]), None
        c = pick(v, [("14", 32), ("41", 20), ("43", 14), ("57", 18), ("04", 4), ("05", 12)])
        return c, ("21" if c == "05" else "03" if self.u("mac", o.payer.i) < .7 else None)

    # ---------------------------------------------------------------- people, cards, payments
    def offset(self, p, t):
        base, rule = p.zone[2], p.zone[3]
        if not rule:
            return base
        y = time.gmtime(t)[0]
        b = self._dst.get((rule, y))
        if b is None:
            b = self._dst[rule, y] = dst_bounds(rule, y)
        return base + 60 if b[0] <= t < b[1] else base

    def local(self, p, t):
        return t + self.offset(p, t) * 60

    def utc(self, p, loc):
        return loc - self.offset(p, loc - p.zone[2] * 60) * 60

    def new_card(self, p, gen, exp):
        """exp: (year, month)"""
        n = 6 if p.scheme != "amex" else 5
        k = (p.i * 6 + gen) * 7919 % 10 ** n
        while True:
            body = PREFIX[p.scheme] + str(p.issuer) + str(k).zfill(n)
            if body not in self._used:
                break
            k = (k + 1) % 10 ** n
        self._used.add(body)
        return {"number": body + luhn_digit(body), "expMonth": exp[1], "expYear": exp[0], "scheme": p.scheme, "funding": p.funding}

    def new_payer(self, i):
        p = Payer(i)
        p.zone = pick(self.u("zone", i), [(z, z[1]) for z in self.zones])
        p.country = p.zone[0]
        p.scheme = pick(self.u("scheme", i), self.schemes)
        p.funding = "credit" if p.scheme == "amex" else "debit" if self.u("funding", i) < self.debit else "credit"
        p.issuer = 900 + int(self.u("amexbank", i) * 3) if p.scheme == "amex" else pick(self.u("issuer", i), self.bank[p.country])
        p.risk = .35 if self.u("risk", i) < .6 else 1.975
        span = self.end - self.t0
        p.dead = p.run_out = 0
        if self.u("dead", i) < self.dead_share:
            p.dead = self.t0 + int(self.u("dead_at", i) * span)
            p.dead_fix = p.dead + int((10 + 70 * self.u("dead_fix", i)) * DAY)
        y, m, _ = ymd(self.end + int((40 + 1300 * self.u("exp", i)) * DAY))
        if self.u("runout", i) < self.expired_share:
            y, m, _ = ymd(self.t0 + int(self.u("runout_at", i) * span))
            p.run_out = ts(*month_add(y, m, 1), 1)
            p.run_fix = p.run_out + int((10 + 60 * self.u("run_fix", i)) * DAY)
        p.cards = [(0, self.new_card(p, 0, (y, m)))]
        if p.run_out:
            p.cards.append((p.run_fix, dict(p.cards[0][1], expYear=y + 4)))
        if p.dead:
            p.cards.append((p.dead_fix, self.new_card(p, 1, (y + 3, m))))
            p.cards.sort(key=lambda c: c[0])
        p.price = pick(self.u("price", i), self.prices)
        v = self.u("cadence", i)
        p.cadence = "monthly" if v < self.monthly else "weekly" if v < self.monthly + self.weekly else "sparse"
        self.payer(p)
        return p

    def minute(self, *keys):
        """local second of the day of a payment"""
        v = self.u("minute", *keys)
        return int((5.5 + 18 * (v * .6 + .4 * self.u("minute2", *keys))) * HOUR) % DAY

    def pay_times(self, p):
        i, out = p.i, []
        if p.cadence == "monthly":
            dom, sec = 1 + int(self.u("dom", i) * 28), self.minute(i)
            if self.u("dom1", i) < .15:
                dom = 1
            for y, m in months(self.t0 - DAY, self.end + DAY):
                out.append(self.utc(p, ts(y, m, dom) + sec))
        elif p.cadence == "weekly":
            sec, t = self.minute(i), self.t0 - self.t0 % DAY + int(self.u("dom", i) * 7) * DAY
            while t < self.end + DAY:
                out.append(self.utc(p, t + sec))
                t += 7 * DAY
        else:
            t, k = self.t0 - int(self.u("gap", i, 999) * self.sparse_days * DAY), 0
            while t < self.end:
                t += int(DAY - math.log(1 - self.u("gap", i, k)) * self.sparse_days * DAY)
                out.append(self.utc(p, t - t % DAY + self.minute(i, k)))
                k += 1
        return [t for t in sorted(set(out)) if self.t0 <= t < self.end]

    def answer(self, o, t, past):
        """(approved, code, advice) of a send at t"""
        if self.draw(o, self.bucket(o, t)) < self.chance(o, t, past):
            return True, "000" if o.card["scheme"] == "amex" else "00", None
        c, a = self.code(o, t)
        return False, c, a

    def build(self):
        rows, judged, serial, i = [], [], 0, 0
        while len(judged) < self.want:
            p = self.new_payer(i)
            i += 1
            for n, t in enumerate(self.pay_times(p)):
                o = Order(p.i * 256 + n, p, t)
                o.amount = p.price if p.cadence != "sparse" else self.sparse_amount(o)
                o.card = [c for f, c in p.cards if f <= t][-1]
                o.cause = self.cause(o)
                ok = False
                if o.cause is None:
                    ok = self.draw(o, self.bucket(o, t)) < self.chance(o, t, ())
                if not ok:
                    self.begin(o)
                    o.exp = t + pick(self.u("exp_days", o.i), [(14, 20), (21, 35), (28, 20), (30, 25)]) * DAY
                    o.b0 = self.bucket(o, t)
                    o.p0 = self.chance(o, t, ()) if o.cause is None else 0.0
                    o.code = self.code(o, t)
                if t < self.now:
                    rows.append((t, o, 1, ok) + (("000" if p.scheme == "amex" else "00", None) if ok else o.code) + (None,))
                    if not ok:
                        self.past_retries(o, rows)
                elif not ok:
                    judged.append(o)
        judged.sort(key=lambda o: (o.t, o.i))
        del judged[self.want:]
        rows.sort(key=lambda r: (r[0], r[1].i, r[2]))
        self.rows, self.orders, self.payers = rows, judged, i
        self.by_id, self.card_base = {}, {}
        for o in judged:
            o.name = self.order_name(o)
            self.by_id[o.name] = o
            self.card_base.setdefault(o.card["number"], []).append((o.t, o.amount) + o.code)
        self.until = max((o.exp for o in judged), default=self.end)
        self.make_signals()
        self.signal_list.sort(key=lambda s: s[0])

    def sparse_amount(self, o):
        return max(300, int(o.payer.price * 1.3 * math.exp(.6 * self.normal("amount", o.i))))

    def past_delay(self, o, k):
        """a drawn delay after the last attempt, and the chance of just this one"""
        return (20 + int(self.u("hours", o.i, k) * 221)) * HOUR, round(1 / 221, 6)

    def past_retries(self, o, rows):
        drawn, t, k = self.u("explore", o.i) < self.explore, o.t, 0
        past, code = [o.t], o.code
        while k < 4:
            if code[0] in CAT1 and o.card["scheme"] != "amex" and self.u("stop", o.i) < .85 or code[1] in ("03", "21"):
                return
            if drawn:
                delay, prop = self.past_delay(o, k)
                t += delay
            else:
                t, prop = o.t + self.past_days[k] * DAY, None
            if t > o.exp or t >= self.now:
                return
            ok, c, a = self.answer(o, t, past)
            code = (c, a)
            k += 1
            rows.append((t, o, k + 1, ok, c, a, prop))
            if ok:
                return
            past.append(t)

    # ---------------------------------------------------------------- what crosses the pipe
    def order_name(self, o):
        return "o%08x" % (self.h("order_name", o.i) >> 32) + "%06x" % o.i

    def common(self, o, t, **d):
        p = o.payer
        d.update(customerId="c%06d" % p.i, amount=o.amount, currency=self.currency, country=p.country, card=o.card)
        if self.u("tzknown", p.i) < self.offset_known:
            d["utcOffsetMinutes"] = self.offset(p, t)
        if d["adviceCode"] is None:
            del d["adviceCode"]
        return d

    def row(self, r):
        t, o, n, ok, c, a, prop = r
        return self.common(o, t, orderId=self.order_name(o), attempt=n, at=iso(t), approved=ok, schemeCode=c, adviceCode=a,
                           propensity=prop)

    def order(self, o):
        return self.common(o, o.t, orderId=o.name, declinedAt=iso(o.t), expiresAt=iso(o.exp), schemeCode=o.code[0],
                           adviceCode=o.code[1])

    def known_card(self, o, t, number):
        """is this the order's card, or one the payer has at t"""
        return number == o.card["number"] or any(c["number"] == number and f <= t for f, c in o.payer.cards)

    def send_with(self, o, t, past, card):
        """answer of a send with a card; worlds where cards change replace it"""
        if not self.known_card(o, t, card.get("number")):
            return False, "111" if o.card["scheme"] == "amex" else "14", None
        return self.answer(o, t, past)


class Arm:
    """one copy of the world: only what this side sent changes it, order by order"""
    def __init__(self, world):
        self.w, self.sends, self.paid, self.ids, self.cards = world, {}, {}, {}, {}
        self.attempts = self.cursor = 0

    def breaches(self):
        """sends beyond a network limit: each card's declines in time order, whatever the order of the calls was"""
        n = 0
        for number, sent in self.cards.items():
            log, scheme = [], next((s for s, x in PREFIX.items() if number.startswith(x)), "")
            first = [(t, 0, 0, a, c, adv, False) for t, a, c, adv in self.w.card_base.get(number, ())]
            for t, is_send, _, amount, code, advice, ok in sorted(first + sent, key=lambda e: e[:3]):
                if is_send:
                    month = [e for e in log if e[0] > t - 30 * DAY]
                    same = sum(e[1] == amount for e in month)
                    if scheme == "mastercard":
                        n += (same >= 35 or sum(e[0] > t - DAY for e in month) >= 10
                              or any(e[3] in ("03", "21") for e in month))
                    else:
                        n += same >= 20 or scheme == "visa" and any(e[2] in CAT1 for e in log)
                if not ok:
                    log.append((t, amount, code, advice))
        return n

    def charge(self, c):
        w, cid = self.w, c.get("id")

        def bad(why):
            return {"id": cid, "error": why}
        if not isinstance(cid, (str, int)):
            return bad("id is missing")
        if cid in self.ids:
            return self.ids[cid]
        o = w.by_id.get(c.get("orderId"))
        if o is None:
            return bad("no such order")
        try:
            t = parse(c["sentAt"])
        except (KeyError, TypeError, ValueError):
            return bad("sentAt cannot be read")
        past = self.sends.get(o.i) or [o.t]
        if t < past[-1]:
            return bad("earlier than the last attempt of this order")
        if o.i in self.paid:
            return bad("order is already paid")
        if t > o.exp:
            return bad("order has expired")
        if c.get("amount", o.amount) != o.amount or c.get("currency", w.currency) != w.currency:
            return bad("amount or currency is not the order's")
        card = c["card"] if isinstance(c.get("card"), dict) and c["card"].get("number") else o.card
        number = str(card["number"])
        ok, code, advice = w.send_with(o, t, past, card)
        self.attempts += 1
        self.cards.setdefault(number, []).append((t, 1, o.i, o.amount, code, advice, ok))
        self.sends[o.i] = past + [t]
        out = {"id": cid, "state": "approved" if ok else "declined", "schemeCode": code}
        if ok:
            self.paid[o.i] = t
        elif advice is not None:
            out["adviceCode"] = advice
        out["networkTransactionId"] = "%015d" % (w.h("nti", o.i, t) % 10 ** 15)
        self.ids[cid] = out
        return out

    def score(self):
        w, n, bad = self.w, len(self.w.orders), self.breaches()
        total = sum(o.amount for o in w.orders) or 1
        got = sum(o.amount for o in w.orders if o.i in self.paid)
        harm = sum(max(0, len(s) - 5) * w.harm * o.amount for o in w.orders
                   if o.i not in self.paid and (s := self.sends.get(o.i)))
        days = sorted((self.paid[o.i] - o.t) / DAY for o in w.orders if o.i in self.paid)
        k = len(days)
        med = None if not k else (days[k // 2] + days[(k - 1) // 2]) / 2
        net = got - self.attempts * w.send - bad * w.excess - harm
        return {"orders": n, "recovered": k, "amountShare": round(got / total, 6), "attempts": self.attempts,
                "breaches": bad, "netShare": round(net / total, 6), "daysMedian": None if med is None else round(med, 4)}


class Server:
    def __init__(self, world):
        self.w, self.arms, self.given = world, {}, 0

    def arm(self, q):
        return self.arms.setdefault(str(q["arm"]), Arm(self.w))

    def do(self, q):
        w, op = self.w, q.get("op")
        if op == "hello":
            if q.get("protocol") != 1:
                return {"error": "this world speaks protocol 1"}
            return {"world": w.name, "protocol": 1, "now": iso(w.now), "until": iso(w.until), "currencies": [w.currency],
                    "orders": len(w.orders), "costs": {"send": w.send, "excess": w.excess, "harm": w.harm}}
        if op == "history":
            a, n = int(q.get("after") or 0), max(1, min(20000, int(q.get("limit") or 5000)))
            return {"rows": [w.row(r) for r in w.rows[a:a + n]], "next": str(a + n) if a + n < len(w.rows) else None}
        if op == "orders":
            before, n = parse(q["before"]), max(1, min(20000, int(q.get("limit") or 1000)))
            out = []
            while self.given < len(w.orders) and w.orders[self.given].t < before and len(out) < n:
                out.append(w.order(w.orders[self.given]))
                self.given += 1
            return {"orders": out, "more": self.given < len(w.orders) and w.orders[self.given].t < before}
        if op == "charge":
            if not isinstance(q["charges"], list) or not all(isinstance(c, dict) for c in q["charges"]):
                return {"error": "charges is no list of objects"}
            arm = self.arm(q)
            return {"answers": [arm.charge(c) for c in q["charges"]]}
        if op == "signals":
            arm, before, out = self.arm(q), parse(q["before"]), []
            while arm.cursor < len(w.signal_list) and w.signal_list[arm.cursor][0] < before:
                told = w.signal_list[arm.cursor][1]
                out.append({"at": told["at"], "kind": told["type"], "cardNumber": told["oldNumber"], "card": told["card"]})
                arm.cursor += 1
            return {"signals": out}
        if op == "end":
            return {"score": self.arm(q).score()}
        return {"error": "no such op"}

    def run(self):
        for line in sys.stdin:
            if not line.strip():
                continue
            try:
                q = json.loads(line)
                out = self.do(q) if isinstance(q, dict) else {"error": "no object"}
            except (ValueError, KeyError, TypeError, AttributeError) as e:
                out = {"error": "%s: %s" % (type(e).__name__, e)}
            sys.stdout.write(json.dumps(out, separators=(",", ":")) + "\n")
            sys.stdout.flush()


def main(cls):
    import oracle as orc
    a = sys.argv[1:]
    w = cls()
    sends = int(a[a.index("--sends") + 1]) if "--sends" in a else 3
    if "--oracle" in a:
        print(json.dumps(orc.oracle(w, sends)))
    elif "--fixed" in a:
        k = a.index("--fixed") + 1
        print(json.dumps(orc.fixed(w, int(a[k]) if k < len(a) and a[k].isdigit() else sends)))
    elif "--describe" in a:
        print(json.dumps(orc.describe(w)))
    else:
        Server(w).run()

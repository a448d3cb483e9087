"""reminded: cards run out, are lost, are issued anew, and mails remind their owners. After a failed payment mails go out
on days 0, 3, 7 and 14 in the local morning; some owners change the card within hours of one. Issuers differ: some carry
the old number over to the new card by themselves some days after, some tell the networks' updater, some do neither. The
merchant hears of a card through `signals`. Otherwise money comes weekly or twice a month."""
import bisect, math, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import ground
from ground import DAY, HOUR, ts, iso, weekday, months, month_days, pick

MAILS = (0, 3, 7, 14)


class Reminded(ground.World):
    name = "reminded"
    now = ts(2026, 6, 1)
    judged_days = 70
    currency = "CAD"
    zones = [("CA", .50, -300, "us"), ("CA", .16, -360, "us"), ("CA", .14, -420, "us"), ("CA", .20, -480, "us")]
    schemes = [("visa", .50), ("mastercard", .45), ("amex", .05)]
    prices = [(1199, 3), (1699, 3), (2299, 3), (3499, 2), (5999, 2), (8900, 1)]
    rates = {"tech": .012, "limit": .010, "generic": .040}
    dead_share, expired_share = .125, .13
    monthly, weekly = .25, .01

    def setup(self):
        self.kind, self.book = {}, {}
        ids = [b for l in self.bank.values() for b, _ in l] + [900, 901, 902]
        for k, b in enumerate(sorted(ids, key=lambda b: self.u("order", b))):
            self.kind[b] = ("carries", "tells", "silent", "carries", "silent")[k % 5]
            self.book[b] = int(self.u("book", b) * 24)

    def payer(self, p):
        i = p.i
        p.weak = self.u("weak", i) < .14
        p.top, p.low, p.melt = .15 + .30 * self.u("top", i), .05 + .14 * self.u("low", i), 1.2 + 3 * self.u("melt", i)
        p.gap = 7 if self.u("gap7", i) < .3 else 14
        p.first = self.t0 - 60 * DAY - weekday(self.t0) * DAY - self.t0 % DAY + (int(2 * self.u("parity", i)) * 7
                  + pick(self.u("wd", i), [(4, 60), (3, 25), (2, 15)])) * DAY + self.book[p.issuer] * HOUR
        p.heeds = .04 + .28 * self.u("heeds", i)
        times = self.pay_times(p) if p.dead or p.run_out else []
        for what in ("dead", "run"):
            start = p.dead if what == "dead" else p.run_out
            if not start:
                continue
            fail = next((t for t in times if t >= start), None)
            fix = self.fixed_at(p, fail, what) if fail else (start + 40 * DAY, "customer")
            if what == "dead":
                p.dead_fix, p.told = fix
                p.carried = p.dead + int((1.5 + 9 * self.u("carried", i)) * DAY) if self.kind[p.issuer] == "carries" else None
                if p.carried and fail:
                    p.carried = max(p.carried, fail + int((1 + 14 * self.u("carried2", i)) * DAY))
            else:
                p.run_fix, p.run_told = fix
        y, m = p.cards[0][1]["expYear"], p.cards[0][1]["expMonth"]
        base = p.cards[0][1]
        p.cards = [(0, base)]
        if p.run_out:
            p.cards.append((p.run_fix, dict(base, expYear=y + 4)))
        if p.dead:
            p.cards.append((p.dead_fix, self.new_card(p, 2, (y + 3, m))))
        p.cards.sort(key=lambda c: c[0])

    def fixed_at(self, p, fail, what):
        """(when a new card is on file, how): by a mail, by the updater, or long after"""
        day = self.local(p, fail)
        best = (fail + int((45 + 60 * self.u("late", p.i)) * DAY), "customer")
        for k, d in enumerate(MAILS):
            if self.u(what + "mail", p.i, k) < p.heeds * (1, 1, .8, .6)[k]:
                morning = day - day % DAY + d * DAY + 10 * HOUR
                if d == 0:
                    morning = day + HOUR
                best = (self.utc(p, morning + int(20 * HOUR * self.u("lag", p.i, k) ** 2)), "customer")
                break
        if self.kind[p.issuer] == "tells":                  # a batch at 03:00 UTC some days later
            t = fail + int((1 + 16 * self.u(what + "tells", p.i)) * DAY)
            t += 27 * HOUR - t % DAY
            best = min(best, (t, "updater"))
        return best

    def make_signals(self):
        seen = set()
        for o in self.orders:
            p = o.payer
            if p.i in seen:
                continue
            seen.add(p.i)
            for (f0, old), (f1, new) in zip(p.cards, p.cards[1:]):
                if f1 > self.now:
                    self.signal_list.append((f1, {"type": "card_updated", "at": iso(f1), "customerId": "c%06d" % p.i,
                                                  "oldNumber": old["number"], "card": new}))

    def begin(self, o):
        super().begin(o)
        if o.cause == "expired":                            # the bank sends a new card anyway; some take the old expiry then
            lets = self.kind[o.payer.issuer] == "carries"
            o.x = (o.t + int((.4 + 9 * self.u("reissue_at", o.i)) * DAY), .45) if lets else (0, 0.0)

    def funds(self, o, t):
        p = o.payer
        if not p.weak:
            return .994
        x = ((self.local(p, t) - p.first) % (p.gap * DAY)) // DAY
        return (p.low + p.top * math.exp(-x / p.melt)) * math.exp(-.3 * max(0.0, math.log(o.amount / p.price)))

    def bucket(self, o, t):
        return (self.local(o.payer, t) - self.book[o.payer.issuer] * HOUR) // DAY if o.cause is None else t // DAY

    def chance(self, o, t, past=()):
        if o.cause == "hard":
            p = o.payer
            return .5 if p.carried and t >= p.carried else 0.0
        return super().chance(o, t, past)

    def code(self, o, t):
        if o.cause == "hard" and o.payer.carried and o.card["scheme"] != "amex":     # an old card here is no lost account
            c = pick(self.u("hardcode", o.payer.i), [("54", 35), ("05", 25), ("62", 20), ("14", 12), ("41", 8)])
            return c, "01" if o.card["scheme"] == "mastercard" else None
        return super().code(o, t)

    def new_chance(self, o, t):
        """with the card that is on file by now"""
        p = o.payer
        if o.cause == "hard" and t >= p.dead_fix > o.t or o.cause == "expired" and t >= p.run_fix > o.t:
            return .55
        return 0.0

    def best_chance(self, o, t, past=()):
        return max(self.chance(o, t, past), self.new_chance(o, t))

    def send_with(self, o, t, past, card):
        if not self.known_card(o, t, card.get("number")):
            return super().send_with(o, t, past, card)
        new = card["number"] != o.card["number"] if o.cause == "hard" else (card.get("expYear"), card.get("expMonth")) != (
            o.card["expYear"], o.card["expMonth"])
        if o.cause in ("hard", "expired") and new and self.new_chance(o, t):
            if self.draw(o, self.bucket(o, t)) < self.new_chance(o, t):
                return True, "000" if o.card["scheme"] == "amex" else "00", None
            return False, "116" if o.card["scheme"] == "amex" else "51", None
        return self.answer(o, t, past)


if __name__ == "__main__":
    ground.main(Reminded)

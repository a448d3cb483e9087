"""Lives of cards, each send of which asks the gate's rule and the independent count at once.

A life has several merchants of several acceptors, whose clocks stand apart and jump, and goes on
from one send to the next, or to the very instant at which a refusal says that the next may leave.
Nothing here reads the gate's tables.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from tests.gate_findings import Asked, Found, Gate
from tests.independent_count import DAY, HOUR, MONTH, NEVER, Count, Sent

from recoup.networks.codes import Reading, code_of, read_decline
from recoup.networks.limits import LOOKBACK, Allowed, Refused, Send, Wish, allowance, binds_for_ever
from recoup.rescue.rules.gate import Block, ask_gate

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SENDS_OF_A_CARD = 400
REFUSED_FOR_EVER = 8
KEPT = 160  # sends of a card before old ones are let go
REGIONS = (
    "world",
    "us",
    "europe",
    "eea_uk",
    "eea",
    "uk",
    "europe_cemea",
    "canada",
    "brazil",
    "nowhere that is known",
)
SCHEMES = {"visa": 30, "mastercard": 40, "amex": 8, "discover": 6, "elo": 10, "generic": 6}
AMOUNTS = ((4_590, "USD"), (9_900, "USD"), (4_590, "CAD"), (1, "USD"))
APART = 15 * DAY  # how far clocks stand apart, and jump
# scheme -> how often of 10,000 declines, code, advice; the others are "not sufficient funds"
SPECIAL: dict[str, Sequence[tuple[int, tuple[str, ...], tuple[str, ...]]]] = {
    "visa": (
        (8, ("04", "07", "12", "14", "15", "41", "43", "46", "57"), ()),
        (8, ("R0", "R1", "R3"), ()),
        (900, ("05", "54", "59", "61", "65", "91", "N7", "1A", "83", "ZZ"), ()),
    ),
    "mastercard": (
        (12, ("05", "51", "79"), ("03", "21")),
        (250, ("51",), ("24", "25", "26", "27", "28", "29", "30")),
        (900, ("05", "54", "65", "82"), ("01", "02", "40", "43", "77")),
        (20, ("41", "43", "46", "R1"), ()),
    ),
    "discover": ((20, ("04", "15", "41", "R0", "R3"), ()),),
    "elo": (
        (
            12,
            (
                "12",
                "13",
                "14",
                "19",
                "23",
                "30",
                "41",
                "43",
                "46",
                "54",
                "55",
                "56",
                "57",
                "58",
                "63",
                "64",
                "76",
                "77",
                "82",
                "83",
                "AB",
                "AC",
                "FM",
            ),
            (),
        ),
        (900, ("04", "05", "06", "38", "59", "61", "62", "65", "75", "78", "91"), ()),
    ),
    "amex": ((900, ("100", "101", "200"), ()),),
}


def play(
    seed: int,
    sends: int,
    gate: Gate | None = None,
    schemes: Sequence[str] = (),
    enough: Callable[[Found], bool] = lambda _: False,
) -> Found:
    """Lives until so many sends have left. `gate`: another one than the product's. `enough`:
    whether what was found in the lives so far is what was looked for."""
    found, dice = Found(), random.Random(seed)
    while found.sends < sends and not enough(found):
        scheme = (
            dice.choice(schemes)
            if schemes
            else dice.choices(tuple(SCHEMES), tuple(SCHEMES.values()))[0]
        )
        Life(scheme, dice, found, gate).live()
    return found


@dataclass(slots=True)
class Merchant:
    """`ahead`: its clock, of the wall."""

    name: str
    acceptor: str
    region: str
    ahead: int = 0


class Life:
    def __init__(self, scheme: str, dice: random.Random, found: Found, gate: Gate | None) -> None:
        self.scheme, self.dice, self.found, self.gate = scheme, dice, found, gate
        self.count = Count(scheme)
        self.rows: dict[int, Send] = {}
        self.lasting: set[int] = set()
        self.unknown: list[int] = []
        self.issued = self.sends = self.for_ever = 0
        self.blocks: tuple[Block, ...] = ()
        self.amounts = AMOUNTS[: dice.choice((1, 1, 2, 4))]
        self.pace = dice.choice((HOUR // 2, 2 * HOUR, 10 * HOUR, 30 * HOUR))
        self.visa_limit = dice.choice((20, 20, 20, 20, 15, 99, 3))
        self.wall, self.one_clock, one_region = self._era()
        self.latest = self.wall
        regions = dice.choices(REGIONS, k=3)
        regions = [regions[0]] * 3 if one_region else regions
        self.merchants = [
            Merchant(
                f"m{n}",
                f"acceptor {n % 3}",
                regions[n % 3],
                0 if self.one_clock else dice.randint(-APART, APART),
            )
            for n in range(dice.choice((1, 2, 3, 6)))
        ]

    def _era(self) -> tuple[int, bool, bool]:
        """The first instant; whether clocks agree; whether acceptors are of one region. Where a
        network's number falls on a day, or has another day in Brazil, a list of sends in two orders
        at once has no right answer."""
        roll = self.dice.random()
        within = self.dice.randrange(DAY)
        if self.scheme == "visa" and roll < 0.3:
            return (
                self.dice.randint(20_180, 20_226) * DAY + within,
                False,
                True,
            )  # before 19 May 2025
        if self.scheme == "mastercard" and roll < 0.3:
            return (
                self.dice.choice((19_255, 19_370)) * DAY + within,
                True,
                False,
            )  # before 1 Oct 2022, 1 Feb 2023
        return self.dice.randint(20_454, 20_900) * DAY + within, False, False

    def live(self) -> None:
        self.found.cards += 1
        while self.sends < SENDS_OF_A_CARD and self.for_ever < REFUSED_FOR_EVER:
            self._step()
        self.found.breaches.update(f"in the list, {one}" for one in self.count.beyond())
        self.found.bans += len(self.count.barred)

    def _step(self) -> None:
        dice = self.dice
        if self.unknown and dice.random() < 0.3:
            self._answer(self.unknown.pop(dice.randrange(len(self.unknown))))
        roll = dice.random()
        if roll < 0.05:
            self._come_in(dice.choice(self.merchants))
        elif roll < 0.06 and not self.one_clock:
            self._jump()
        elif roll < 0.063:
            self._block()
        merchant, (units, currency) = dice.choice(self.merchants), dice.choice(self.amounts)
        who = "merchant" if dice.random() < 0.85 else "customer"
        one = self._one(merchant, units, currency, who, self.wall + merchant.ahead, ours=True)
        free_at = self._ask(one)
        if free_at:
            self._wait(one, free_at)
        else:
            self._send(one)
            self.wall += 1 + round(dice.expovariate(1 / self.pace))
        if len(self.rows) > KEPT:
            self._let_go()

    def _one(
        self, merchant: Merchant, units: int, currency: str, who: str, at: int, *, ours: bool
    ) -> Sent:
        return Sent(
            at,
            merchant.name,
            merchant.acceptor,
            merchant.region,
            units,
            currency,
            who,
            self.visa_limit,
            ours,
        )

    # asking
    # ----------------------------------------------------------------------------------------------

    def _ask(self, one: Sent) -> int:
        """What the count says, once the rule was asked too; after a word of the rule that differs,
        what that says."""
        found, count, now = self.found, self.count, moment(one.at)
        since = now - LOOKBACK
        sends = [send for id, send in self.rows.items() if send.at > since or id in self.lasting]
        asked = Asked(
            self.scheme,
            sends,
            now,
            one.units,
            one.currency,
            one.who,
            one.acceptor,
            one.merchant,
            one.region,
            self.visa_limit,
        )
        gate_input = asked.tallies()
        if self.blocks:
            gate_input = replace(gate_input, blocks=self.blocks)
        word = self.gate(gate_input, asked) if self.gate else ask_gate(gate_input)
        found.asks += 1
        free_at = count.free_at(one)
        blocked = next(
            (block for block in self.blocks if block.until is None or block.until > now), None
        )
        if isinstance(word, Allowed):
            if free_at or blocked:
                found.breaches[f"sent, {self._names(one)}"] += 1
            return 0
        found.refused[word.rule_id] += 1
        if blocked:
            return (
                micros(word.until)
                if word.rule_id == "blocked"
                else self._strict("not by the block", word)
            )
        if not free_at or (micros(word.until) != free_at):
            return self._strict("allowed" if not free_at else "another instant", word)
        if found.asks % 16 == 0:
            self._compare_allowance(asked, one)
        return free_at

    def _strict(self, why: str, word: Refused) -> int:
        self.found.too_strict[f"{word.rule_id}: {why}"] += 1
        return micros(word.until)

    def _names(self, one: Sent) -> str:
        if self.count._barred_until(one):  # noqa: SLF001
            return f"{self.scheme} barred"
        return ", ".join(name for name, _ in self.count.fullest(one))

    def _compare_allowance(self, asked: Asked, one: Sent) -> None:
        told = allowance(
            asked.scheme,
            asked.sends,
            asked.now,
            Wish(
                units=asked.units,
                currency=asked.currency,
                initiator="customer" if asked.initiator == "customer" else "merchant",
                acceptor_id=asked.acceptor,
                merchant_id=asked.merchant,
                region=asked.region,
                visa_limit=asked.visa_limit,
            ),
        )
        if told is None or told.left != self.count.left(one):
            self.found.too_strict["allowance"] += 1

    def _wait(self, one: Sent, free_at: int) -> None:
        """To the very instant that was told, often; or on."""
        if free_at >= NEVER:
            self.for_ever += 1
            self.wall += HOUR
        elif free_at - one.at <= 2 * MONTH and self.dice.random() < 0.4:
            self.wall += free_at - one.at - (self.dice.random() < 0.1)
        else:
            self.wall += round(self.dice.uniform(0, 4) * DAY)

    # what happens
    # ----------------------------------------------------------------------------------------------

    def _send(self, one: Sent) -> None:
        found, dice = self.found, self.dice
        for name, inside in self.count.fullest(one):
            if inside >= found.fullest.get(name, 0):
                found.fullest[name] = inside + 1
        self.issued += 1
        self.sends += 1
        found.sends += 1
        self._keep(self.issued, one, "reserved")
        if dice.random() < 0.12:
            self.unknown.append(self.issued)
        else:
            self._answer(self.issued)

    def _come_in(self, merchant: Merchant) -> None:
        """A declined payment that the merchant reports, some time ago;
        made-up ones bar more often."""
        (units, currency), self.issued = self.dice.choice(self.amounts), self.issued + 1
        at = self.wall + merchant.ahead - self.dice.randrange(60 * HOUR)
        self._keep(
            self.issued, self._one(merchant, units, currency, "merchant", at, ours=False), "sent"
        )
        self.found.came_in += 1
        self._decline(self.issued)

    def _keep(self, id: int, one: Sent, state: str) -> None:
        self.count.sent(id, one)
        self.rows[id] = Send(
            moment(one.at),
            one.units,
            one.currency,
            "customer" if one.who == "customer" else "merchant",
            one.acceptor,
            one.merchant,
            "sent" if state == "sent" else "reserved",
            claimed=not one.ours,
        )

    def _answer(self, id: int) -> None:
        roll = self.dice.random()
        if roll < 0.015:
            self.rows[id] = replace(self.rows[id], state="sent", declined=False)
        elif roll < 0.025:
            self.count.never_left(id)
            self.rows.pop(id, None)
        else:
            self._decline(id)

    def _decline(self, id: int) -> None:
        send, one = self.rows[id], self.count.log[id]
        code, advice = self._codes(10_000 if one.ours else 500)
        reading = read(self.scheme, code, advice, send.at.toordinal(), one.region)
        self.count.declined(id, code, advice)
        self.rows[id] = send = replace(
            send,
            state="sent",
            declined=True,
            visa_category=reading.visa_category,
            advice=reading.advice,
            code=reading.code,
            klass=reading.klass,
        )
        if binds_for_ever(self.scheme, send):
            self.lasting.add(id)

    def _codes(self, of: int) -> tuple[str, str | None]:
        roll = self.dice.randrange(of)
        for share, codes, advices in SPECIAL.get(self.scheme, ()):
            if roll < share:
                return self.dice.choice(codes), self.dice.choice(advices) if advices else None
            roll -= share
        return "116" if self.scheme == "amex" else "51", None

    def _jump(self) -> None:
        """All clocks back or on, or one merchant's."""
        self.found.jumps += 1
        if self.dice.random() < 0.5:
            self.latest = max(self.latest, self.wall)
            self.wall = max(self.latest - 2 * APART, self.wall + self.dice.randint(-APART, APART))
        else:
            self.dice.choice(self.merchants).ahead = self.dice.randint(-APART, APART)

    def _block(self) -> None:
        until = moment(self.wall + self.dice.randrange(1, 5 * DAY))
        self.blocks = (Block(self.dice.choice(("fraud_dispute", "customer", "card")), until),)

    def _let_go(self) -> None:
        """What no clock can reach any more."""
        oldest = moment(max(self.latest, self.wall) - MONTH - 3 * APART)
        unknown = set(self.unknown)
        for id in [id for id, send in self.rows.items() if send.at < oldest]:
            if id not in self.lasting and id not in unknown:
                del self.rows[id]


def moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def micros(at: datetime | None) -> int:
    return NEVER if at is None else (at - EPOCH) // timedelta(microseconds=1)


@lru_cache(maxsize=65_536)
def read(scheme: str, code: str, advice: str | None, day: int, region: str) -> Reading:
    return read_decline(
        scheme=scheme,
        code=code_of(None, code),
        text=None,
        advice=advice,
        on=datetime.fromordinal(day).date(),
        region=region,
    )

"""What the gate is asked about one send, and what many such questions found."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from recoup.networks.limits import Allowed, Refused, Send, Wish, tallies
from recoup.rescue.rules.gate import GateInput

Word = Allowed | Refused
Gate = Callable[[GateInput, "Asked"], Word]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the gate is made from, as the product reads it under the card's lock."""

    scheme: str
    sends: Sequence[Send]
    now: datetime
    units: int
    currency: str
    initiator: str
    acceptor: str
    merchant: str
    region: str
    visa_limit: int

    def tallies(
        self, sends: Sequence[Send] | None = None, now: datetime | None = None
    ) -> GateInput:
        found = tallies(
            self.scheme,
            self.sends if sends is None else sends,
            now or self.now,
            Wish(
                units=self.units,
                currency=self.currency,
                initiator="customer" if self.initiator == "customer" else "merchant",
                acceptor_id=self.acceptor,
                merchant_id=self.merchant,
                region=self.region,
                visa_limit=self.visa_limit,
            ),
        )
        return GateInput(self.scheme, self.region, "merchant", self.now, found)


@dataclass
class Found:
    """`breaches`: sends that left although the count forbids them, then windows that a reader of
    the finished list finds too full. `too_strict`: refused although the count allows them, or until
    another instant."""

    sends: int = 0
    asks: int = 0
    cards: int = 0
    came_in: int = 0
    bans: int = 0
    jumps: int = 0
    breaches: Counter[str] = field(default_factory=Counter)
    too_strict: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    fullest: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Found") -> None:
        for name in ("sends", "asks", "cards", "came_in", "bans", "jumps"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.breaches += other.breaches
        self.too_strict += other.too_strict
        self.refused += other.refused
        for name, most in other.fullest.items():
            self.fullest[name] = max(most, self.fullest.get(name, 0))

    def text(self) -> str:
        return (
            f"{self.sends:,} sends of {self.asks:,} asked for, {self.cards:,} cards, "
            f"{self.came_in:,} declines came in,"
            f" {self.bans:,} bans, clocks jumped {self.jumps:,} times; refused "
            f"{dict(sorted(self.refused.items()))};"
            f" fullest windows {dict(sorted(self.fullest.items()))};"
            f" breaches {self.breaches.total()}, refused without need {self.too_strict.total()}"
        )

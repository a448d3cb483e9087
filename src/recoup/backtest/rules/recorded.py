"""Declined orders with the decisions that were stored about them, as the back-test reads them: of
the database, or of the log of a simulation. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from recoup.backtest.rules.episode import Episode, Step

By = Literal["engine", "schedule"]
Answer = Literal["approved", "declined", "unknown", "not_processed"]


def place_in_sample(payer: str) -> bytes:
    """The order in which payers enter a sample, with a fixed seed."""
    return hashlib.sha256(b"back-test/" + payer.encode("utf-8", "surrogatepass")).digest()


def is_drawn(payer: str, thin: int) -> bool:
    """True when a sample of every 2nd, 4th, 8th … payer has this one; `thin`: how often it was
    halved."""
    return not thin or int.from_bytes(place_in_sample(payer)[:4], "big") % (1 << thin) == 0


class RecordedDecision(NamedTuple):
    """`features`, `versions`, `verdict`, `plan`, `alternatives` as stored. `by`: whose arm the
    order is in. `answer`, `sent_at`: of the send that this decision led to, None where none did.
    `engine_model`: by which the engine would have decided here, None where it could not; empty
    where that was not stored."""

    features: Mapping[str, Any]
    versions: Mapping[str, str | None]
    verdict: str
    plan: Sequence[str]
    alternatives: Sequence[Mapping[str, Any]]
    by: By
    answer: Answer | None = None
    sent_at: datetime | None = None
    engine_model: str | None = ""


class OrderFacts(NamedTuple):
    """`closes_at`: the end of its window. `engine_share`: of customers for whom the engine decided
    when it came in, 0 to 1. `klass`: class of the decline. `issuer`: the card's first digits."""

    order: str
    payer: str
    declined_at: datetime
    closes_at: datetime
    units: int
    asset: str
    country: str
    issuer: str
    klass: str
    engine_share: float


class Planned(NamedTuple):
    """Plan that a policy would have made when the payment was declined, and why."""

    verdict: str
    plan: tuple[datetime, ...]
    chance: float | None
    reasons: tuple[str, ...]


@dataclass(slots=True)
class JudgedOrder:
    """`planned`: None where nobody asked. `was`: whether it was rescued and with how many sends, of
    a payment whose decisions nobody stored."""

    facts: OrderFacts
    steps: list[Step] = field(default_factory=list)
    planned: Planned | None = None
    was: tuple[bool, int] | None = None

    @property
    def rescued(self) -> bool:
        return self.was[0] if self.was is not None else any(step.reward for step in self.steps)

    @property
    def sends(self) -> float:
        return self.was[1] if self.was is not None else sum(step.sends for step in self.steps)

    @property
    def days(self) -> float:
        """Days from the decline to the approval; 0 without one."""
        return sum(step.days * step.reward for step in self.steps)

    @property
    def episode(self) -> Episode:
        share = self.facts.engine_share
        return Episode(self.facts.payer, (share, 1.0 - share), tuple(self.steps))

"""Record of one arm in one world at one level: a row for each order, and the hash of all of it."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from recoup_lab.world.port import WorldAnswer, WorldCharge, WorldOrder


class Sent(NamedTuple):
    """A send, or the declined payment that came in. A charge that was not processed reached no
    network and is none."""

    card: str
    scheme: str
    at: datetime
    amount: int
    currency: str
    order: int
    state: str
    code: str | None
    advice: str | None
    ours: bool


@dataclass(frozen=True, slots=True)
class Played:
    """Record of a play. Of order i: `sends[i]` in all, `days[i]` from its decline to its approval
    or None, `excess[i]` sends beyond a network limit. `early`: sends before an advised wait was
    over. `signature`: of all sends and answers."""

    sends: Sequence[int]
    days: Sequence[float | None]
    excess: Sequence[int]
    early: int
    signature: str

    @property
    def mean_sends(self) -> float:
        return sum(self.sends) / len(self.sends)

    def mean_sends_of(self, places: Sequence[int]) -> float:
        return sum(self.sends[place] for place in places) / len(places)


def arrivals(orders: Sequence[WorldOrder]) -> Iterable[Sent]:
    """The declined payments, each of which counts as a send of its card."""
    for number, one in enumerate(orders):
        card = one.card
        yield Sent(
            card.number,
            card.scheme,
            one.declined_at,
            one.amount,
            one.currency,
            number,
            "declined",
            one.scheme_code,
            one.advice_code,
            False,
        )


def sent_of(charge: WorldCharge, order: int, answer: WorldAnswer) -> Sent:
    card = charge.card
    return Sent(
        card.number,
        card.scheme,
        charge.sent_at,
        charge.amount,
        charge.currency,
        order,
        answer.state or "unknown",
        answer.scheme_code,
        answer.advice_code,
        True,
    )


def signature(orders: Sequence[WorldOrder], sends: Iterable[Sent]) -> str:
    """Hash of the content alone: each order's sends and answers, oldest first."""
    by_order: dict[int, list[Sent]] = {}
    for send in sends:
        by_order.setdefault(send.order, []).append(send)
    found = hashlib.sha256()
    for number, order in enumerate(orders):
        found.update(f"{order.order_id}\n".encode())
        for one in by_order.get(number, ()):
            found.update(
                f"{one.at.isoformat()} {one.card} {one.state} {one.code} {one.advice}\n".encode()
            )
    return found.hexdigest()

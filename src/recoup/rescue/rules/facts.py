"""The engine's knowledge beside the order itself. JSON-able, without personal data."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from recoup.kernel.stored import Stored, plain

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LOOKS_MAX: Final = 24
MERCHANTS_MIN: Final = 5  # from so many on an issuer's answers are told over merchants


def hours_of(at: datetime) -> float:
    return (at - _EPOCH).total_seconds() / 3600.0


def instant_of(hours: float) -> datetime:
    return _EPOCH + timedelta(seconds=round(hours * 3600.0))


class Look(NamedTuple):
    """An attempt of a payer: when, its answer's class (`answer_classes.CLASSES`), and how many
    attempts of its order came before it (0: the payment itself)."""

    at: datetime
    answer: int
    tries: int


@dataclass(frozen=True, slots=True)
class Facts(Stored):
    """`first` is the payment that came in, `first_key` its code with its advice, `tries` what was
    sent since; `looks` are the payer's other attempts, oldest first, `LOOKS_MAX` at most. `issuer`:
    the card's first digits. `zone_known`: the offset is the card holder's own, not the country's.
    `sends_left` of `sends_max` in `sends_window` hours, `free_at`: of the window of the card's
    network that is nearest to full, which `open_orders` share. `explore`: the share of decisions
    that draw; `draw`: this one's number, from 0 up to 1. `zone`: the offset that the engine counts
    with, where that is not the evidence's. `issuer_answers`: how often the issuer gave each class
    of answer, to several merchants; empty where they are too few. `credit`: a credit card, whose
    room comes with its statements. `earlier`: attempts that the merchant made before the one that
    came in; `first` and `tries` are numbered from there."""

    first: Look
    first_key: str
    issuer: str
    zone_known: bool
    tries: tuple[Look, ...] = ()
    looks: tuple[Look, ...] = ()
    sends_left: int | None = None
    free_at: datetime | None = None
    open_orders: int = 1
    explore: float = 0.0
    draw: float = 0.0
    zone: int | None = None
    issuer_answers: tuple[int, ...] = ()
    credit: bool = False
    sends_max: int | None = None
    sends_window: int | None = None
    earlier: int = 0

    @property
    def next_number(self) -> int:
        """Number of attempts that come before the next."""
        return self.earlier + len(self.tries) + 1

    def features(self) -> dict[str, Any]:
        return {name: value for name, value in plain(self).items() if name != "earlier" or value}

"""Models learned from a world's history: once a world and process, since it takes seconds and is
the same again."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from recoup.engine.model import Model
from recoup.kit import zones
from recoup.rescue.rules.answer_classes import APPROVED, class_of, key_of
from recoup_lab.compare.readings import reading_of
from recoup_lab.compare.seam import Briefing
from recoup_lab.world.port import Hello, HistoryRow, WorldCard

if TYPE_CHECKING:
    from recoup.engine.learn.attempts import Attempts

_ISSUER_DIGITS: Final = 9

_World = tuple[Hello, int]
_kept: dict[Callable[..., Any], tuple[_World, Any]] = {}
Learned = TypeVar("Learned")


def learned(briefing: Briefing, learn: Callable[[Sequence[HistoryRow]], Learned]) -> Learned:
    """`learn` of its history. What was learned of the world before is forgotten."""
    world = briefing.hello, briefing.seed
    if learn not in _kept or _kept[learn][0] != world:
        _kept[learn] = world, learn(briefing.history)
    found: Learned = _kept[learn][1]
    return found


def issuer_of(card: WorldCard) -> str:
    return card.number[:_ISSUER_DIGITS]


def trained_on(
    history: Sequence[HistoryRow], made_from: str, issuer: Callable[[WorldCard], str]
) -> Model:
    """A model of the rescue engine."""
    from recoup.engine.learn.train import train

    return train(past_of(history, issuer), made_from)


def past_of(history: Sequence[HistoryRow], issuer: Callable[[WorldCard], str]) -> "Attempts":
    from recoup.engine.learn.attempts import Past, attempts_of

    rows = []
    for row in history:
        reading = None if row.approved else reading_of(row)
        rows.append(
            Past(
                row.customer_id,
                row.order_id,
                row.attempt,
                row.at,
                APPROVED if reading is None else class_of(reading),
                "00" if reading is None else key_of(reading),
                issuer(row.card),
                *zones.offset_minutes(row.utc_offset_minutes, row.country),
                row.card.funding == "credit",
            )
        )
    return attempts_of(rows)

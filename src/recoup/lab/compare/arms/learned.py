"""What an arm learns from a world's history: once a world and process, since it takes seconds and is the same again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from recoup.kernel.problem import Problem
from recoup.lab.compare.seam import Briefing
from recoup.lab.world.port import Hello, HistoryRow, WorldCard

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


@contextmanager
def needs_lab(arm: str) -> Iterator[None]:
    """Around imports that need numpy. Raises: Problem(invalid) where it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise Problem(
            "invalid",
            f"The arm `{arm}` needs {error.name}, which is not installed.",
            field="--arms",
            cure="Run `make setup`, or leave it out of --arms.",
        ) from None


def issuer_of(card: WorldCard) -> str:
    return card.number[:_ISSUER_DIGITS]

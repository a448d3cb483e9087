"""The level of a model's chances. A model of causes tells one instant from another; how many tries are approved in all
it may say too low or too high, and the tries that it learned from correct that. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import exp
from typing import Final

from recoup.rules.rescue.engine.facts import Facts

Cell = tuple[int, int]  # class of the first decline, and how many tries came before
Levels = Mapping[Cell, float]  # factors of odds

_WEIGHT: Final = 20.0  # tries as good as seen at the model's own level, in each cell
_REACH: Final = 4.0  # logits at most
_HALVINGS: Final = 40


def cell_of(facts: Facts) -> Cell:
    return facts.first.answer, len(facts.tries)


def at_level(chance: float, level: float) -> float:
    return chance * level / (1.0 - chance + chance * level)


def levels_of(tries: Iterable[tuple[Cell, float, bool]]) -> Levels:
    """Of each try its cell, the model's chance and whether it was approved. At its level a cell's chances add up to as
    many approvals as there were."""
    cells = defaultdict[Cell, list[tuple[float, bool]]](list)
    for cell, chance, approved in tries:
        cells[cell].append((chance, approved))
    return {cell: _level([one for one, _yes in seen], sum(yes for _one, yes in seen)) for cell, seen in cells.items()}


def _level(chances: list[float], approved: int) -> float:
    more = 1.0 + _WEIGHT / len(chances)
    wanted, low, high = approved + sum(chances) * (more - 1.0), -_REACH, _REACH
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        level = exp(middle)
        if sum(at_level(one, level) for one in chances) * more < wanted:
            low = middle
        else:
            high = middle
    return exp(low)

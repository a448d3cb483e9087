"""A model's chances are moved to the level of the tries that it learned from, cell by cell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.backtest.rules.model_word import at_level, levels_of, slope_of

CELL, OTHER = (2, 0), (1, 3)


def test_at_its_level_a_cell_expects_what_was_approved() -> None:
    tries = [(CELL, 0.05, number % 5 == 0) for number in range(10_000)]
    level = levels_of(tries)[CELL]
    assert at_level(0.05, level) == pytest.approx(0.2, abs=0.001)


def test_few_tries_move_a_level_little_and_no_other_cell() -> None:
    found = levels_of([(CELL, 0.1, True), (OTHER, 0.1, False)])
    assert 1.0 < found[CELL] < 1.6
    assert 0.9 < found[OTHER] < 1.0


@given(st.floats(0.0, 1.0), st.floats(0.001, 0.999), st.floats(0.02, 50.0))
def test_a_level_keeps_the_order_of_chances_and_their_range(
    low: float, high: float, level: float
) -> None:
    low, high = sorted((low, high))
    assert 0.0 <= at_level(low, level) <= at_level(high, level) + 1e-12 <= 1.0 + 1e-12


@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.booleans()), min_size=1, max_size=50))
def test_a_level_moves_towards_what_was_seen(tries: list[tuple[float, bool]]) -> None:
    level = levels_of((CELL, chance, approved) for chance, approved in tries)[CELL]
    surplus = sum(approved for _chance, approved in tries) - sum(
        chance for chance, _approved in tries
    )
    assert (level - 1.0) * surplus >= -1e-9


def test_chances_part_as_far_as_outcomes_do() -> None:
    """Half are thought of as likelier by a logit; where they come in alike, that was chance."""
    thought = [(-1.0, off, number % 4 == 0) for number in range(2_000) for off in (-0.5, 0.5)]
    assert slope_of(thought) < 0.05
    true = [
        (0.0, off, number % 100 < (38 if off < 0 else 62))
        for number in range(2_000)
        for off in (-0.5, 0.5)
    ]
    assert slope_of(true) > 0.95
    assert slope_of([]) == slope_of([(-1.0, 0.5, True)]) == 1.0

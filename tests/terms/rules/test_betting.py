"""An upper bound of a mean that assumes nothing but [0, 1], at every look."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recoup.terms.rules.advance_bounds import ALPHA, WHOLE, upper_bound

VALUES = st.lists(st.floats(0, 1), max_size=60)


@given(VALUES)
def test_it_is_above_nothing_and_at_most_the_whole(values: list[float]) -> None:
    assert 0 < upper_bound(values) <= WHOLE


@given(VALUES, st.integers(0, 59), st.floats(0, 1))
def test_a_greater_loss_never_lowers_it(values: list[float], place: int, more: float) -> None:
    if values:
        place %= len(values)
        worse = [*values[:place], max(values[place], more), *values[place + 1 :]]
        assert upper_bound(worse) >= upper_bound(values)


@given(VALUES, st.floats(0, 1))
def test_a_further_look_never_takes_back_what_was_shown(
    values: list[float], next_value: float
) -> None:
    assert upper_bound([*values, next_value]) <= upper_bound(values)


@given(VALUES)
@settings(max_examples=50)
def test_more_certainty_gives_a_looser_bound(values: list[float]) -> None:
    assert upper_bound(values, 0.01) >= upper_bound(values, ALPHA) >= upper_bound(values, 0.2)


def test_without_values_or_with_losses_alone_nothing_is_shown() -> None:
    assert upper_bound([]) == upper_bound([1.0] * 50) == WHOLE


@pytest.mark.parametrize(("weeks", "most"), [(4, 7000), (13, 2500), (52, 700), (104, 360)])
def test_weeks_without_a_loss_bring_it_down(weeks: int, most: int) -> None:
    """By no way faster than 0.05 ** (1 / weeks), below which even such weeks are likelier than one
    in twenty."""
    assert WHOLE * (1 - 0.05 ** (1 / weeks)) < upper_bound([0.0] * weeks) < most


@pytest.mark.parametrize("mean", [0.05, 0.3, 0.6])
def test_the_true_mean_is_ever_passed_in_at_most_one_world_of_twenty(mean: float) -> None:
    """At any of a hundred looks; values of nothing or all are the widest that a mean allows."""
    draw = random.Random(17)
    worlds = [[float(draw.random() < mean) for _ in range(100)] for _ in range(400)]
    wrong = sum(upper_bound(world) < mean * WHOLE for world in worlds)
    assert wrong <= 0.05 * len(worlds)

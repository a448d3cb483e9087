"""However much one owner has, the others are heard."""

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.engine.learn.attempts import Attempts
from recoup.engine.learn.held_out import (
    HeldOut,
    Scored,
    most_of_each,
    payers_within,
    scored,
    shared_out,
    try_out,
)
from recoup.rescue.rules.facts import Facts, Look

FACTS = Facts(Look(datetime(2026, 5, 1, tzinfo=UTC), 1, 0), "51", "", False)
sizes = st.lists(st.integers(0, 5_000), min_size=1, max_size=12)


def taken(counts: list[int], most: float) -> list[float]:
    return [min(float(one), most) for one in counts]


@given(counts=sizes, parts=st.integers(2, 4), least=st.integers(0, 9_000))
def test_nobody_has_more_than_its_part_unless_the_others_have_too_few(
    counts: list[int], parts: int, least: int
) -> None:
    found = taken(counts, most_of_each(counts, parts, least))
    if len([one for one in counts if one]) < 2:
        assert found == counts
    elif sum(found) > least + 1e-6:
        assert max(found) * parts <= sum(found) + 1e-6
    else:
        assert sum(found) >= min(least, sum(counts)) - 1e-6


@given(counts=sizes, parts=st.integers(2, 4), least=st.integers(0, 9_000))
def test_no_more_is_left_out_than_has_to_be(counts: list[int], parts: int, least: int) -> None:
    most = most_of_each(counts, parts, least)
    found, more = taken(counts, most), taken(counts, most + 1)
    if found != counts:
        assert sum(found) + 1e-6 >= least
        assert max(more) * parts > sum(more) - 1e-6


def test_figures_that_can_be_counted_by_hand() -> None:
    assert most_of_each([100, 100, 100, 100, 100], 4, 0) == 125
    assert most_of_each([1_000, 100, 100, 100, 100], 4, 0) == 400 / 3
    assert most_of_each([1_000, 100, 100, 100, 100], 4, 900) == 500
    assert most_of_each([95_000, 5_000], 2, 4_000) == 5_000
    assert most_of_each([95_000, 300], 2, 4_000) == 3_700


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=40),
    st.integers(0, 60),
)
def test_of_each_owner_as_many_customers_are_taken_as_fit(
    payers: list[tuple[int, int]], most: int
) -> None:
    owner, counts = (np.array(column) for column in zip(*payers, strict=True))
    within = payers_within(owner, counts, most)
    for one in set(owner.tolist()):
        sums, fits = 0, True
        for payer in np.flatnonzero(owner == one).tolist():
            if counts[payer] <= most:
                sums, fits = sums + counts[payer], sums + counts[payer] <= most
            assert within[payer] == (fits and counts[payer] <= most)


@each(
    ("chances", "verdict", "only_by", "but_for", "held"),
    [
        ((0.6, 0.6, 0.6), "better", None, None, 1_200),
        ((0.6, 0.6, 0.4), "better", None, None, 1_200),
        ((0.45, 0.9, 0.45), "not_better", 1, None, 800),  # neither the largest nor alone
        ((0.6, 0.1, 0.6), "not_better", None, 1, 1_200),  # who makes it worse is named, too
        ((0.4, 0.4, 0.4), "not_better", None, None, 1_200),
        ((0.5, 0.5, 0.5), "not_better", None, None, 1_200),
    ],
)
def test_the_owner_on_whom_a_verdict_hangs_is_found(
    chances: tuple[float, ...], verdict: str, only_by: int | None, but_for: int | None, held: int
) -> None:
    """Approved tries of three owners, to which plain rates give an even chance."""
    tries = [
        Scored(owner, 1_000 * owner + n // 2, FACTS, 0.0, 1, 1, True)
        for owner, count in enumerate((600, 400, 200))
        for n in range(count)
    ]
    found = try_out(0.0, tries, lambda one: chances[one.owner], "plain rates", lambda _: 0.5)
    assert (found.trial.verdict, found.trial.held_attempts) == (verdict, held)
    assert (found.only_by, found.but_for) == (only_by, but_for)


def test_whose_tries_the_others_are_too_few_to_judge_is_not_left_out() -> None:
    tries = [
        Scored(owner, 1_000 * owner + n, FACTS, 0.0, 1, 1, True)
        for owner, count in enumerate((600, 199))
        for n in range(count)
    ]
    found = try_out(0.0, tries, lambda one: (0.9, 0.4)[one.owner], "plain rates", lambda _: 0.5)
    assert (found.trial.verdict, found.only_by) == ("better", None)


def test_of_one_owner_at_most_half_is_judged() -> None:
    """A flood of one left the others too few of the scored tries to be asked."""
    payer = np.repeat(np.arange(30_000), 2)
    owner, tries = np.where(payer < 27_000, 0, 1), np.tile([0, 1], 30_000)
    zeros, order = np.zeros(len(payer), np.int64), payer
    data = Attempts(
        payer,
        order,
        tries * 24.0,
        tries,
        zeros,
        zeros,
        zeros,
        zeros,
        zeros,
        zeros,
        owner,
        ("00",),
        ("",),
    )
    found = list(scored(HeldOut(data, data, 0.0, np.flatnonzero(tries))))
    counts = np.bincount([one.owner for one in found])
    assert 3_900 <= len(found) <= 4_000
    assert abs(counts[0] - counts[1]) <= 2


def test_customers_stay_whole_and_the_same_are_left_each_time() -> None:
    payer = np.repeat(np.arange(60), 5)
    data = Attempts(*([payer] * 10), np.where(payer < 50, 0, payer - 49), (), ())
    left = shared_out(data, 4, 0)
    assert np.bincount(left.owner).tolist()[1:] == [5] * 10, "nothing of those who have little"
    assert np.bincount(left.owner)[0] == 15, "a quarter at most, in whole customers"
    assert set(np.bincount(left.payer).tolist()) == {5}
    assert (left.at == shared_out(data, 4, 0).at).all()
    assert shared_out(left, 4, 0) is left

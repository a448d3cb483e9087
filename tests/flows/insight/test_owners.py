"""However much one owner has, the others are heard."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recoup.flows.insight.learn.attempts import Attempts
from recoup.flows.insight.learn.owners import most_of_each, payers_within, shared_out

sizes = st.lists(st.integers(0, 5_000), min_size=1, max_size=12)


def taken(counts: list[int], most: float) -> list[float]:
    return [min(float(one), most) for one in counts]


@settings(max_examples=300, deadline=None)
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


@settings(max_examples=300, deadline=None)
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


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=40), st.integers(0, 60))
def test_of_each_owner_as_many_customers_are_taken_as_fit(payers: list[tuple[int, int]], most: int) -> None:
    owner, counts = (np.array(column) for column in zip(*payers, strict=True))
    within = payers_within(owner, counts, most)
    for one in set(owner.tolist()):
        sums, fits = 0, True
        for payer in np.flatnonzero(owner == one).tolist():
            if counts[payer] <= most:
                sums, fits = sums + counts[payer], sums + counts[payer] <= most
            assert within[payer] == (fits and counts[payer] <= most)


def test_customers_stay_whole_and_the_same_are_left_each_time() -> None:
    payer = np.repeat(np.arange(60), 5)
    data = Attempts(*([payer] * 10), np.where(payer < 50, 0, payer - 49), (), ())
    left = shared_out(data, 4, 0)
    assert np.bincount(left.owner).tolist()[1:] == [5] * 10, "nothing of those who have little"
    assert np.bincount(left.owner)[0] == 15, "a quarter at most, in whole customers"
    assert set(np.bincount(left.payer).tolist()) == {5}
    assert (left.at == shared_out(data, 4, 0).at).all()
    assert shared_out(left, 4, 0) is left

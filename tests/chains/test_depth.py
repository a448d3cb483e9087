"""When a block is deep enough: by a number or a tag, by the amount, as the endpoint that is behind
sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.chains.depth import (
    Heights,
    Progress,
    Required,
    Step,
    Tag,
    blocks_of,
    confirmations,
    is_deep,
    lower,
    progress,
    required,
    text_of,
)

STEPS = (Step(0, 10), Step(1_000_000_000, "safe"), Step(10_000_000_000, "finalized"))
USUAL: dict[Tag, int] = {"safe": 32, "finalized": 64}
numbers = st.integers(0, 200)
heights = st.builds(Heights, numbers, st.none() | numbers, st.none() | numbers)
wanteds: st.SearchStrategy[Required] = st.integers(1, 100) | st.sampled_from(["safe", "finalized"])


def test_larger_amounts_wait_longer() -> None:
    asked = [
        required(STEPS, units) for units in (0, 999_999_999, 1_000_000_000, 9_999_999_999, 10**15)
    ]
    assert asked == [10, 10, "safe", "safe", "finalized"]
    assert text_of(STEPS, "USDC") == "10; from 1000 safe; from 10000 finalized"
    assert [blocks_of(one, USUAL) for one in (10, "safe", "finalized")] == [10, 32, 64]


def test_the_block_itself_is_the_first_confirmation() -> None:
    told = [
        (confirmations(100, Heights(head)), progress(100, 10, Heights(head), USUAL))
        for head in (99, 100, 102, 109)
    ]
    assert told == [
        (0, Progress(0, 10)),
        (1, Progress(1, 10)),
        (3, Progress(3, 10)),
        (10, Progress(10, 10)),
    ]
    assert not is_deep(100, 10, Heights(108))
    assert is_deep(100, 10, Heights(109))


def test_a_tag_is_the_chains_own_word() -> None:
    assert is_deep(100, "safe", Heights(120, safe=100, finalized=90))
    assert not is_deep(100, "finalized", Heights(500, safe=100, finalized=99))
    assert not is_deep(100, "finalized", Heights(500)), (
        "a node that does not know the tag proves nothing"
    )
    assert not is_deep(100, "finalized", Heights(99, finalized=400)), (
        "a tag above the head is no tag"
    )
    assert progress(100, "finalized", Heights(500, finalized=99), USUAL) == Progress(63, 64)


def test_the_endpoint_that_is_behind_counts() -> None:
    assert lower([Heights(120, 110, 90), Heights(118, 112, 80)]) == Heights(118, 110, 80)
    assert lower([Heights(120, 110, 90), Heights(118)]) == Heights(118)
    with pytest.raises(ValueError, match="no endpoint"):
        lower([])


@given(numbers, wanteds, heights)
def test_people_see_all_confirmations_exactly_when_it_is_deep(
    block: int, wanted: Required, at: Heights
) -> None:
    told = progress(block, wanted, at, USUAL)
    assert 0 <= told.done <= told.of
    assert (told.done == told.of) == is_deep(block, wanted, at)


@given(numbers, wanteds, st.lists(heights, min_size=1, max_size=3))
def test_deep_is_what_is_deep_at_every_endpoint(
    block: int, wanted: Required, at: list[Heights]
) -> None:
    assert is_deep(block, wanted, lower(at)) == all(is_deep(block, wanted, one) for one in at)

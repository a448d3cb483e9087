"""The score of a declined payment: never outside 0 to 100, and every field that is told raises it
or leaves it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from recoup.rescue.rules.completeness import WISHES, remarks, score

NOW = datetime(2026, 3, 2, tzinfo=UTC)
KINDS = st.booleans()
FIELDS = st.sets(st.sampled_from([wish.field for wish in WISHES]))


def body_with(fields: set[str], value: Any = "x") -> dict[str, Any]:
    made: dict[str, Any] = {}
    for dotted in fields:
        *way, last = dotted.split(".")
        inner = made
        for name in way:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return made


@given(KINDS, FIELDS, st.sampled_from([wish.field for wish in WISHES]))
def test_telling_more_never_costs(is_mit: bool, fields: set[str], more: str) -> None:
    before, after = score(body_with(fields), is_mit), score(body_with(fields | {more}), is_mit)
    assert 0 <= before.points <= after.points <= 100
    assert more not in {wish.field for wish in after.missing}


@given(KINDS)
def test_nothing_is_0_and_everything_100(is_mit: bool) -> None:
    assert score({}, is_mit).points == 0
    whole = score(body_with({wish.field for wish in WISHES}), is_mit)
    assert (whole.points, whole.missing) == (100, ())


@given(KINDS, FIELDS, FIELDS)
def test_what_earlier_payments_left_need_not_be_sent(
    is_mit: bool, fields: set[str], kept: set[str]
) -> None:
    found = score(body_with(fields), is_mit, kept=frozenset(kept))
    assert found == score(body_with(fields | kept), is_mit)


@given(KINDS, FIELDS, st.sampled_from(["", None, "NA", [], {}]))
def test_a_value_that_says_nothing_is_left_out(is_mit: bool, fields: set[str], empty: Any) -> None:
    assert score(body_with(fields, empty), is_mit).points == 0


JUNK = st.recursive(
    st.none() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
)


@given(JUNK, KINDS)
def test_any_shape_is_taken(junk: Any, is_mit: bool) -> None:
    body = {"transaction": junk, "payer": junk, "orderItems": junk}
    assert 0 <= score(body, is_mit).points <= 100


def test_either_name_counts_and_the_most_useful_comes_first() -> None:
    assert "siteUrl" not in {wish.field for wish in score({"siteId": "x"}, False).missing}
    points = [wish.points for wish in score({}, True).missing]
    assert points == sorted(points, reverse=True)


def test_late_declines_and_near_expiries_are_remarked_on() -> None:
    assert not remarks(True, NOW, NOW + timedelta(days=21), NOW)
    assert len(remarks(True, NOW - timedelta(days=2), NOW + timedelta(days=3), NOW)) == 2
    assert not remarks(False, None, NOW + timedelta(days=3), NOW)

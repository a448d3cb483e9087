"""Fees: the most specific term that is valid wins, and refunds in pieces give back what one of the
whole would."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.terms.rules.fees import (
    REFUND_POLICIES,
    FeeTerm,
    Tariff,
    check_term,
    choose,
    fee_units,
    returned_units,
)

T0 = datetime(2026, 3, 1, tzinfo=UTC)
SITE, OTHER = new_id(), new_id()


def term(points: int, days: int = 0, **scope: Any) -> FeeTerm:
    return FeeTerm(new_id(), T0 + timedelta(days=days), Tariff(points), **scope)


def chosen(
    terms: list[FeeTerm], days: int = 1, site: UUID = SITE, kind: str = "MIT", currency: str = "USD"
) -> int:
    at = T0 + timedelta(days=days)
    return choose(terms, site_id=site, order_type=kind, currency=currency, at=at).basis_points


def test_the_most_specific_term_wins() -> None:
    terms = [
        term(1),
        term(2, currency="USD"),
        term(3, order_type="MIT"),
        term(4, order_type="MIT", currency="USD"),
        term(5, site_id=SITE),
        term(6, site_id=SITE, currency="EUR"),
    ]
    assert chosen(terms) == 5
    assert chosen(terms, currency="EUR") == 6
    assert chosen(terms, site=OTHER) == 4
    assert chosen(terms, site=OTHER, currency="EUR") == 3
    assert chosen(terms, site=OTHER, kind="CIT") == 2
    assert chosen(terms, site=OTHER, kind="CIT", currency="JPY") == 1
    assert chosen([]) == 0


def test_terms_are_dated() -> None:
    terms = [term(1, 0), term(2, 10), term(9, 5, site_id=SITE), term(0, 20, site_id=SITE)]
    assert [chosen(terms, day) for day in (-1, 0, 4, 5, 19, 20)] == [0, 1, 1, 9, 9, 0]
    ended = [*terms, FeeTerm(new_id(), T0 + timedelta(days=30), Tariff(), site_id=SITE, ended=True)]
    assert chosen(ended, 29) == 0
    assert chosen(ended, 30) == 2


@given(
    st.lists(
        st.tuples(
            st.integers(-30, 30),
            st.sampled_from([None, SITE, OTHER]),
            st.sampled_from([None, "MIT", "CIT"]),
            st.sampled_from([None, "USD", "JPY"]),
        ),
        max_size=12,
    )
)
def test_a_term_that_begins_later_changes_nothing_before(
    drawn: list[tuple[int, Any, Any, Any]],
) -> None:
    terms = [
        term(n + 1, d, site_id=s, order_type=o, currency=c) for n, (d, s, o, c) in enumerate(drawn)
    ]
    past = [t for t in terms if t.valid_from <= T0]
    assert chosen(terms, 0) == chosen(past, 0)
    assert chosen(terms, 0) == chosen(list(reversed(terms)), 0)


@given(
    units=st.integers(1, 10**12),
    points=st.integers(0, 10_000),
    fixed=st.integers(0, 10**6),
    data=st.data(),
)
def test_many_refunds_give_back_what_one_would(
    units: int, points: int, fixed: int, data: st.DataObject
) -> None:
    fee = fee_units(units, Tariff(points, fixed))
    for policy in REFUND_POLICIES:
        refunded = back = 0
        while refunded < units:
            piece = (
                data.draw(st.integers(1, units - refunded))
                if data.draw(st.integers(0, 6))
                else units - refunded
            )
            given_back = returned_units(fee, policy, refunded + piece, units) - returned_units(
                fee, policy, refunded, units
            )
            assert 0 <= given_back <= fee
            refunded, back = refunded + piece, back + given_back
            assert back == returned_units(fee, policy, refunded, units)
        assert back == (0 if policy == "keep" else fee)


@each(
    ("wrong", "field", "word"),
    [
        ({"valid_from": T0 - timedelta(seconds=1)}, "from", "past"),
        ({"currency": "ZZZ"}, "currency", "currency"),
        ({"order_type": "X"}, "type", "type"),
        ({"tariff": Tariff(10_001)}, "percent", "100"),
        ({"tariff": Tariff(0, 30)}, "currency", "amount"),
        ({"tariff": Tariff(0, 0, 30)}, "currency", "amount"),
        ({"tariff": Tariff(0, -1), "currency": "USD"}, "fixed", "zero"),
        ({"tariff": Tariff(0, refund="sometimes")}, "refund", "policy"),
    ],
)
def test_a_term_that_cannot_be_is_refused_with_the_reason(
    wrong: dict[str, Any], field: str, word: str
) -> None:
    usual: dict[str, Any] = {"term_id": new_id(), "valid_from": T0, "tariff": Tariff(290)}
    check_term(FeeTerm(**usual), T0)
    with pytest.raises(Problem) as told:
        check_term(FeeTerm(**(usual | wrong)), T0)
    assert (told.value.code, told.value.field) == ("invalid", field)
    assert word in told.value.message

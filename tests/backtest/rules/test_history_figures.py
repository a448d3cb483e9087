"""Of payments without probabilities: each group's bounds hold whatever the unseen tries would have
brought."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.backtest.rules.groups import GROUPS_MAX, OTHERS, bands, grouped
from recoup.backtest.rules.history import (
    PERSON_MAX,
    SAME_SLOT,
    UNKNOWN_MAX,
    WINDOW,
    Outcome,
    Payment,
    bounds,
    cohort_of,
    lacking,
    of_persons,
    outcome_of,
    payer_of,
    rescued_at,
    then,
    tries_of,
)
from recoup.backtest.rules.history_figures import EXPECTED_MIN, Case, by_group, figures_of, money_of
from recoup.imports.rules.attempt import ANSWERED, Attempt

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES: Any = {"class": "funds", "issuer": "411111", "country": "US", "amount": "USD/0/0"}


def attempt(days: float, state: Any = "declined", *, failed_later: bool = False) -> Attempt:
    return Attempt(
        row=1,
        line=1,
        provider="x",
        ref=f"r{days}",
        payment="p",
        guessed=False,
        customer="c",
        card="k",
        subscription="",
        token="",
        method=None,
        acceptor="",
        by_customer=False,
        bin="411111",
        last4="1111",
        scheme="visa",
        funding="debit",
        country="US",
        at=BEGIN + timedelta(days=days),
        units=1000,
        asset="USD",
        state=state,
        stage=ANSWERED,
        failed_later=failed_later,
        source="visa",
        scheme_code="51",
        advice_code="",
        processor_code="",
        text="",
        attempt_no=None,
        attempt_count=None,
        utc_offset=None,
        propensity=None,
        modified_at=None,
    )


def plan(*days: float) -> list[datetime]:
    return [BEGIN + timedelta(days=one) for one in days]


@each(
    ("tries", "planned", "expected"),
    [
        ([], (), Outcome(0, 0, 0, 0)),
        ([attempt(2)], (2,), Outcome(0, 0, 1, 1)),
        ([attempt(2), attempt(4, "approved")], (2, 4, 9), Outcome(1, 1, 2, 2, 4, 4)),
        ([attempt(2), attempt(4, "approved")], (2.2, 3, 9), Outcome(0, 1, 2, 3, 3, 9)),
        ([attempt(2, "unknown")], (2, 5), Outcome(0, 1, 1, 2, 2, 5)),
        ([attempt(2, "approved", failed_later=True)], (2, 5), Outcome(0, 1, 1, 1, 2, 2)),
        ([], (1, 5), Outcome(0, 1, 1, 2, 1, 5)),
    ],
)
def test_what_is_known_of_one_payment(
    tries: list[Attempt], planned: tuple[float, ...], expected: Outcome
) -> None:
    assert outcome_of([attempt(0), *tries], plan(*planned), WINDOW) == expected


@given(
    st.lists(
        st.tuples(st.sampled_from([1, 3, 5, 8, 13]), st.booleans()), unique_by=lambda one: one[0]
    ),
    st.lists(st.sampled_from([1, 3, 5, 8, 13, 20]), unique=True),
    st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_the_truth_lies_within_the_bounds(
    made: list[tuple[int, bool]], planned: list[int], unseen: list[bool]
) -> None:
    """Whatever a try would have brought at an instant, the ones that were made among them."""
    payment = [attempt(0)]
    for day, approved in sorted(made):
        payment.append(attempt(day, "approved" if approved else "declined"))
        if approved:
            break
    would = dict(zip((1, 3, 5, 8, 13, 20), unseen, strict=True))
    would |= {
        round((one.at - BEGIN) / timedelta(days=1)): one.state == "approved" for one in payment[1:]
    }
    days = sorted(planned)
    found = outcome_of(payment, plan(*days), WINDOW)
    first = next((place for place, day in enumerate(days) if would[day]), None)
    assert found.least <= (first is not None) <= found.most
    sends = len(days) if first is None else first + 1
    assert found.sends_least <= sends <= found.sends_most
    if first is not None:
        assert found.earliest <= days[first] <= found.latest


def case(
    sends: int, days: float | None, outcome: Outcome | None, asset: str = "USD", **more: Any
) -> Case:
    return Case(NAMES, asset, more.pop("units", 1_000), sends, days, outcome, **more)


def test_fees_and_days_of_a_group() -> None:
    cases = [
        case(4, 9.0, Outcome(0, 1, 1, 3, 2.0, 6.0)),
        case(2, None, Outcome(0, 0, 2, 2)),
        case(3, None, Outcome(0, 0, 5, 5), "EUR"),
    ]
    found = figures_of("all", cases, 10)
    assert (found.orders, found.rescued_then, found.sends_then, found.days_then) == (3, 1, 3.0, 9.0)
    assert found.rescued == (0.0, pytest.approx(1 / 3))
    assert found.sends == (pytest.approx(8 / 3), pytest.approx(10 / 3))
    assert found.days_earlier == (3.0, 7.0)
    assert found.fees_avoided == (("EUR", -20.0, -20.0), ("USD", 10.0, 30.0))
    assert found.models is None
    assert bounds([one.outcome for one in cases if one.outcome]) == (0.0, pytest.approx(1 / 3), 2)


def test_of_a_sample_the_fees_are_those_of_all() -> None:
    cases = [case(3, None, Outcome(0, 0, 1, 1)), case(3, None, None)]
    assert figures_of("all", cases, 10).fees_avoided == (("USD", 40.0, 40.0),)
    assert figures_of("all", [case(3, None, None)], 10).fees_avoided == ()


def test_models_say_nothing_of_few() -> None:
    few = [case(1, None, Outcome(0, 1, 1, 1), expected=[0.2, 0.4])] * (EXPECTED_MIN - 1)
    assert figures_of("all", few, 10).models is None
    assert figures_of("all", [*few, few[0]], 10).models == (pytest.approx(0.2), pytest.approx(0.4))


def test_money_is_by_currency_and_of_all_payments() -> None:
    cases = [
        case(1, 3.0, Outcome(0, 1, 1, 1), units=3_000),
        case(1, None, Outcome(1, 1, 1, 1), units=1_000),
        case(1, None, None, units=4_000),
        case(1, None, Outcome(0, 1, 1, 1), "EUR", units=500),
    ]
    dollars, euros = money_of(cases, None)
    assert dollars == ("USD", 3, 8_000, 3_000, (2_000, 8_000), None), (
        "what was not planned is as what was"
    )
    assert euros == ("EUR", 1, 500, 0, (0, 500), None)
    narrowed = money_of(cases, [(1, 1), (1, 1), (0, 0)])
    assert [one.proved for one in narrowed] == [(8_000, 8_000), (0, 0)]
    many = [
        case(1, None, None, units=units, expected=[0.5, chance])
        for units, chance in ((100, 1.0), (300, 0.0))
    ]
    assert money_of(many * EXPECTED_MIN, None)[0].models == (100 * EXPECTED_MIN, 200 * EXPECTED_MIN)


@given(st.lists(st.sampled_from("abcdefghijkl")))
def test_groups_are_the_largest_and_the_rest(names: list[str]) -> None:
    found = list(grouped(names))
    assert sum(sum(part) for _, part in found) == len(names), "each is in one"
    sizes = [sum(part) for name, part in found if name != OTHERS]
    assert sizes == sorted(sizes, reverse=True)
    assert len(found) <= GROUPS_MAX + 1


def test_bands_are_of_each_currency() -> None:
    amounts = [("USD", one) for one in range(100, 500)] + [("EUR", 7)]
    found = bands(amounts)
    assert {one for one in found if one.startswith("EUR")} == {"EUR/0/7"}
    assert len({one for one in found if one.startswith("USD")}) == 4
    by_amount = by_group([case(0, None, None)] * 3, 10)["amount"]
    assert [(one.name, one.orders) for one in by_amount] == [("USD/0/0", 3)]


def test_a_try_within_the_slot_is_the_same() -> None:
    payment = [attempt(0), attempt(2, "approved")]
    just, over = (
        SAME_SLOT / timedelta(days=1),
        (SAME_SLOT + timedelta(minutes=1)) / timedelta(days=1),
    )
    assert outcome_of(payment, plan(2 + just), WINDOW).least == 1
    assert outcome_of(payment, plan(2 + over), WINDOW).least == 0
    assert rescued_at(payment, WINDOW) == payment[1].at
    assert tries_of(payment, WINDOW) == [payment[1]]


def with_unknown(unknown: int, count: int = 1_000) -> list[Payment]:
    """Half of those that are known were rescued."""
    stories = [[attempt(0), attempt(3, "unknown"), attempt(5)]] * unknown
    stories += [
        [attempt(0), attempt(3, "approved")],
        [attempt(0), attempt(3, "unknown"), attempt(5, "approved")],
    ]
    stories += [[attempt(0), attempt(3)]] * 2
    stories += stories[-4:] * ((count - unknown) // 4 - 1)
    stories += [[attempt(0)], [attempt(100)]]
    return [
        [
            one._replace(
                payment=f"p{row}", customer=f"c{row}", at=one.at + timedelta(hours=row / 2)
            )
            for one in story
        ]
        for row, story in enumerate(stories, start=31 * 48)
    ]


def test_what_nobody_knows_is_no_failure() -> None:
    """A file said that retries recovered half of what they did:
    of many the outcome was not in it."""
    first = [attempt(-31)._replace(payment="first")]
    cohort = cohort_of([first, *with_unknown(40)])
    assert (len(cohort.payments), len(cohort.unknown)) == (961, 40)
    assert lacking(cohort) == []
    found = then(cohort)
    low, high = found.interval
    assert found.value == pytest.approx(0.5, abs=0.001)
    assert low < 480 / 1_001 < 520 / 1_001 < high, "whatever became of them"
    many = lacking(cohort_of([first, *with_unknown(400)]))
    assert [(one.what, one.needed) for one in many] == [("unknown", UNKNOWN_MAX)]
    assert many[0].have == pytest.approx(0.4, abs=0.001)


def test_a_name_that_is_no_persons_stands_for_none() -> None:
    """Of guests nobody knows who paid what: each payment is alone."""
    guests = [
        [attempt(0)._replace(payment=f"p{number}", customer="guest")]
        for number in range(PERSON_MAX + 1)
    ]
    ann = [
        [attempt(0)._replace(payment=f"a{number}", customer="ann", card="k2")]
        for number in range(PERSON_MAX)
    ]
    found = of_persons([*guests, *ann])
    assert len({payer_of(one) for one in found[: len(guests)]}) == len(guests)
    assert {payer_of(one) for one in found[len(guests) :]} == {"ann"}
    assert of_persons(ann) is ann

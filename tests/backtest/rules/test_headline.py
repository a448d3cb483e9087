"""The first words of a back-test: money a month, a range that holds, one thing to do."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.backtest.cli.backtest_words import in_short
from recoup.backtest.rules.headline import (
    LEAVE,
    RECOUP,
    SWITCH_ON,
    Headline,
    headline,
    is_of_itself,
    shares_of,
)

HISTORY: dict[str, Any] = {
    "basis": "history",
    "policy": "engine-policy-1 with model-1",
    "orders": 1_000,
    "attempts": 4_000,
    "sampledOf": None,
    "spanDays": 60.0,
    "then": {"value": 0.4},
    "bounds": {"atLeast": 0.02, "atMost": 0.8},
    "assuming": [],
    "rangeOfModels": {"lowest": 0.42, "highest": 0.46},
    "calibration": {"error": 0.01, "plusMinus": 0.01},
    "money": [
        {
            "currency": "USD",
            "orders": 1_000,
            "declined": 10_000_000,
            "rescuedThen": 4_000_000,
            "atLeast": 200_000,
            "atMost": 8_000_000,
            "lowest": 4_200_000,
            "highest": 4_600_000,
        }
    ],
}
OWN: dict[str, Any] = {
    "basis": "propensities",
    "policy": "retry-2",
    "orders": 1_000,
    "sampledOf": None,
    "spanDays": 30.0,
    "then": {"value": 0.4},
    "rescued": {"value": 0.45, "low": 0.42, "high": 0.48},
    "overlap": {"followed": 0.3},
    "money": [
        {
            "currency": "USD",
            "orders": 1_000,
            "declined": 10_000_000,
            "rescuedThen": 4_000_000,
            "netThen": 3_900_000,
            "net": 4_300_000,
            "netDifference": {"low": -100_000, "high": 900_000},
        }
    ],
}


def of(report: dict[str, Any], **changes: Any) -> Headline:
    found = headline(report | changes)
    assert found is not None
    return found


def test_it_says_money_a_month_a_range_and_one_thing_to_do() -> None:
    found = of(HISTORY)
    assert found.money == (
        "Of 50,000 USD declined a month, 20,000 USD come back today; with Recoup, about 22,000 USD "
        "would come back "
        "(from 18,709 to 25,291)."
    )
    assert (
        found.payments
        == "Of 1,000 declined payments in 60 days, 40.0 % came back; with Recoup, 37.4 to 50.6 % "
        "would."
    )
    assert (
        "run a comparison group for 52 weeks, half of your customers with Recoup and half as now;"
        in found.advice
    )
    assert "with this policy" in of(HISTORY, policy="retry-2").payments


def test_without_models_it_says_what_the_file_proves() -> None:
    found = of(HISTORY, rangeOfModels=None)
    assert (
        "with Recoup, between 1,000 and 40,000 USD would come back: the file alone" in found.money
    )
    assert "comparison group for 8 weeks" in found.advice
    assert (
        "comparison group for 52 weeks"
        in of(HISTORY, rangeOfModels=None, orders=60, attempts=240).advice
    )
    narrowed = [
        {"assumed": ["payer"], "atLeast": 0.3, "atMost": 0.5, "known": 1, "contradicted": 0}
    ]
    assert shares_of(HISTORY | {"rangeOfModels": None, "assuming": narrowed}) == (0.3, 0.5, None)
    against = [narrowed[0] | {"atLeast": None, "atMost": None}]
    lasting = [narrowed[0] | {"assumed": ["lasting"]}]
    for assuming in (against, lasting):
        assert shares_of(HISTORY | {"rangeOfModels": None, "assuming": assuming}) == (
            0.02,
            0.8,
            None,
        )


@pytest.mark.parametrize(
    ("low", "high", "money", "advice"),
    [
        (0.42, 0.48, (-100_000, 900_000), SWITCH_ON),  # a few large payments decide the money
        (0.38, 0.48, (100_000, 900_000), SWITCH_ON),
        (0.42, 0.48, (-900_000, -100_000), None),
        (0.38, 0.48, (-100_000, 900_000), None),
        (0.3, 0.38, (-900_000, 100_000), LEAVE),
        (0.3, 0.38, (-900_000, -1), LEAVE),
        (0.3, 0.38, (1, 900_000), None),
    ],
)
def test_payments_and_money_must_not_deny_each_other(
    low: float, high: float, money: tuple[int, int], advice: str | None
) -> None:
    first = OWN["money"][0] | {"netDifference": dict(zip(("low", "high"), money, strict=True))}
    found = of(OWN, rescued={"value": 0.45, "low": low, "high": high}, money=[first])
    assert found.advice == advice or advice is None and "comparison group for" in found.advice


def test_a_difference_that_no_year_would_show_is_said() -> None:
    even = {"value": 0.401, "low": 0.38, "high": 0.42}
    assert "Even a year of comparison could not show" in of(OWN, rescued=even, orders=100).advice
    assert "for 2 weeks" in of(OWN, rescued=even | {"value": 0.45}, orders=100_000).advice


def test_the_engine_against_itself_is_said() -> None:
    mostly = OWN | {"policy": f"engine-policy-1 {RECOUP}", "overlap": {"followed": 0.7}}
    assert is_of_itself(mostly)
    assert "compares it with itself" in of(mostly).advice
    assert not is_of_itself(OWN | {"overlap": {"followed": 0.7}})
    assert not is_of_itself(HISTORY)


def test_a_sample_counts_as_all_of_it() -> None:
    assert of(HISTORY, sampledOf=8_000).money.startswith(
        "Of 100,000 USD declined a month, 40,000 USD"
    )
    assert of(OWN, sampledOf=2_000).money.startswith("Of 200,000 USD")


def test_models_that_the_file_disproves_are_not_believed() -> None:
    """It said "about 8,500, between 12,000 and 10,364: switch it on"."""
    against = HISTORY | {"bounds": {"atLeast": 0.6, "atMost": 0.7}}
    assert shares_of(against) == (0.6, 0.7, None)
    found = shares_of(HISTORY | {"bounds": {"atLeast": 0.45, "atMost": 0.8}})
    assert found.low == found.best == 0.45
    first = HISTORY["money"][0]
    of(HISTORY, money=[first | {"lowest": None, "highest": None}])
    assert headline(HISTORY | {"money": [first | {"atLeast": None, "atMost": None}]}) is None


def test_a_day_is_no_month() -> None:
    assert of(HISTORY, spanDays=0.3).money.startswith("Of 100,000 USD declined a month, 40,000 USD")


def test_a_loss_has_its_sign() -> None:
    first = OWN["money"][0] | {"netThen": -50, "netDifference": {"low": -2_000_000, "high": -10}}
    assert "\N{MINUS SIGN}0.50 USD come back" in of(OWN, money=[first]).money
    assert "(from \N{MINUS SIGN}20,000 to" in of(OWN, money=[first]).money


def test_currencies_have_their_own_decimals() -> None:
    for asset, text in (
        ("JPY", "Of 5,000,000 JPY"),
        ("KWD", "Of 5,000 KWD"),
        ("USD", "Of 50,000 USD"),
    ):
        first = HISTORY["money"][0] | {"currency": asset}
        assert of(HISTORY, money=[first]).money.startswith(text)
    small = {
        name: one // 1_000 if isinstance(one, int) else one
        for name, one in HISTORY["money"][0].items()
    }
    assert of(HISTORY, money=[small]).money.startswith("Of 50.00 USD declined a month, 20.00 USD")


def test_of_an_earlier_release_or_of_too_little_nothing_is_said() -> None:
    assert headline(HISTORY | {"spanDays": None}) is None
    assert headline(OWN | {"money": []}) is None
    assert headline({"basis": "history", "then": None, "money": []}) is None
    unplanned = HISTORY["money"][0] | {
        "atLeast": None,
        "atMost": None,
        "lowest": None,
        "highest": None,
    }
    assert headline(HISTORY | {"bounds": None, "rangeOfModels": None, "money": [unplanned]}) is None


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.03), st.integers(1, 10**6))
def test_the_range_holds_what_models_expect_and_stays_within_what_is_proved(
    one: float, other: float, error: float, orders: int
) -> None:
    low, high = sorted((one, other))
    models, off = {"lowest": low, "highest": high}, {"error": error, "plusMinus": 0.01}
    found = shares_of(HISTORY | {"rangeOfModels": models, "calibration": off, "orders": orders})
    assert 0.02 <= found.low <= max(0.02, low)
    assert min(0.8, high) <= found.high <= 0.8


def test_the_command_says_these_sentences_and_nothing_else() -> None:
    found = of(HISTORY)
    assert [line.strip() for line in in_short(HISTORY)] == [
        f"in short    {found.money}",
        found.payments,
        found.advice,
    ]

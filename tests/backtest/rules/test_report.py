"""Fees that a policy avoids, and how much earlier the money comes: in all and by group."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from recoup.backtest.rules.episode import Features, Step
from recoup.backtest.rules.recorded import JudgedOrder, OrderFacts
from recoup.backtest.rules.report import judge

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
ANY = Features((0,), 0.5)
COST = 12


def order(number: int, draw: random.Random) -> JudgedOrder:
    """Two tries, of which the policy that is asked about makes the first one only: on day 2; the
    second is on day 9."""
    klass = "funds" if number % 2 else "soft"
    asset = "EUR" if number % 4 == 0 else "USD"
    facts = OrderFacts(
        f"o{number}",
        f"p{number}",
        BEGIN + timedelta(hours=number),
        BEGIN + timedelta(days=40),
        1000 + number % 7,
        asset,
        "US",
        "411111",
        klass,
        0.9,
    )
    first = draw.random() < 0.4
    found = JudgedOrder(
        facts, [Step(ANY, ANY, True, (0.9, 0.1), (0.9, 0.1), float(first), 1.0, 2.0 * first)]
    )
    if not first:
        second = draw.random() < 0.3
        found.steps.append(
            Step(ANY, None, False, (0.9, 0.1), (0.9, 0.1), float(second), 1.0, 9.0 * second)
        )
    return found


def test_fees_are_those_of_the_sends_that_are_not_made_and_add_up() -> None:
    draw = random.Random(7)
    orders = [order(number, draw) for number in range(2_000)]
    found = judge("less", orders, COST)
    whole = found.whole
    assert whole.sends is not None
    assert whole.sends == pytest.approx(1.0, abs=0.02)
    second = sum(len(one.steps) == 2 for one in orders)
    fees = dict(whole.fees_avoided)
    assert sum(fees.values()) == pytest.approx(COST * second, rel=0.05)
    assert fees == pytest.approx({one.asset: one.fees_avoided for one in found.money})
    rows = found.groups["class"]
    assert {name for name, figures in rows if figures.rescued is not None} == {"funds", "soft"}, (
        "each has figures"
    )
    for asset, units in fees.items():
        assert sum(dict(one.fees_avoided).get(asset, 0.0) for _, one in rows) == pytest.approx(
            units, abs=1e-6
        )


def test_money_comes_earlier_by_what_the_late_tries_took() -> None:
    draw = random.Random(7)
    found = judge("less", [order(number, draw) for number in range(2_000)], COST).whole
    assert found.days == pytest.approx(2.0, abs=0.05)
    assert found.days_then is not None
    assert found.days_earlier == pytest.approx(found.days_then - 2.0, abs=0.05)
    assert found.days_earlier > 1


def test_without_figures_there_are_no_fees_and_no_days() -> None:
    draw = random.Random(7)
    few = judge("less", [order(number, draw) for number in range(20)], COST).whole
    assert (few.rescued, few.fees_avoided, few.days_earlier) == (None, (), None)

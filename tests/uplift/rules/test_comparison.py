"""Figures of two arms that hold at every look."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.uplift_worlds import World, one_look, played

from recoup.uplift.rules.comparison import (
    Comparison,
    Outcome,
    Uplift,
    half_width,
    mixture,
    orders_needed,
    orders_planned,
    quarter_alpha,
)
from recoup.uplift.rules.strata import ArmTotals

ORDERS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.floats(-100, 100), st.floats(0.01, 100)),
    min_size=1,
    max_size=40,
)


@given(ORDERS)
def test_sums_kept_order_by_order_are_those_of_all_orders_at_once(
    orders: list[tuple[str, float, float]],
) -> None:
    totals = ArmTotals()
    for payer, value, weight in orders:
        totals.add(payer, value, weight)
    whole = sum(weight for _, _, weight in orders)
    mean = sum(value for _, value, _ in orders) / whole
    apart: dict[str, float] = {}
    for payer, value, weight in orders:
        apart[payer] = apart.get(payer, 0.0) + value - mean * weight
    assert totals.mean() == pytest.approx(mean, abs=1e-9)
    wanted = sum(one**2 for one in apart.values()) / whole**2
    assert totals.variance() == pytest.approx(wanted, rel=1e-5, abs=1e-5 / whole)
    assert set(totals.payers) == set(apart)


def test_an_arm_without_orders_has_no_mean() -> None:
    assert math.isnan(ArmTotals().mean())
    assert math.isnan(ArmTotals().variance())


def test_the_interval_is_narrowest_where_it_was_meant_to_be() -> None:
    rho = mixture(5_000)
    assert half_width(1.0, 5_000, rho) == pytest.approx(3.04, abs=0.01), (
        "a single look at 95 % has 1.96"
    )
    assert min(
        range(500, 50_000, 100), key=lambda n: half_width(1 / n, n, rho) * math.sqrt(n)
    ) in range(4_000, 6_100)
    assert half_width(1.0, 0, rho) == math.inf
    assert sum(quarter_alpha(k) for k in range(10_000)) == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize("width", [0.05, 0.03, 0.001])
def test_so_many_orders_are_missing_and_not_one_less(width: float) -> None:
    rho = mixture(5_000)
    needed = orders_needed(0.25 / 900, 900, rho, width)
    assert (
        half_width(0.25 / needed, needed, rho)
        <= width
        < half_width(0.25 / (needed - 1), needed - 1, rho)
    )


@pytest.mark.prove("engine")
def test_without_uplift_hardly_any_world_is_wrong_at_any_look() -> None:
    """3 % of many; of sixty more than nine would be one chance in a thousand."""
    for world in (World(4_000, 80), World(4_000, 80, returning=4)):
        wrong = sum(
            any(look.low > 0 or look.high < 0 for look in played(world, seed)) for seed in range(60)
        )
        assert wrong <= 9


def test_an_uplift_is_found_and_the_foreseen_chance_helps() -> None:
    world = World(8_000, 80, holdout=0.3, uplift=0.06)
    found = sum(any(look.low > 0 for look in played(world, seed)) for seed in range(20))
    assert found >= 17
    known, unknown = (
        played(World(8_000, 80, 0.3, 0.06, 1, foreseen), 1)[-1] for foreseen in (True, False)
    )
    assert known.high - known.low < unknown.high - unknown.low
    assert one_look(known)[0] > known.low
    assert one_look(known)[1] < known.high


def _filled(engine: int, holdout: int, share: int = 10, rescued: bool = True) -> Comparison:
    comparison = Comparison(10_000)
    _fill(comparison, engine, holdout, share, rescued)
    return comparison


def _fill(
    comparison: Comparison | Uplift,
    engine: int,
    holdout: int,
    share: int = 10,
    rescued: bool = True,
) -> None:
    for who in range(engine):
        comparison.add(
            Outcome(
                f"e{share}-{rescued}-{who}", "engine", who % 2 == 0 and rescued, stratum=(share,)
            )
        )
    for who in range(holdout):
        comparison.add(
            Outcome(f"h{share}-{rescued}-{who}", "holdout", who % 2 == 0, stratum=(share,))
        )


def test_nothing_is_said_of_too_few_payers() -> None:
    few = _filled(5_000, 199)
    assert few.look() is None
    assert few.orders_missing() == orders_planned(199 / 5_199, 0.03) - 5_199, (
        "as many as half rescued would need"
    )
    few.add(Outcome("one more", "holdout", False))
    assert few.look() is None, "it came under another share, where it is alone"
    assert _filled(5_000, 200).look() is not None


def test_orders_are_compared_with_those_of_the_same_share_of_the_comparison_group() -> None:
    """A group that grew just when payers became better is no uplift: Simpson's paradox."""
    comparison = _filled(1_800, 200, share=10, rescued=True)
    for who in range(500):
        comparison.add(Outcome(f"good-e{who}", "engine", True, stratum=(50,)))
        comparison.add(Outcome(f"good-h{who}", "holdout", True, stratum=(50,)))
    look = comparison.look()
    assert look is not None
    assert look.difference == pytest.approx(0.0, abs=1e-9)
    assert comparison.mean("holdout") > comparison.mean("engine") + 0.1, (
        "side by side they would differ"
    )


def test_harm_and_an_end_are_raised() -> None:
    uplift = Uplift(10_000)
    for who in range(3_000):
        uplift.add(Outcome(f"e{who}", "engine", who % 10 < 6))
        uplift.add(Outcome(f"h{who}", "holdout", who % 10 < 3))
    assert uplift.alarm() is None
    uplift.begin_quarter()
    _fill(uplift, 3_000, 3_000)
    assert uplift.alarm() == "gone", "in this quarter both arms are alike"
    uplift.begin_quarter()
    _fill(uplift, 3_000, 3_000, rescued=False)
    assert uplift.alarm() == "harm"

"""Arms whose shares change: orders are compared with those of the same terms, and a payer's go
together in all."""

import random
from collections import defaultdict
from datetime import date, timedelta
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.uplift.rules.closed_order import Came, ClosedOrder, OrdersRead, Shares
from recoup.uplift.rules.looks import looks_of
from recoup.uplift.rules.strata import ARMS, PAYERS_MIN, ComparedArm, Strata, Stratum

BEGAN = date(2026, 1, 1)
ORDER = tuple[Stratum, ComparedArm, str, float, float]
ORDERS = st.lists(
    st.tuples(
        st.sampled_from([(1,), (2,), (3,)]),
        st.sampled_from(ARMS),
        st.integers(0, 3).map(str),
        st.floats(-1, 1),
        st.floats(0.5, 2),
    ),
    max_size=40,
)
# every stratum has enough payers in both arms, each with orders in all strata
ALL: list[ORDER] = [
    ((stratum,), arm, f"{who}", float(who % 2), 1.0)
    for stratum in (1, 2, 3)
    for arm in ARMS
    for who in range(PAYERS_MIN)
]


@given(ORDERS)
def test_difference_and_variance_are_those_of_all_orders_at_once(drawn: list[ORDER]) -> None:
    orders = ALL + drawn
    strata = Strata()
    for one in orders:
        strata.add(*one)
    weights: dict[tuple[Stratum, str], float] = defaultdict(float)
    values: dict[tuple[Stratum, str], float] = defaultdict(float)
    for stratum, arm, _, value, weight in orders:
        weights[stratum, arm] += weight
        values[stratum, arm] += value
    whole = sum(weights.values())
    part = {stratum: sum(weights[stratum, arm] for arm in ARMS) / whole for stratum, _ in weights}
    difference = sum(
        share
        * (
            values[name, "engine"] / weights[name, "engine"]
            - values[name, "holdout"] / weights[name, "holdout"]
        )
        for name, share in part.items()
    )
    influence: dict[tuple[str, str], float] = defaultdict(float)
    for stratum, arm, payer, value, weight in orders:
        mean = values[stratum, arm] / weights[stratum, arm]
        influence[arm, payer] += part[stratum] * (value - mean * weight) / weights[stratum, arm]
    found = strata.estimate()
    assert found.difference == pytest.approx(difference, abs=1e-9)
    assert found.variance == pytest.approx(
        sum(one**2 for one in influence.values()), rel=1e-6, abs=1e-12
    )
    assert found.orders == len(orders)


def read(before: Shares, after: Shares, seed: int) -> OrdersRead:
    """Two months without uplift. Payers of the first come again in the second and are rescued less
    often; each has a place for good, the comparison group at one end and the engine's at the other.
    """
    draw, places, found = random.Random(seed), {}, OrdersRead(BEGAN + timedelta(days=90))
    for number in range(12_000):
        is_later = number >= 6_000
        shares = after if is_later else before
        who = number - 6_000 if is_later and number % 2 else number
        place = places.setdefault(who, 100 * draw.random())
        arm = (
            "holdout"
            if place < shares.holdout
            else "engine"
            if place >= 100 - shares.engine
            else None
        )
        on = BEGAN + timedelta(days=number // 200)
        chance = 0.7 if who != number or not is_later else 0.3
        rescued = on if draw.random() < chance - 0.2 * is_later else None
        if arm is None:
            found.add_other(Came(str(who), on, None, shares))
        else:
            found.add(
                ClosedOrder(
                    on,
                    on,
                    str(who),
                    arm,  # type: ignore[arg-type]
                    None,
                    20.0,
                    "EUR",
                    rescued,
                    "",
                    shares,
                )
            )
    found.finish()
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Shares(10, 90), Shares(40, 60)),
        (Shares(40, 60), Shares(10, 90)),
        (Shares(10, 10), Shares(10, 90)),
        (Shares(10, 10), Shares(30, 70)),
    ],
)
def test_a_share_that_changes_makes_no_difference(before: Shares, after: Shares) -> None:
    looks = [looks_of(read(before, after, seed), "total").looks[-1].difference for seed in range(4)]
    differences = [look.difference for look in looks if look is not None]
    assert len(differences) == len(looks)
    assert abs(fmean(differences)) < 0.025
    assert all(look is not None and look.low <= 0 <= look.high for look in looks)

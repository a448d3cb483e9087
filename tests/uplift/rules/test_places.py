"""The comparison within each site and campaign: with its denominators, all places together at the
promised error."""

import random
from datetime import date, timedelta

import pytest

from recoup.uplift.rules.closed_order import ClosedOrder, OrdersRead, Shares
from recoup.uplift.rules.comparison import PAYERS_MIN
from recoup.uplift.rules.report import compared_places, place_figures

DAY = date(2026, 3, 2)


def read(orders: list[ClosedOrder]) -> OrdersRead:
    found = OrdersRead()
    for one in orders:
        found.add(one)
    found.finish()
    return found


def orders(
    place: str, count: int, engine: float, holdout: float, seed: int = 1
) -> list[ClosedOrder]:
    """So many of each arm, of a payer each."""
    drawn, found = random.Random(seed), []  # noqa: S311 - no secret
    for number in range(2 * count):
        arm, chance = ("engine", engine) if number % 2 else ("holdout", holdout)
        on = DAY + timedelta(days=number * 60 // (2 * count))
        rescued = on if drawn.random() < chance else None
        who = f"{place}-{number}"
        found.append(
            ClosedOrder(
                on, on, who, arm, None, 20.0, "EUR", rescued, "retry", Shares(10), place=place
            )
        )  # type: ignore[arg-type]
    return found


def test_each_place_has_its_own_difference_beside_its_denominators() -> None:
    made = sorted(
        orders("a", 2_000, 0.6, 0.4) + orders("b", 2_000, 0.4, 0.6, 2),
        key=lambda one: one.closed_on,
    )
    found = compared_places(read(made))
    a, b = place_figures(found, "a"), place_figures(found, "b")
    assert a["engine"]["orders"] == a["holdout"]["orders"] == a["engine"]["payers"] == 2_000
    assert a["engine"]["rescued"] == sum(
        one.rescued_on is not None for one in made if one.place == "a" and one.arm == "engine"
    )
    assert a["low"] > 0 > b["high"]


def test_of_few_customers_nothing_is_said_but_how_many_there_are() -> None:
    found = place_figures(compared_places(read(orders("a", PAYERS_MIN - 1, 0.9, 0.1))), "a")
    assert (found["engine"]["orders"], found["low"], found["difference"]) == (
        PAYERS_MIN - 1,
        None,
        None,
    )
    nothing = place_figures({}, "a")
    assert nothing["engine"] == {"orders": 0, "payers": 0, "rescued": 0}
    assert nothing["high"] is None


@pytest.mark.prove("engine")
def test_the_best_of_many_places_is_hardly_ever_shown_by_chance() -> None:
    """Forty places without uplift: an interval of 95 % each would show one in most worlds."""
    wrong = 0
    for world in range(30):
        made = [
            one for n in range(40) for one in orders(f"{n:02}", 250, 0.5, 0.5, 1_000 * world + n)
        ]
        found = compared_places(read(made))
        figures = [place_figures(found, place) for place in found]
        wrong += any(one["low"] > 0 or one["high"] < 0 for one in figures)
    assert wrong <= 3

"""A comparison as it stood day by day: what is fixed before the first look stays."""

from datetime import date, timedelta

from recoup.uplift.rules.closed_order import Came, ClosedOrder, OrdersRead, Shares
from recoup.uplift.rules.looks import FIRST, looks_of
from recoup.uplift.rules.report import compared_places, place_figures

BEGAN = date(2026, 3, 2)
WINDOW = timedelta(days=14)


def read(until: date, a_day: int = 60, days: int = 90) -> OrdersRead:
    """So many orders a day, half of them in each arm, as they are known at `until`."""
    found = OrdersRead(until)
    for number in range(a_day * days):
        on = BEGAN + timedelta(days=number // a_day)
        arm = "engine" if number % 2 else "holdout"
        if on + WINDOW <= until:
            rescued = on if number % 4 < 2 else None
            found.add(
                ClosedOrder(
                    on + WINDOW, on, f"{number}", arm, None, 20.0, "EUR", rescued, "", place="a"
                )
            )  # type: ignore[arg-type]
        elif on <= until:
            found.add_waiting(Came(f"{number}", on, arm, Shares(), "a"))  # type: ignore[arg-type]
    found.finish()
    return found


def test_the_orders_of_ninety_days_are_fixed_before_the_first_look_and_stay_so() -> None:
    before, at, later = (
        looks_of(read(BEGAN + FIRST + timedelta(days=more)), "day") for more in (-1, 0, 45)
    )
    assert (before.expected, before.looks[-1].difference) == (0, None)
    assert before.counted.payers("engine") >= 200, "there are payers enough"
    assert at.expected == later.expected == 3 * 60 * FIRST.days, "open windows count too"
    shown = [look for look in later.looks if look.difference is not None]
    assert shown[0].on == BEGAN + FIRST
    again = next(look for look in later.looks if look.on == at.looks[-1].on + timedelta(days=1))
    assert again == looks_of(read(again.on), "day").looks[-1], (
        "a look shows later what it showed then"
    )


def test_somebody_who_fixed_them_has_looks_from_the_first_payers_on() -> None:
    early = looks_of(read(BEGAN + FIRST - timedelta(days=5)), "day", 5_000)
    assert (early.expected, early.looks[-1].difference is not None) == (5_000, True)


def test_a_place_has_no_interval_before_its_orders_are_fixed() -> None:
    before, at = (compared_places(read(BEGAN + FIRST + timedelta(days=more))) for more in (-1, 0))
    assert place_figures(before, "a")["low"] is None
    assert place_figures(at, "a")["low"] is not None

"""What the engine changes beside the rescued share, and the sample of very many payers."""

import random
from collections.abc import Iterator
from datetime import date

import pytest

from recoup.uplift.rules.closed_order import ClosedOrder, OrdersRead, Shares
from recoup.uplift.rules.report import HARM, other_outcomes, shared_cards
from recoup.uplift.rules.strata import ComparedArm

DAY = date(2026, 3, 2)


def order(
    who: str,
    arm: ComparedArm,
    *,
    rescued: bool = True,
    sends: int | None = 2,
    disputed: bool | None = False,
    card: str = "",
    day: int = 2,
) -> ClosedOrder:
    on = date(2026, 3, day)
    paid = on if rescued else None
    return ClosedOrder(
        on, on, who, arm, 0.4, 20.0, "EUR", paid, "retry", Shares(10), sends, disputed, card
    )


def both(engine: ClosedOrder, holdout: ClosedOrder, payers: int = 2_000) -> list[ClosedOrder]:
    return [
        one._replace(payer=f"{one.arm}-{who}", card=f"{one.arm}-{who}")
        for who in range(payers)
        for one in (engine, holdout)
    ]


def test_more_disputes_are_harm_and_more_sends_are_none_by_themselves() -> None:
    orders = both(order("", "engine", sends=4), order("", "holdout"))
    orders = [
        one._replace(disputed=at % 20 == 0) if one.arm == "engine" else one
        for at, one in enumerate(orders)
    ]
    found = {one.name: one for one in other_outcomes(orders, 10_000)}
    assert set(found) == set(HARM)
    assert (found["sends"].engine, found["sends"].holdout, found["sends"].harm) == (4.0, 2.0, False)
    assert found["sends"].difference is not None
    assert found["sends"].difference.low == pytest.approx(2.0)
    assert (found["disputes"].engine, found["disputes"].harm) == (0.1, True)
    assert not found["customers_lost"].harm


def disputed(seed: int, engine: float, holdout: float) -> Iterator[bool]:
    """At each look whether more disputes are harm, while 6,000 orders come in, a tenth of them for
    comparison."""
    draw, orders = random.Random(seed), []
    for number in range(6_000):
        arm: ComparedArm = "holdout" if draw.random() < 0.1 else "engine"
        orders.append(
            order(
                f"{number}", arm, disputed=draw.random() < (engine if arm == "engine" else holdout)
            )
        )
        if number % 1_000 == 999:
            yield next(one.harm for one in other_outcomes(orders, 5_000) if one.name == "disputes")


@pytest.mark.prove("engine")
def test_what_is_rare_is_no_harm_because_a_small_group_happens_to_have_none() -> None:
    """By each arm's own variance one such world in six is called harmful."""
    assert sum(any(disputed(seed, 0.01, 0.01)) for seed in range(20)) == 0
    assert all(any(disputed(seed, 0.06, 0.01)) for seed in range(3))


def test_nothing_is_said_of_what_hardly_ever_happens() -> None:
    orders = both(order("", "engine"), order("", "holdout"))
    nine = [one._replace(disputed=at < 9) for at, one in enumerate(orders)]
    ten = [one._replace(disputed=at < 10) for at, one in enumerate(orders)]
    for made, said in ((nine, False), (ten, True)):
        found = {one.name: one for one in other_outcomes(made, 10_000)}
        assert (found["disputes"].difference is not None) == said
        assert found["customers_lost"].difference is None, "all were rescued"


def test_customers_who_come_less_often_are_harm() -> None:
    orders = both(order("", "engine"), order("", "holdout"))
    orders += [one for one in orders if one.arm == "holdout" and int(one.payer.split("-")[1]) % 2]
    found = {one.name: one for one in other_outcomes(orders, 10_000)}
    assert (found["orders_per_payer"].engine, found["orders_per_payer"].holdout) == (1.0, 1.5)
    assert found["orders_per_payer"].harm


def test_a_customer_is_lost_by_the_last_order() -> None:
    came_back = [
        order("a", "engine", rescued=False, day=2),
        order("a", "engine", rescued=True, day=9),
    ]
    left = [order("b", "engine", rescued=True, day=2), order("b", "engine", rescued=False, day=9)]
    found = {
        one.name: one for one in other_outcomes([*came_back, *left, order("c", "holdout")], 100)
    }
    assert (found["customers_lost"].engine, found["customers_lost"].holdout) == (0.5, 0.0)
    assert found["customers_lost"].difference is None, "of three payers nothing is said"


def test_what_nobody_counted_is_not_compared() -> None:
    orders = both(
        order("", "engine", sends=None, disputed=None),
        order("", "holdout", sends=None, disputed=None),
        10,
    )
    assert {one.name for one in other_outcomes(orders, 100)} == {
        "orders_per_payer",
        "customers_lost",
    }
    assert other_outcomes([], 1) == []


def test_cards_of_payers_in_both_arms_are_counted() -> None:
    orders = [
        order("a", "engine", card="x"),
        order("b", "holdout", card="x"),
        order("c", "engine", card="y"),
    ]
    cards = shared_cards([*orders, order("d", "engine")])
    assert (cards.shared, cards.cards, cards.too_many) == (1, 2, True)
    assert not shared_cards([]).too_many


def test_of_very_many_payers_every_second_is_kept_with_all_orders() -> None:
    read = OrdersRead()
    for who in range(100):
        for _ in range(3):
            read.add(order(str(who), "engine"))
    read.thin(lambda payer, one_in: int(payer) % one_in == 0)
    assert (read.one_in, len(read.closed)) == (2, 150)
    read.thin(lambda payer, one_in: int(payer) % one_in == 0)
    assert {int(one.payer) % 4 for one in read.closed} == {0}

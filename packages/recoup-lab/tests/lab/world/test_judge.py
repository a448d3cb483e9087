"""The judge counts by its own code what goes beyond a network limit, over all orders of a card."""

from datetime import timedelta

import pytest
from tests.rings import each

from recoup_lab.world.judge import CardBook, counts_as_breach, note_send
from recoup_lab.world.orders import Order
from recoup_lab.world.parameter_file import read
from recoup_lab.world.paydays import DAY
from recoup_lab.world.port import Scheme, WorldAnswer, WorldCharge
from recoup_lab.world.world import LabWorld, build

HOUR = 3_600


@pytest.fixture(scope="module")
def world() -> LabWorld:
    return build(read(seed=31, orders=2_500))


def sent(world: LabWorld, arm: str, name: str, order: Order, after: timedelta) -> WorldAnswer:
    payment = order.payment
    made = WorldCharge(
        name,
        payment.order_id,
        payment.declined_at + after,
        payment.amount,
        payment.currency,
        "shop",
        payment.card,
    )
    return world.charge(arm, [made])[0]


def breaches(
    scheme: Scheme, sends: list[tuple[int, int]], code: str = "05", advice: str | None = None
) -> list[bool]:
    """Of each send (instant, amount) whether it went beyond."""
    book, found = CardBook(), []
    for at, amount in sends:
        found.append(counts_as_breach(book, scheme, amount, at))
        note_send(book, scheme, amount, at, code, advice)
    return found


@pytest.mark.parametrize(("scheme", "most"), [("visa", 20), ("amex", 20), ("mastercard", 35)])
def test_so_many_sends_of_card_and_amount_are_allowed_in_thirty_days(
    scheme: Scheme, most: int
) -> None:
    sends = [(place * 13 * HOUR, 999) for place in range(most + 1)]
    assert breaches(scheme, sends) == [False] * most + [True]
    assert not breaches(scheme, [*sends[:most], (20 * DAY, 1_999)])[-1]
    assert not breaches(scheme, [*sends[:most], (30 * DAY, 999)])[-1], "the first lies 30 days back"
    assert breaches(scheme, [*sends[:most], (30 * DAY - 1, 999)])[-1]


def test_mastercard_allows_ten_sends_of_a_card_in_a_day_whatever_the_amount() -> None:
    sends = [(place * HOUR, 500 + place) for place in range(11)]
    assert breaches("mastercard", sends) == [False] * 10 + [True]
    assert not any(breaches("visa", sends))
    assert not breaches("mastercard", [*sends[:10], (DAY, 5)])[-1]


@each(
    ("scheme", "code", "advice", "stops"),
    [
        ("visa", "41", None, True),
        ("visa", "R1", None, True),
        ("visa", "51", None, False),
        ("mastercard", "05", "03", True),
        ("mastercard", "05", "21", True),
        ("mastercard", "41", None, False),
        ("mastercard", "51", "24", False),
        ("amex", "200", None, False),
    ],
)
def test_a_send_after_a_stop_is_a_breach(
    scheme: Scheme, code: str, advice: str | None, stops: bool
) -> None:
    assert breaches(scheme, [(0, 999), (5 * DAY, 999)], code, advice) == [False, stops]
    later = [(0, 999), (31 * DAY, 999)]
    assert breaches(scheme, later, code, advice) == [False, stops and scheme == "visa"]


def test_the_decline_that_came_in_and_the_cards_other_orders_count(world: LabWorld) -> None:
    """Two open orders of one card, same amount: together they hold twenty sends."""
    first, second = pair(world)
    sends, at = 0, second.declined_at
    while world.end("both").breaches == 0:
        at += 11 * HOUR
        assert at < first.expires_at
        order = (first, second)[sends % 2]
        answer = sent(
            world, "both", f"{sends}-{at}", order, timedelta(seconds=at - order.declined_at)
        )
        sends += answer.state in ("declined", "unknown")
        assert answer.state != "approved"
    same = [
        one
        for one in world.by_card[first.payment.card.number]
        if one.payment.amount == first.payment.amount
    ]
    came_in = sum(at - 30 * DAY < one.declined_at <= at for one in same)
    assert came_in >= 2
    assert came_in + sends - 1 == 20


def pair(world: LabWorld) -> tuple[Order, Order]:
    """Of one Visa card and one amount, a few days apart; its customer has no money any more."""
    for orders in world.by_card.values():
        for first, second in zip(orders, orders[1:], strict=False):
            apart = second.declined_at - first.declined_at
            same = (
                first.payment.amount == second.payment.amount and first.card.issuer.scheme == "visa"
            )
            if same and apart < 15 * DAY and {first.verdict.cause, second.verdict.cause} == {"dry"}:
                return first, second
    raise AssertionError("no such pair")


def test_the_score_is_net_of_costs_breaches_and_harm() -> None:
    world = build(read(seed=5, orders=200))
    order = next(one for one in world.all_orders if one.verdict.cause == "dry")
    for number in range(7):
        sent(world, "net", str(number), order, timedelta(days=1 + number))
    score, total = world.end("net"), sum(one.payment.amount for one in world.all_orders)
    sends = score.attempts
    assert (score.orders, score.recovered, score.breaches, score.days_median) == (200, 0, 0, None)
    assert score.net_share == pytest.approx(
        -(12 * sends + 0.02 * order.payment.amount * (sends - 4)) / total
    )
    won = next(
        one for one in world.all_orders if one.verdict.cause == "coin" and one.payment.amount > 100
    )
    for number in range(9):
        if (
            sent(world, "won", str(number), won, timedelta(hours=7 * (1 + number))).state
            == "approved"
        ):
            break
    score = world.end("won")
    assert (score.recovered, score.amount_share) == (1, won.payment.amount / total)
    assert score.net_share == pytest.approx((won.payment.amount - 12 * score.attempts) / total)
    assert score.days_median is not None
    assert 0.2 < score.days_median < 3

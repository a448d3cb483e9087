"""Each phenomenon that the base world is said to have is there, in its codes, cards, issuers and
customers."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from lab.world.schedules import HOUR, play

from recoup_lab.world.answers import Standing
from recoup_lab.world.draws import Draws
from recoup_lab.world.money import PLENTY
from recoup_lab.world.parameter_file import read, shipped
from recoup_lab.world.paydays import DAY, pay_days, weekday
from recoup_lab.world.port import WorldCharge, WorldOrder
from recoup_lab.world.world import LabWorld, build


@pytest.fixture(scope="module")
def world() -> LabWorld:
    return build(read(seed=21, orders=3_000))


def test_lack_of_money_leads_generic_codes_follow_technical_ones_are_few(world: LabWorld) -> None:
    codes = Counter(order.payment.scheme_code for order in world.all_orders)
    orders = len(world.all_orders)
    assert 0.28 < (codes["51"] + codes["116"]) / orders < 0.65
    assert 0.1 < (codes["05"] + codes["100"]) / orders < 0.45
    assert (
        0 < sum(codes[one] for one in ("91", "96", "92", "N0", "912", "909", "182")) / orders < 0.06
    )


def test_several_orders_of_a_card_are_open_at_once(world: LabWorld) -> None:
    found = 0
    for orders in world.by_card.values():
        found += sum(
            later.declined_at < first.expires_at
            for first, later in zip(orders, orders[1:], strict=False)
        )
    assert found > 100


def test_zones_are_mostly_not_told(world: LabWorld) -> None:
    with_zone = sum(order.payment.utc_offset_minutes is not None for order in world.all_orders)
    assert 0.15 < with_zone / len(world.all_orders) < 0.35


def test_advice_codes_come_with_mastercard_only_and_with_many_waits(world: LabWorld) -> None:
    advice = Counter(
        (order.payment.card.scheme, order.payment.advice_code) for order in world.all_orders
    )
    assert {scheme for scheme, code in advice if code is not None} == {"mastercard"}
    assert len({code for _, code in advice} & {"24", "25", "26", "27", "28", "29", "30"}) >= 6
    assert {"03", "21", "02"} <= {code for _, code in advice}


def test_one_send_in_a_hundred_gets_no_answer_and_some_are_not_processed(world: LabWorld) -> None:
    play(world, "time-outs", [place * 50 * HOUR for place in range(1, 9)])
    states = Counter(answer.state for answer in world.book("time-outs").answers.values())
    assert 0.004 < states["unknown"] / states.total() < 0.015
    assert 0 < states["not_processed"] < states["unknown"]


def test_attempts_harden_an_issuer_and_time_mends_it(world: LabWorld) -> None:
    issuer = max(world.bank.issuers, key=lambda one: one.hardening)
    card = next(order.card for order in world.all_orders if order.card.issuer is issuer)
    at, standing = world.now, Standing()
    fresh = world.bank.chance(card, at, 0, standing)
    for hour in range(6):
        standing.hardened(at + hour * HOUR, card)
    hard = world.bank.chance(card, at + 7 * HOUR, 0, standing)
    mended = world.bank.chance(card, at + 28 * DAY, 0, standing)
    assert hard < 0.75 * fresh
    assert mended == fresh


def charged(world: LabWorld, arm: str, name: str, payment: WorldOrder, at: datetime) -> bool:
    made = WorldCharge(
        name, payment.order_id, at, payment.amount, payment.currency, "shop", payment.card
    )
    return world.charge(arm, [made])[0].state == "approved"


def test_where_issuers_harden_a_dense_schedule_loses_what_a_sparse_one_wins() -> None:
    """Orders that late tries win are lost where many went before, although the dense schedule has
    the same ones."""
    world = build(read(shipped()["hardening"], seed=4, orders=1_500))
    late = [place * 40 * HOUR for place in range(8, 12)]
    dense = [place * 10 * HOUR for place in range(1, 32)] + late
    won: dict[str, set[str]] = {"sparse": set(), "dense": set()}
    for order in world.all_orders:
        for name, offsets in (("sparse", late), ("dense", dense)):
            for number, offset in enumerate(offsets):
                payment, at = order.payment, order.payment.declined_at + timedelta(seconds=offset)
                if charged(world, name, f"{payment.order_id}/{number}", payment, at):
                    won[name].add(payment.order_id)
                    break
    lost = won["sparse"] - won["dense"]
    assert len(lost) > 0.05 * len(won["sparse"])


def test_money_is_there_for_a_short_time_after_pay(world: LabWorld) -> None:
    lasting = []
    for customer in world.customers[:400]:
        account = customer.cards[0].account
        if not account.steady and customer.cards[0].face.funding == "debit":
            pulses = world.bank.purse.pulses(account, world.bank.draws)
            lasting += [pulse.lasts / DAY for pulse in pulses if pulse.level < PLENTY]
    lasting.sort()
    assert len(lasting) > 100
    assert 0.4 < lasting[len(lasting) // 10] < lasting[len(lasting) * 9 // 10] < 2.5


def test_a_declined_money_waits_for_pay_that_is_mostly_days_away(world: LabWorld) -> None:
    waits = []
    for order in world.all_orders:
        if order.verdict.cause == "funds":
            after = world.bank.purse.next_pay(order.card.account, order.declined_at)
            if after is not None:
                waits.append((after - order.declined_at) / DAY)
    assert sum(wait > 2 for wait in waits) / len(waits) > 0.65


def test_an_approved_charge_is_felt_by_the_next_order_of_the_account(world: LabWorld) -> None:
    """The account holds 50 dollars more than the amount: a second charge of it finds too little."""
    felt = 0
    for order in world.all_orders:
        bank, card, amount = world.bank, order.card, order.payment.amount
        for at in range(order.declined_at, order.expires_at, 6 * HOUR):
            level, _ = bank.purse.level(card.account, at, bank.draws)
            if (
                amount <= level < 2 * amount
                and bank.answer(card, card.face, amount, at).cause is None
            ):
                assert (
                    bank.answer(card, card.face, amount, at, spent=[(at - 1, amount)]).cause
                    == "funds"
                )
                felt += 1
                break
        if felt == 20:
            return
    pytest.fail("no account was found that holds enough for one charge only")


def test_cards_expire_and_networks_tell_of_the_next_one(world: LabWorld) -> None:
    signals = world.signals("news", world.hello().until)
    assert {one.kind for one in signals} == {"new_expiry", "new_number"}
    assert not world.signals("news", world.hello().until)
    order = next(
        one
        for one in world.all_orders
        if one.verdict.cause == "expired"
        and one.card.next
        and one.card.signal_at < one.expires_at - 10 * DAY
    )
    new = order.card.next
    assert new is not None
    instants = range(max(order.declined_at, order.card.signal_at), order.expires_at, 5 * HOUR)
    old_causes = {
        world.bank.answer(order.card, order.card.face, order.payment.amount, at).cause
        for at in instants
    }
    assert old_causes <= {"expired", "outage", "maintenance"}
    assert "expired" not in {
        world.bank.answer(order.card, new.face, order.payment.amount, at).cause for at in instants
    }


def test_routes_differ_for_some_issuers(world: LabWorld) -> None:
    card = next(card for card in world.cards.values() if card.issuer.weak_route == 1)
    first, second = (world.bank.chance(card, world.now, route, Standing()) for route in (0, 1))
    assert second < first


def test_hardly_two_issuers_have_the_same_hours(world: LabWorld) -> None:
    habits = [one.habits for one in world.bank.issuers]
    strict = {(one.strict_from, one.strict_hours) for one in habits if one.strict_hours}
    assert len(strict) > 8
    assert sum(one.maintenance_weekday is not None for one in world.bank.issuers) > 4


def test_after_the_change_issuers_and_customers_are_others() -> None:
    world = build(read(shipped()["change"], seed=1, orders=300))
    assert (
        sum(one.habits != one.later_habits for one in world.bank.issuers)
        > len(world.bank.issuers) / 2
    )
    accounts = [card.account for customer in world.customers for card in customer.cards]
    assert (
        sum(one.changes and one.rhythm != one.later_rhythm for one in accounts) > len(accounts) / 4
    )
    base = build(read(seed=1, orders=300))
    assert all(one.habits == one.later_habits for one in base.bank.issuers)


@pytest.mark.parametrize(
    ("rhythm", "a_year"),
    [
        ("month_first", 12),
        ("half_months", 24),
        ("week_friday", 52),
        ("fortnight_friday", 26),
        ("benefits_third", 12),
    ],
)
def test_pay_days_are_working_days_as_often_as_their_rhythm_says(rhythm: str, a_year: int) -> None:
    days = pay_days(rhythm, 6, 20_000, 20_000 + 365 * 4, Draws(1))  # type: ignore[arg-type]
    assert abs(len(days) - 4 * a_year) <= 1
    assert all(weekday(day) < 5 for day in days)


def test_a_fortnight_is_the_same_from_whatever_day_it_is_counted() -> None:
    whole = pay_days("fortnight_friday", 5, 20_000, 20_400, Draws(1))
    for first in range(20_001, 20_030):
        assert pay_days("fortnight_friday", 5, first, 20_400, Draws(1)) == [
            day for day in whole if day >= first
        ]

"""Ledger recipes, refunds, money and fees: integers that always add up."""

import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.rings import each

from recoup.disputes.moves.case import (
    dispute_fee,
    dispute_fee_charged,
    dispute_fee_returned,
    dispute_won,
    disputed,
)
from recoup.disputes.moves.disputed import reversal_netted, reversal_owed_again
from recoup.kernel.money import EXPONENTS, UNITS_MAX, Money, from_text, shown, to_text
from recoup.kernel.problem import Problem
from recoup.orders.rules import ledger
from recoup.orders.rules.ledger import ACCOUNTS, Posting
from recoup.terms.rules.fees import Tariff, fee_units
from recoup.terms.rules.refunds import Chosen, by_amount, by_items, items_of

ASSETS = ("JPY", "KWD", "USD")
UNITS = st.integers(1, 10**12)

# recipes
# --------------------------------------------------------------------------------------------------


def _all(units: int) -> list[Posting]:
    one = [
        ledger.approve,
        ledger.fee,
        ledger.fee_returned,
        ledger.fee_taken_back,
        ledger.refund_owed,
        ledger.refund_refused,
        ledger.refund_netted,
        ledger.uncollected,
        ledger.refund_of_bad_debt,
        dispute_fee_charged,
        dispute_fee_returned,
        reversal_netted,
        reversal_owed_again,
        ledger.part_owed_back,
    ]
    routed = [
        ledger.charge,
        ledger.refund_done,
        ledger.late_approval,
        ledger.reversed_,
        dispute_fee,
    ]
    twice = [
        make(units, "route", who)
        for make in (disputed, dispute_won)
        for who in ("operator", "merchant")
    ]
    return [make(units) for make in one] + [make(units, "route") for make in routed] + twice


@given(UNITS)
def test_each_recipe_balances_and_stays_in_the_chart(units: int) -> None:
    for posting in [
        *_all(units),
        *ledger.collected(units, "route", units // 10),
        *ledger.advanced(units, 0),
    ]:
        assert sum(e.units for e in posting.entries) == 0
        assert all(e.units and e.account in ACCOUNTS for e in posting.entries)
        assert {e.place for e in posting.entries if e.account != "clearing"} == {""}


@given(UNITS, st.sampled_from(["operator", "merchant"]))
def test_a_dispute_that_is_won_posts_the_opposite_exactly(units: int, who: str) -> None:
    taken, back = disputed(units, "route", who), dispute_won(units, "route", who)
    assert [(e.account, e.place, -e.units) for e in taken.entries] == [
        tuple(e) for e in back.entries
    ]


def test_nothing_is_posted_for_nothing() -> None:
    for make in (ledger.approve, ledger.fee, ledger.refund_owed):
        for units in (0, -1):
            with pytest.raises(ValueError, match="more than nothing"):
                make(units)


@given(seed=st.integers(0, 2**32), units=UNITS, points=st.integers(0, 10_000))
def test_the_walk_of_an_order_ends_with_nothing_due(seed: int, units: int, points: int) -> None:
    """Paid now, paid later, or paid too late; given back in pieces before, while or after it is
    collected."""
    dice, book = random.Random(seed), Counter[str]()

    def post(*postings: Posting) -> None:
        for posting in postings:
            for entry in posting.entries:
                book[entry.account] += entry.units

    fee = fee_units(units, Tariff(points))
    kind = dice.choice(("collected", "advanced", "late"))
    if kind == "late":
        post(ledger.late_approval(units, "r"), ledger.reversed_(units, "r"))
        assert not any(book.values())
        return
    post(
        *(ledger.collected(units, "r", fee) if kind == "collected" else ledger.advanced(units, fee))
    )
    left, collected, paid_back = units, kind == "collected", 0
    due = 0 if collected else units
    owed: list[int] = []
    for _ in range(dice.randint(0, 6)):
        if left and dice.random() < 0.7:
            piece = dice.randint(1, left)
            left -= piece
            owed.append(piece)
            post(ledger.refund_owed(piece))
        if owed and dice.random() < 0.6:
            piece = owed.pop(dice.randrange(len(owed)))
            if dice.random() < 0.2:
                left += piece
                post(ledger.refund_refused(piece))
            elif due >= piece:
                due -= piece
                paid_back += piece
                post(ledger.refund_netted(piece))
            elif not due:
                paid_back += piece
                post(ledger.refund_done(piece, "r"))
            else:
                owed.append(piece)
    lost = due > 0 and dice.random() < 0.3
    if due:
        post(ledger.uncollected(due) if lost else ledger.charge(due, "r"))
    for piece in owed:
        paid_back += piece
        post(ledger.refund_of_bad_debt(piece) if lost else ledger.refund_done(piece, "r"))
    assert 0 <= book["bad_debt"] <= due
    assert (book["customer_due"], book["refund_due"], book["reversal_due"]) == (0, 0, 0)
    assert book["merchant_payable"] == -(units - fee - paid_back)
    assert sum(book.values()) == 0


# refunds by amount
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asset", ASSETS)
@given(data=st.data())
def test_refunds_by_amount_never_add_up_to_more_than_the_order(
    asset: str, data: st.DataObject
) -> None:
    units = data.draw(st.integers(1, 10**6))
    cap = data.draw(st.one_of(st.none(), st.integers(0, 100)))
    limit = None if cap is None else Money(units * cap // 100, asset)
    left = units
    for asked in data.draw(st.lists(st.integers(-5, units + 5), max_size=12)):
        over = asked > left or (limit is not None and asked != left and asked > limit.units)
        if asked <= 0 or over:
            with pytest.raises(Problem) as refused:
                by_amount(Money(asked, asset), Money(left, asset), cap=limit)
            assert refused.value.code == ("invalid" if asked <= 0 else "over_remainder")
            continue
        assert by_amount(Money(asked, asset), Money(left, asset), cap=limit).units == asked
        left -= asked
        assert left >= 0


def test_the_remainder_is_refunded_whatever_the_cap() -> None:
    assert by_amount(Money(77, "USD"), Money(77, "USD"), cap=Money(1, "USD")).units == 77


# refunds by items
# --------------------------------------------------------------------------------------------------

LINES = st.lists(
    st.fixed_dictionaries(
        {
            "amount": st.integers(0, 10_000),
            "quantity": st.integers(1, 7),
            "tax": st.integers(0, 99),
        },
        optional={"discountAmount": st.integers(0, 500), "sku": st.sampled_from(["a", "b", "c"])},
    ),
    min_size=1,
    max_size=5,
)


def _taken(refunds: list[tuple[Chosen, ...]]) -> dict[int, tuple[int, int]]:
    taken: dict[int, tuple[int, int]] = {}
    for chosen in refunds:
        for one in chosen:
            units, quantity = taken.get(one.line, (0, 0))
            taken[one.line] = (units + one.units, quantity + one.quantity)
    return taken


@given(lines=LINES, data=st.data())
def test_refunds_by_items_never_take_more_than_their_line(
    lines: list[dict[str, Any]], data: st.DataObject
) -> None:
    items, refunds = items_of(lines), list[tuple[Chosen, ...]]()
    for _ in range(data.draw(st.integers(0, 12))):
        want: dict[str, Any] = {"line": data.draw(st.integers(1, len(items)))}
        if data.draw(st.booleans()):
            want["amount"] = data.draw(st.integers(1, 20_000))
        else:
            want["quantity"] = data.draw(st.integers(1, 4))
        wanted = [want] * data.draw(st.integers(1, 2))
        try:
            units, chosen = by_items(wanted, items, _taken(refunds))
        except Problem:
            continue
        assert units == sum(c.units for c in chosen) > 0
        refunds.append(chosen)
    for item in items:
        units, quantity = _taken(refunds).get(item.line, (0, 0))
        assert 0 <= units <= item.units
        assert 0 <= quantity <= item.quantity


@given(
    units=st.integers(1, 10**6),
    quantity=st.integers(1, 40),
    order=st.randoms(use_true_random=False),
)
def test_a_line_refunded_piece_by_piece_closes_to_zero(
    units: int, quantity: int, order: random.Random
) -> None:
    assume(units >= quantity)
    raw = [{"amount": 0, "tax": units, "quantity": quantity}]
    items, refunds, left = items_of(raw), list[tuple[Chosen, ...]](), quantity
    assert items[0].units == units
    while left:
        pieces = order.randint(1, left)
        refunds.append(by_items([{"line": 1, "quantity": pieces}], items, _taken(refunds))[1])
        left -= pieces
    assert _taken(refunds) == {1: (units, quantity)}
    with pytest.raises(Problem):
        by_items([{"line": 1}], items, _taken(refunds))


def test_items_are_found_by_line_or_by_a_sku_that_is_one() -> None:
    items = items_of(
        [{"sku": "a", "amount": 5}, {"sku": "b", "amount": 6}, {"sku": "b", "amount": 7}]
    )
    assert by_items([{"sku": "a"}], items, {}) == (5, (Chosen(1, 5, 1),))
    assert by_items([{"line": 3, "sku": "b"}], items, {})[0] == 7
    for wanted in ([{"sku": "b"}], [{"sku": "z"}], [{"line": 9}], [{}], []):
        with pytest.raises(Problem) as refused:
            by_items(wanted, items, {})
        assert refused.value.code == "refund_items"
    with pytest.raises(Problem):
        by_items([{"line": 1}], (), {})


# money and fees
# --------------------------------------------------------------------------------------------------


@each("asset", sorted(EXPONENTS))
def test_every_currency_goes_to_text_and_back(asset: str) -> None:
    scale = EXPONENTS[asset]
    for units in (0, 1, 9, 10, 99, 100, 101, 999, 1000, 12_345_678, UNITS_MAX):
        text = Money(units, asset).text()
        assert from_text(text, asset, "f") == Money(units, asset)
        assert Decimal(text) == Decimal(units).scaleb(-scale)
        assert ("." in text) == (scale > 0)
        plain = to_text(units, scale)
        assert to_text(-units, scale) == ("-" + plain if units else plain)
    finer = "1." + "0" * scale + "1"
    with pytest.raises(Problem, match="decimal places"):
        from_text(finer, asset, "f")
    assert from_text("1." + "0" * (scale + 1), asset, "f").units == 10**scale


@each("text", ["", " 1", "+1", "-1", "1e3", "01", "1.", ".5", "1,5", "NaN", "1_0", "٣", "1" * 19])
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        from_text(text, "USD", "f")
    assert refused.value.code == "invalid"


@pytest.mark.parametrize(
    ("asset", "most"),
    [("USD", "10,000,000,000,000"), ("USDC", "1,000,000,000"), ("JPY", "1,000,000,000,000,000")],
)
def test_an_amount_that_no_sum_could_hold_is_refused_with_the_most_there_may_be(
    asset: str, most: str
) -> None:
    assert from_text(most.replace(",", ""), asset, "f").units == UNITS_MAX
    for text in (to_text(UNITS_MAX + 1, EXPONENTS[asset]), "9" * 18):
        with pytest.raises(Problem) as refused:
            from_text(text, asset, "f")
        assert (refused.value.code, refused.value.field) == ("invalid", "f")
        assert f"more than {most} {asset}" in str(refused.value)


def test_a_fraction_far_behind_the_point_is_no_money() -> None:
    with pytest.raises(Problem):
        from_text("100000000000000000.000000000000000001", "USD", "f")


def test_assets_do_not_mix_and_floats_are_no_money() -> None:
    with pytest.raises(TypeError):
        _ = Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(TypeError):
        _ = Money(1, "USD") < Money(1, "JPY")
    for wrong in (1.0, True, "1"):
        with pytest.raises(TypeError):
            Money(wrong, "USD")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown asset"):
        Money(1, "ZZZ")


@given(
    units=UNITS,
    points=st.integers(0, 20_000),
    fixed=st.integers(0, 10**6),
    minimum=st.integers(0, 10**6),
)
def test_a_fee_is_rounded_once_and_never_more_than_the_amount(
    units: int, points: int, fixed: int, minimum: int
) -> None:
    fee = fee_units(units, Tariff(points, fixed, minimum))
    assert 0 <= fee <= units
    exact = Decimal(units) * points / 10_000 + fixed
    if minimum <= exact <= units - 1:
        assert abs(fee - exact) <= Decimal("0.5")
    assert fee >= min(units, minimum)


@each(
    ("units", "asset", "like", "text"),
    [
        (49_900_000, "USDT", None, "49.90"),
        (49_900_000, "USDT", "49.9", "49.9"),
        (49_900_000, "USDT", "49.900", "49.900"),
        (49_900_001, "USDT", "49.9", "49.900001"),
        (49_905_000, "USDC", None, "49.905"),
        (0, "USDT", None, "0.00"),
        (50_000_000, "USDT", "50", "50"),
        (4_990, "USD", None, "49.90"),
        (500, "JPY", None, "500"),
        (12_500, "KWD", None, "12.500"),
        (1, "USDT", None, "0.000001"),
    ],
)
def test_an_amount_is_not_padded_to_the_books_scale(
    units: int, asset: str, like: str | None, text: str
) -> None:
    assert shown(units, asset, like) == text

"""Pieces add up to their line, lines to their order, in every currency."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.kernel.money import Money
from recoup.kernel.problem import Problem
from recoup.terms.rules.refunds import Chosen, by_items, check_lines, items_of, pieces_units

ASSETS = ("JPY", "USD", "KWD", "CLF", "USDC")  # exponents 0, 2, 3, 4, 6


@given(units=st.integers(0, 10**12), cuts=st.lists(st.integers(1, 9), min_size=1, max_size=20))
def test_pieces_add_up_to_their_line(units: int, cuts: list[int]) -> None:
    quantity, first, total = sum(cuts), 0, 0
    for count in cuts:
        part = pieces_units(units, quantity, first, count)
        assert abs(part * quantity - units * count) < quantity * count
        first, total = first + count, total + part
    assert total == units


@st.composite
def baskets(draw: st.DrawFn) -> tuple[list[dict[str, Any]], int]:
    """Lines as a shop sends them, and what its customer paid. A line is worth something."""
    lines, paid = [], 0
    for _ in range(draw(st.integers(1, 8))):
        worth, tax, discount = (
            draw(st.integers(1, 10**7)),
            draw(st.integers(0, 10**5)),
            draw(st.integers(0, 10**6)),
        )
        line = {"amount": worth + discount, "tax": tax, "discountAmount": discount}
        if draw(st.booleans()):
            line["quantity"] = draw(st.integers(1, 12))
        lines.append(line)
        paid += worth + tax
    return lines, paid


@given(asset=st.sampled_from(ASSETS), basket=baskets(), data=st.data())
def test_a_basket_goes_back_piece_by_piece_to_the_unit(
    asset: str, basket: tuple[list[dict[str, Any]], int], data: st.DataObject
) -> None:
    lines, paid = basket
    items = items_of(lines)
    check_lines(items, Money(paid, asset))
    taken: dict[int, tuple[int, int]] = {}
    back = 0
    while open_lines := [
        i
        for i in items
        if taken.get(i.line, (0, 0))[1] < i.quantity and taken.get(i.line, (0, 0))[0] < i.units
    ]:
        item = data.draw(st.sampled_from(open_lines))
        left = item.quantity - taken.get(item.line, (0, 0))[1]
        want = {"line": item.line, "quantity": data.draw(st.integers(1, left))}
        try:
            units, chosen = by_items([want], items, taken)
        except Problem:  # pieces that are worth nothing by themselves
            units, chosen = by_items([want | {"quantity": left}], items, taken)
        back += units
        _take(taken, chosen)
    assert back == paid


def _take(taken: dict[int, tuple[int, int]], chosen: tuple[Chosen, ...]) -> None:
    for one in chosen:
        units, quantity = taken.get(one.line, (0, 0))
        taken[one.line] = (units + one.units, quantity + one.quantity)


@pytest.mark.parametrize(
    ("lines", "paid"),
    [
        ([{"amount": 3_000, "quantity": 3}, {"amount": 1_590}], 10_590),  # prices of a piece
        ([{"amount": 4_000}], 4_590),  # shipping that no line has
        ([{"amount": 4_590}, {"amount": 0, "discountAmount": 500}], 4_090),  # a line below zero
    ],
)
def test_lines_that_do_not_add_up_are_refused_with_the_sums(
    lines: list[dict[str, Any]], paid: int
) -> None:
    items = items_of(lines)
    with pytest.raises(
        Problem, match=f"The lines add up to {sum(i.units for i in items) / 100:.2f}"
    ) as refused:
        check_lines(items, Money(paid, "USD"))
    assert (refused.value.code, refused.value.field) == ("refund_items", "Items")
    assert f"the order is {paid / 100:.2f}" in refused.value.message
    check_lines((), Money(paid, "USD"))

"""Pieces add up to their line, lines to their order, in every currency."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.kernel.money import from_text
from recoup.kernel.problem import Problem
from recoup.rules.money.refunds import Chosen, allocate, by_items, items_of, pieces_units

ASSETS = ("JPY", "USD", "KWD", "CLF", "USDC")  # exponents 0, 2, 3, 4, 6


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any))
def test_nothing_is_lost(total: int, weights: list[int]) -> None:
    parts = allocate(total, weights)
    whole = sum(weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * whole - total * weight) < whole
        assert part == 0 or weight > 0
    assert allocate(whole, weights) == tuple(weights)


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, []), (1, [0, 0]), (1, [2, -1])])
def test_what_cannot_be_spread(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weight"):
        allocate(total, weights)


@given(units=st.integers(0, 10**12), cuts=st.lists(st.integers(1, 9), min_size=1, max_size=20))
def test_pieces_add_up_to_their_line(units: int, cuts: list[int]) -> None:
    quantity, first, total = sum(cuts), 0, 0
    for count in cuts:
        part = pieces_units(units, quantity, first, count)
        assert abs(part * quantity - units * count) < quantity * count
        first, total = first + count, total + part
    assert total == units


PRICES = st.integers(0, 10**7)
LINE = st.fixed_dictionaries({"amount": PRICES, "quantity": st.integers(1, 12), "tax": st.integers(0, 10**5)},
                             optional={"discountAmount": st.integers(0, 10**6)})  # fmt: skip


@given(asset=st.sampled_from(ASSETS), lines=st.lists(LINE, min_size=1, max_size=8), data=st.data())
def test_lines_add_up_to_the_order_and_go_back_piece_by_piece(
    asset: str, lines: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Shipping, tax or a discount on the whole order: every unit of it belongs to a line, and all of it comes back."""
    told = sum(item.units for item in items_of(lines))
    paid = from_text(str(data.draw(st.integers(1, max(1, told * 2)))), asset, "amount").units if told else 1
    paid = min(paid, max(1, told * 2))
    items = items_of(lines, paid)
    if not told:
        assert items == items_of(lines)
        return
    assert sum(item.units for item in items) == paid

    taken: dict[int, tuple[int, int]] = {}
    back = 0
    while open_lines := [
        i for i in items if taken.get(i.line, (0, 0))[1] < i.quantity and taken.get(i.line, (0, 0))[0] < i.units
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


def test_lines_that_are_no_account_of_the_order_keep_their_prices() -> None:
    assert [i.units for i in items_of([{"amount": 500, "quantity": 1}], 4_590)] == [500]
    assert [i.units for i in items_of([{"amount": 4_000, "quantity": 1}], 4_590)] == [4_590]
    assert [i.units for i in items_of([{"amount": 3_000}, {"amount": 3_000}], 4_591)] == [2_296, 2_295]

"""Limits on what can be given back of an order, by amount or by items."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, Final

from recoup.kernel.frozen import frozen
from recoup.kernel.money import Money, shown
from recoup.kernel.problem import Figure, Problem, Sentence, invalid
from recoup.terms.rules.fees import returned_units


def pieces_units(units: int, quantity: int, first: int, count: int) -> int:
    """Value of `count` pieces of a line, after the first `first` of them: all `quantity` add up to
    `units`."""
    each, more = divmod(units, quantity)

    def until(n: int) -> int:
        return n * each + min(n, more)

    return until(first + count) - until(first)


SHOWN_MAX: Final = 20  # lines that an error names


@frozen
class Item:
    """A line of the order. `units` is the line's price for its whole quantity, tax in, discount
    out."""

    line: int
    sku: str
    name: str
    units: int
    quantity: int


@frozen
class Chosen:
    """Part of a line that a refund takes: `quantity` whole pieces or `units` of money."""

    line: int
    units: int
    quantity: int


def by_amount(
    amount: Money, remaining: Money, *, cap: Money | None = None, like: str | None = None
) -> Money:
    """Raises: Problem(over_remainder) naming both amounts; `cap` is the operator's limit for
    partial refunds, `like` the amount as the order's sender wrote it."""
    limit = remaining if cap is None or amount == remaining else min(remaining, cap)
    if amount.units <= 0:
        raise invalid(
            "The amount to refund must be more than zero.",
            "AmountToRefund",
            "Send an amount like 19.99.",
        )
    if limit < amount:
        too_much, most = (
            Figure(shown(money.units, money.asset, like)) for money in (amount, limit)
        )
        message = Sentence(
            "Amount to refund ({0}) is greater than maximum refund amount ({1})", too_much, most
        )
        raise Problem(
            "over_remainder", message, field="AmountToRefund", cure="Refund at most what is left."
        )
    return amount


def most_refundable(units: int, refunded: int, free: int, fee: int, policy: str) -> int:
    """The largest refund of an order whose wallet holds `free`, beside what the refund returns of
    the fee."""

    def taken(refund: int) -> int:
        after, before = (
            returned_units(fee, policy, total, units) for total in (refunded + refund, refunded)
        )
        return refund - (after - before)

    left = units - refunded
    if taken(left) <= free:
        return left
    return max(0, bisect_right(range(left), free, key=taken) - 1)


def items_of(order_items: Sequence[Mapping[str, Any]]) -> tuple[Item, ...]:
    """The order's lines as sent, `line` counted from 1. A line's amount is for its whole
    quantity."""
    return tuple(
        Item(
            number,
            str(raw.get("sku") or ""),
            str(raw.get("name") or ""),
            max(0, _units(raw, "amount") + _units(raw, "tax") - _units(raw, "discountAmount")),
            max(1, _units(raw, "quantity")),
        )
        for number, raw in enumerate(order_items, 1)
    )


def _units(raw: Mapping[str, Any], name: str) -> int:
    return int(raw.get(name) or 0)


def lines_total(
    items: Sequence[Item], order: Money, like: str | None = None
) -> tuple[str, str] | None:
    """The sum of the lines and the order's amount, as text, where they differ; else None."""
    total = sum(item.units for item in items)
    if not items or total == order.units:
        return None
    return shown(total, order.asset, like), shown(order.units, order.asset, like)


def check_lines(items: Sequence[Item], order: Money, like: str | None = None) -> None:
    """Raises: Problem(refund_items) for lines that do not add up to the order."""
    differing = lines_total(items, order, like)
    if differing is not None:
        message = Sentence(
            "The lines add up to {0}, the order is {1}: no line has a sure price.", *differing
        )
        raise _no(message, "Items", "Refund by amountToRefund instead.")


def by_items(
    wanted: Sequence[Mapping[str, Any]], items: Sequence[Item], taken: Mapping[int, tuple[int, int]]
) -> tuple[int, tuple[Chosen, ...]]:
    """The units to refund and what they are for.

    `wanted`: {sku | line, quantity | amount (minor units)}; `taken`: line -> (units, quantity)
    refunded before. The last piece of a line takes what is left of it, so that a line refunded
    piece by piece closes to zero. Raises: Problem(refund_items) naming the line and why.
    """
    if not items:
        raise _no("The order was sent without items.", "Items", "Refund by amountToRefund instead.")
    chosen: list[Chosen] = []
    used = {line: list(pair) for line, pair in taken.items()}
    for index, want in enumerate(wanted):
        item = _find(want, items, index)
        units_before, quantity_before = used.setdefault(item.line, [0, 0])
        pick = _pick(want, item, units_before, quantity_before, f"Items[{index}]")
        used[item.line] = [units_before + pick.units, quantity_before + pick.quantity]
        chosen.append(pick)
    if not chosen:
        raise _no("No item is named.", "Items", "Name at least one by sku or line.")
    return sum(c.units for c in chosen), tuple(chosen)


def _find(want: Mapping[str, Any], items: Sequence[Item], index: int) -> Item:
    field = f"Items[{index}]"
    if want.get("line") is not None:
        chosen = [i for i in items if i.line == want["line"]]
    else:
        chosen = [i for i in items if i.sku and i.sku == want.get("sku")]
    if not chosen:
        lines = ", ".join(
            f"{i.line} ({i.sku})" if i.sku else str(i.line) for i in items[:SHOWN_MAX]
        )
        more = " and others" if len(items) > SHOWN_MAX else ""
        raise _no(
            "The order has no such item.",
            field,
            Sentence("Its lines are {0}{1}: name one by sku or line.", lines, more),
        )
    if len(chosen) > 1:
        lines = ", ".join(str(i.line) for i in chosen[:SHOWN_MAX])
        raise _no(
            "Several items have this sku.", field, Sentence("Name the line instead: {0}.", lines)
        )
    return chosen[0]


def _pick(
    want: Mapping[str, Any], item: Item, units_before: int, quantity_before: int, field: str
) -> Chosen:
    left_units, left_quantity = item.units - units_before, item.quantity - quantity_before
    if want.get("amount") is not None:
        units = int(want["amount"])
        if not 0 < units <= left_units:
            raise _no(
                Sentence("Line {0} has {1} minor units left to refund.", item.line, left_units),
                field,
                _left(left_units),
            )
        return Chosen(item.line, units, 0)
    quantity = int(want.get("quantity") or 1)
    if not 0 < quantity <= left_quantity:
        raise _no(
            Sentence("Line {0} has a quantity of {1} left to refund.", item.line, left_quantity),
            field,
            _left(left_quantity),
        )
    units = left_units
    if quantity != left_quantity:
        units = min(left_units, pieces_units(item.units, item.quantity, quantity_before, quantity))
    if not 0 < units <= left_units:
        raise _no(
            Sentence("Line {0} has {1} minor units left to refund.", item.line, left_units),
            field,
            _left(left_units),
        )
    return Chosen(item.line, units, quantity)


def _left(left: int) -> str:
    return (
        Sentence("Send {0} or less.", left)
        if left
        else "Leave this line out: all of it is refunded."
    )


def _no(message: str, field: str, cure: str) -> Problem:
    return Problem("refund_items", message, field=field, cure=cure)

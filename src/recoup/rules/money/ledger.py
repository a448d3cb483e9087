"""The ledger's recipes: each happening of an order as balanced entries.

An account is (purpose, asset, place); debit is positive. Every posting sums to zero, and every order's walk ends with
customer_due, refund_due and reversal_due at zero or on a desk. Source: data-model.md, chart of accounts.
"""

from typing import Final, NamedTuple

ACCOUNTS: Final = (
    "customer_due", "merchant_payable", "fees", "clearing", "refund_due", "reversal_due", "bad_debt", "bank",
)  # fmt: skip


class Entry(NamedTuple):
    """`place` is the route for money at a processor, else empty. `units` signed, debit positive."""

    account: str
    place: str
    units: int


class Posting(NamedTuple):
    recipe: str
    entries: tuple[Entry, ...]


def _pair(recipe: str, debit: str, credit: str, units: int, *, place: str = "", credit_place: str = "") -> Posting:
    if units <= 0:
        raise ValueError(f"{recipe} posts {units} units; a posting moves more than nothing")
    return Posting(recipe, (Entry(debit, place, units), Entry(credit, credit_place, -units)))


def approve(units: int) -> Posting:
    return _pair("approve", "customer_due", "merchant_payable", units)


def charge(units: int, route: str) -> Posting:
    return _pair("charge", "clearing", "customer_due", units, place=route)


def fee(units: int) -> Posting:
    return _pair("fee", "merchant_payable", "fees", units)


def refund_owed(units: int) -> Posting:
    return _pair("refund_owed", "merchant_payable", "refund_due", units)


def refund_refused(units: int) -> Posting:
    return _pair("refund_refused", "refund_due", "merchant_payable", units)


def refund_netted(units: int) -> Posting:
    return _pair("refund_netted", "refund_due", "customer_due", units)


def refund_done(units: int, route: str) -> Posting:
    return _pair("refund_done", "refund_due", "clearing", units, credit_place=route)


def late_approval(units: int, route: str) -> Posting:
    return _pair("late_approval", "clearing", "reversal_due", units, place=route)


def reversed_(units: int, route: str) -> Posting:
    return _pair("reversed", "reversal_due", "clearing", units, credit_place=route)


def uncollected(units: int) -> Posting:
    return _pair("uncollected", "bad_debt", "customer_due", units)


def collected(units: int, route: str, fee_units: int) -> tuple[Posting, ...]:
    """Approve and charge in one transaction."""
    return (*advanced(units, fee_units), charge(units, route))


def advanced(units: int, fee_units: int) -> tuple[Posting, ...]:
    """The operator takes the risk: the merchant is owed before the customer was charged."""
    return (approve(units), fee(fee_units)) if fee_units else (approve(units),)

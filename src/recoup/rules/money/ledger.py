"""The ledger's recipes: each happening of an order as balanced entries.

An account is (purpose, asset, place); debit is positive. Every posting sums to zero, and every order's walk ends with
customer_due, refund_due and reversal_due at zero or on a desk. Source: data-model.md, chart of accounts.
"""

from typing import Final, NamedTuple

ACCOUNTS: Final = (
    "customer_due", "merchant_payable", "fees", "clearing", "refund_due", "reversal_due", "bad_debt", "bank",
    "payout_due", "processing_cost", "suspense",
)  # fmt: skip
WALLET: Final = "wallet"  # the place of merchant_payable that stablecoin orders fill and payouts empty


class Entry(NamedTuple):
    """`place` is the route for money at a processor, WALLET for a stablecoin balance, else empty. `units` signed, debit
    positive."""

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


def approve(units: int, payable: str = "") -> Posting:
    """`payable`, here and below: the place of the merchant's share."""
    return _pair("approve", "customer_due", "merchant_payable", units, credit_place=payable)


def charge(units: int, route: str) -> Posting:
    return _pair("charge", "clearing", "customer_due", units, place=route)


def fee(units: int, payable: str = "") -> Posting:
    return _pair("fee", "merchant_payable", "fees", units, place=payable)


def refund_owed(units: int, payable: str = "") -> Posting:
    return _pair("refund_owed", "merchant_payable", "refund_due", units, place=payable)


def refund_refused(units: int, payable: str = "") -> Posting:
    return _pair("refund_refused", "refund_due", "merchant_payable", units, credit_place=payable)


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


def settled(units: int, channel: str) -> Posting:
    """Direct money has reached the merchant's own wallet; the fee stays where the payment came in."""
    return _pair("settled", "merchant_payable", "clearing", units, place=WALLET, credit_place=channel)


def payout_requested(units: int) -> Posting:
    return _pair("payout_requested", "merchant_payable", "payout_due", units, place=WALLET)


def payout_paid(units: int) -> Posting:
    return _pair("payout_paid", "payout_due", "bank", units)


def payout_returned(units: int) -> Posting:
    """Rejected or failed: it is the merchant's again."""
    return _pair("payout_returned", "payout_due", "merchant_payable", units, credit_place=WALLET)


def funded(units: int, route: str) -> Posting:
    """A processor has paid what it held for us to the bank."""
    return _pair("funded", "bank", "clearing", units, credit_place=route)


def processing_cost(units: int, route: str) -> Posting:
    return _pair("processing_cost", "processing_cost", "clearing", units, credit_place=route)


def suspended(units: int, route: str, file_kind: str) -> Posting:
    """Money that another's statement shows and nothing here explains yet: `units` came (+) or went (-)."""
    account, place = ("bank", "") if file_kind == "bank" else ("clearing", route)
    if units > 0:
        return _pair("suspended", account, "suspense", units, place=place)
    return _pair("suspended", "suspense", account, -units, credit_place=place)


def collected(units: int, route: str, fee_units: int, payable: str = "") -> tuple[Posting, ...]:
    """Approve and charge in one transaction."""
    return (*advanced(units, fee_units, payable), charge(units, route))


def advanced(units: int, fee_units: int, payable: str = "") -> tuple[Posting, ...]:
    """The operator takes the risk: the merchant is owed before the customer was charged."""
    return (approve(units, payable), fee(fee_units, payable)) if fee_units else (approve(units, payable),)

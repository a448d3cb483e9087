"""The ledger's recipes: each happening of an order as balanced entries.

An account is (purpose, asset, place); debit is positive. Every posting sums to zero, and every order's walk ends with
customer_due, refund_due and reversal_due at zero or on a desk. Source: data-model.md, chart of accounts.
"""

from typing import Final, NamedTuple

ACCOUNTS: Final = (
    "customer_due", "merchant_payable", "fees", "clearing", "refund_due", "reversal_due", "bad_debt", "bank",
    "payout_due", "dispute_loss", "dispute_cost", "reserve", "settlement_due", "adjustments",
    "processing_cost", "suspense",
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


def fee_returned(units: int, payable: str = "") -> Posting:
    """With a refund, by the contract."""
    return _pair("fee_returned", "fees", "merchant_payable", units, credit_place=payable)


def fee_taken_back(units: int, payable: str = "") -> Posting:
    """The refund with which it was returned is refused."""
    return _pair("fee_taken_back", "merchant_payable", "fees", units, place=payable)


def refund_refused(units: int, payable: str = "") -> Posting:
    return _pair("refund_refused", "refund_due", "merchant_payable", units, credit_place=payable)


def refund_netted(units: int) -> Posting:
    return _pair("refund_netted", "refund_due", "customer_due", units)


def refund_done(units: int, route: str) -> Posting:
    return _pair("refund_done", "refund_due", "clearing", units, credit_place=route)


def refund_by_hand(units: int) -> Posting:
    """By a transfer of the operator's, not through the processor."""
    return _pair("refund_by_hand", "refund_due", "bank", units)


def refund_failed(units: int, route: str) -> Posting:
    """It was made, and has come back to the processor: the customer is owed it again."""
    return _pair("refund_failed", "clearing", "refund_due", units, place=route)


def reversal_failed(units: int, route: str) -> Posting:
    return _pair("reversal_failed", "clearing", "reversal_due", units, place=route)


def reversal_by_hand(units: int) -> Posting:
    return _pair("reversal_by_hand", "reversal_due", "bank", units)


def late_approval(units: int, route: str) -> Posting:
    return _pair("late_approval", "clearing", "reversal_due", units, place=route)


def reversed_(units: int, route: str) -> Posting:
    return _pair("reversed", "reversal_due", "clearing", units, credit_place=route)


def part_owed_back(units: int) -> Posting:
    """A part of an order that ended without the rest: the merchant has it no more, and its customer is owed it."""
    return _pair("part_owed_back", "merchant_payable", "reversal_due", units)


def by_hand(units: int, route: str) -> Posting:
    """A late payment of a direct channel, which the merchant settled with its payer outside."""
    return _pair("by_hand", "reversal_due", "clearing", units, credit_place=route)


def kept(units: int) -> Posting:
    """Money that paid no order and was owed back: the merchant keeps it."""
    return _pair("kept", "reversal_due", "merchant_payable", units, credit_place=WALLET)


def accepted_shortfall(units: int) -> Posting:
    """The part of a stablecoin order that its payer left out, by its merchant's tolerance: the merchant bears it."""
    return _pair("accepted_shortfall", "merchant_payable", "customer_due", units, place=WALLET)


def overpaid(units: int, channel: str) -> Posting:
    """More than the order asked for, on a direct channel: it goes to the merchant's own wallet with the rest. Also what
    came of an accepted shortfall after all."""
    return _pair("overpaid", "clearing", "merchant_payable", units, place=channel, credit_place=WALLET)


def uncollected(units: int) -> Posting:
    return _pair("uncollected", "bad_debt", "customer_due", units)


def refund_of_bad_debt(units: int) -> Posting:
    """The customer never paid: what the merchant gives back is the operator's."""
    return _pair("refund_of_bad_debt", "refund_due", "bad_debt", units)


def disputed(units: int, route: str, liable: str, payable: str = "") -> Posting:
    """The issuer has taken the money back. `liable`: operator or merchant."""
    if liable == "merchant":
        return _pair("disputed", "merchant_payable", "clearing", units, place=payable, credit_place=route)
    return _pair("disputed", "dispute_loss", "clearing", units, credit_place=route)


def dispute_won(units: int, route: str, liable: str, payable: str = "") -> Posting:
    """The opposite of `disputed`, to the unit."""
    taken = disputed(units, route, liable, payable)
    return Posting("dispute_won", tuple(Entry(e.account, e.place, -e.units) for e in taken.entries))


def dispute_fee(units: int, route: str) -> Posting:
    """What the acquirer takes for a case; it does not give it back."""
    return _pair("dispute_fee", "dispute_cost", "clearing", units, credit_place=route)


def dispute_fee_charged(units: int, payable: str = "") -> Posting:
    """What the merchant pays for it, by contract."""
    return _pair("dispute_fee_charged", "merchant_payable", "fees", units, place=payable)


def dispute_fee_returned(units: int, payable: str = "") -> Posting:
    return _pair("dispute_fee_returned", "fees", "merchant_payable", units, credit_place=payable)


def reversal_netted(units: int) -> Posting:
    """A late approval that was to go back went back by a dispute: nothing is owed, and nothing was lost."""
    return _pair("reversal_netted", "reversal_due", "dispute_loss", units)


def reversal_owed_again(units: int) -> Posting:
    """The dispute was won; the customer is still owed what was never theirs to pay."""
    return _pair("reversal_owed_again", "dispute_loss", "reversal_due", units)


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


def adjusted(units: int) -> Posting:
    """By hand. `units` signed: + is in the merchant's favour."""
    if units > 0:
        return _pair("adjusted", "adjustments", "merchant_payable", units)
    return _pair("adjusted", "merchant_payable", "adjustments", -units)


def settlement_closed(units: int) -> Posting:
    """What a batch pays out is no longer the merchant's balance: it is due to its bank."""
    return _pair("settlement_closed", "merchant_payable", "settlement_due", units)


def carried(units: int) -> Posting:
    """Closes a batch that pays nothing: `units`, what it comes to, - when the merchant owes it, are taken out of it by
    the first entry, and stand in the next one by the second."""
    if not units:
        raise ValueError("carried posts nothing; a posting moves more than that")
    return Posting("carried", (Entry("merchant_payable", "", units), Entry("merchant_payable", "", -units)))


def reserve_held(units: int) -> Posting:
    return _pair("reserve_held", "merchant_payable", "reserve", units)


def reserve_released(units: int) -> Posting:
    return _pair("reserve_released", "reserve", "merchant_payable", units)


def paid_out(units: int) -> Posting:
    return _pair("paid_out", "settlement_due", "bank", units)


def payout_bounced(units: int) -> Posting:
    """The bank gave it back: it is due again."""
    return _pair("payout_bounced", "bank", "settlement_due", units)


def funded(units: int, route: str) -> Posting:
    """A processor has paid what it held for us to the bank."""
    return _pair("funded", "bank", "clearing", units, credit_place=route)


def funding_returned(units: int, route: str) -> Posting:
    """The bank took back what a processor had paid."""
    return _pair("funding_returned", "clearing", "bank", units, place=route)


def processing_cost(units: int, route: str) -> Posting:
    return _pair("processing_cost", "processing_cost", "clearing", units, credit_place=route)


def processing_cost_returned(units: int, route: str) -> Posting:
    return _pair("processing_cost_returned", "clearing", "processing_cost", units, place=route)


def suspended(units: int, route: str, file_kind: str) -> Posting:
    """Money that another's statement shows and nothing here explains yet: `units` came (+) or went (-)."""
    account, place = ("bank", "") if file_kind == "bank" else ("clearing", route)
    if units > 0:
        return _pair("suspended", account, "suspense", units, place=place)
    return _pair("suspended", "suspense", account, -units, credit_place=place)


def collected(units: int, route: str, fee_units: int, payable: str = "", short: int = 0) -> tuple[Posting, ...]:
    """Approve and charge in one transaction. `short`: what is not there of it, and accepted."""
    left_out = (accepted_shortfall(short),) if short else ()
    return (*advanced(units, fee_units, payable), *left_out, charge(units - short, route))


def advanced(units: int, fee_units: int, payable: str = "") -> tuple[Posting, ...]:
    """The operator takes the risk: the merchant is owed before the customer was charged."""
    return (approve(units, payable), fee(fee_units, payable)) if fee_units else (approve(units, payable),)

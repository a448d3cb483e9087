"""An invoice of a processor's own billing: whether it is fit for a rescue, and why a rescue of it
ends. Pure.

What the billing would not go on to charge is not charged here either: what its customer is just
paying, has paid otherwise or never agreed to. The words are Stripe's, as of
docs.stripe.com/billing/subscriptions/overview, docs.stripe.com/billing/subscriptions/pause-payment
and docs.stripe.com/api/invoices/object, read on 29 November 2026.
"""

from typing import Final

from msgspec import Struct

CHANGED: Final = (
    "invoice_differs",
    "invoice_paid_elsewhere",
)  # as a processor's codes: it is not what was to be paid
_STATUSES: Final = {
    "paid": "paid_elsewhere", "void": "invoice_voided", "uncollectible": "invoice_uncollectible",
    "draft": "invoice_gone",
}  # fmt: skip
_SUBSCRIPTIONS: Final = {
    "canceled": "subscription_cancelled", "incomplete_expired": "subscription_cancelled",
    "paused": "subscription_paused",
}  # fmt: skip
_BEGUN: Final = (None, "active", "trialing", "past_due")
# Why an invoice is not taken, beside the ends of a rescue.
LEFT_OUT: Final = {
    "first_payment": "Its customer is at the checkout and has not agreed to later charges.",
    "paid_again": "Its customer has paid the same by another invoice since.",
    "subscription_unpaid": "The processor has given up its subscription as unpaid.",
    "no_method": "The processor would charge no card for it.",
    "refused": "It was refused as an order: its card, amount or currency is not taken here.",
}


class InvoiceState(Struct, frozen=True):
    """An invoice as it stands. `units` are left to pay, after `credited` and `paid`.
    `subscription`: the status of its subscription, None without one; "paused" too where that
    collects nothing, "incomplete" where a change of it waits for this payment. `retried`: the
    billing has planned another attempt, with `method`. `paid_by`: the customer's later invoice for
    the same thing, which is paid."""

    units: int
    status: str = "open"
    credited: int = 0
    paid: int = 0
    is_automatic: bool = True
    billing_reason: str | None = None
    auto_advance: bool = True
    attempts: int = 1
    retried: bool = True
    method: str | None = None
    subscription: str | None = None
    paid_by: str | None = None


def end_of(state: InvoiceState | None, *, we_stopped: bool = False) -> str | None:
    """The reason why nobody is to charge it, as an order's reason; None where it goes on.
    `we_stopped`: the billing's own attempts."""
    if state is None:
        return "invoice_gone"
    if not (state.units or state.paid) and (state.credited or state.status == "open"):
        return "invoice_credited"
    end = _STATUSES.get("paid" if state.paid_by else state.status) or _SUBSCRIPTIONS.get(
        state.subscription or ""
    )
    goes_on = state.is_automatic and (state.auto_advance or we_stopped)
    return end or (None if goes_on else "billing_stopped")


def unfit(state: InvoiceState | None) -> str | None:
    """The reason why it is not taken; None for one that is fit."""
    if state is not None and state.attempts < 1:
        return "not_tried"
    end = end_of(state, we_stopped=True)
    if state is None or end is not None:
        return "paid_again" if state is not None and state.paid_by else end
    if state.subscription not in _BEGUN:
        return "first_payment" if state.subscription == "incomplete" else "subscription_unpaid"
    if state.billing_reason == "subscription_create" and not state.retried:
        return "first_payment"
    return end_of(state) or (None if state.method else "no_method")


def may_return(end: str | None) -> bool:
    """True when the billing gets an invoice back whose rescue brought nothing: one that it would go
    on to charge."""
    return end in (None, "subscription_paused", "billing_stopped")

"""Log lines that read differently for a stablecoin order than for a rescue."""

from collections.abc import Callable, Mapping
from typing import Final

from recoup.desk.page.order.words import refund_done
from recoup.kernel.problem import Sentence, shaped
from recoup.orders.store.order_page import OrderPage
from recoup.orders.store.order_page_rows import PageEvent
from recoup.people.page.timeline_entry import LogContext, TimelineEntry
from recoup.stablecoin.rules.channels import CHANNELS
from recoup.stablecoin.rules.event_names import NAMES


def _charged(context: LogContext) -> TimelineEntry:
    until = (
        Sentence(" It can be paid until {0}.", context.when(context.expires_at))
        if context.expires_at
        else ""
    )
    return TimelineEntry(
        "Charge created", Sentence("{0} to be paid.{1}", context.amount(), until), "orders"
    )


def _collected(context: LogContext) -> TimelineEntry:
    text = Sentence("Through {0}.", channel_name(context.get("route")))
    if context.get("short"):
        text = Sentence(
            "{0} {1} is missing of it, within your tolerance.", text, context.amount("short")
        )
    return TimelineEntry(
        Sentence("Paid: {0}", context.amount()),
        text,
        "completed",
        "ok",
        "money",
    )


def _settled(context: LogContext) -> TimelineEntry:
    text = Sentence("Transaction {0}.", context.get("tx_hash")) if context.get("tx_hash") else ""
    if text and context.get("network"):
        text = Sentence("Transaction {0} on {1}.", context.get("tx_hash"), context.get("network"))
    return TimelineEntry(
        Sentence("{0} reached your wallet", context.amount()), text, "completed", "ok", "money"
    )


def _plain(
    title: str, text: str = "", icon: str = "info", tone: str = "", kind: str = "money"
) -> Callable[[LogContext], TimelineEntry]:
    return lambda context: TimelineEntry(
        shaped(title, amount=context.amount()), text, icon, tone, kind
    )


_CHANNEL_LOOKS: Final = "The channel refused it. It is still owed; the operator is looking into it."
_CHANNEL_WAITS: Final = "The channel does not answer; it is sent until it does."
REASONS: Final[Mapping[str, str]] = {
    "declined": "The payment failed on its channel.",
    "expired": "Nobody paid in time.",
    "merchant_cancelled": "You cancelled it.",
}


def _refund(context: LogContext) -> TimelineEntry:
    number, amount = context.get("number"), context.amount()
    title = (
        Sentence("Refund {0} of {1}", number, amount)
        if number
        else Sentence("Refund of {0}", amount)
    )
    return TimelineEntry(
        title,
        "Owed to the customer from now on; it is sent to the channel at once.",
        "returned",
        "",
        "money",
    )


def _unapplied(context: LogContext) -> TimelineEntry:
    title = {
        "short": "{amount} arrived, too little for the order",
        "more": "{amount} arrived beyond the order",
    }.get(str(context.get("why")), "{amount} arrived after the order ended")
    text = "It is not lost; somebody decides whether to return it."
    return TimelineEntry(shaped(title, amount=context.amount()), text, "problem", "warn", "money")


def _decided(context: LogContext) -> TimelineEntry:
    if not context.body.get("by_hand"):
        return TimelineEntry(
            shaped("{amount} kept", amount=context.amount()),
            "It is yours now.",
            "check",
            "ok",
            "money",
        )
    title = shaped("{amount} settled by hand", amount=context.amount())
    return TimelineEntry(
        title, "Outside Recoup; see the note under Refunds.", "check", "ok", "money"
    )


SAY: Final[Mapping[str, Callable[[LogContext], TimelineEntry]]] = {
    "received": _charged,
    "started": lambda context: TimelineEntry("Payment detected", "", "processing", "run"),
    "attempt_approved": lambda context: TimelineEntry(
        "Payment confirmed", context.get("reference"), "check", "ok", "attempts"
    ),
    "attempt_declined": lambda context: TimelineEntry("The payment failed", "", "cancelled", "bad",
    "attempts"),
    "collected": _collected,
    "settlement_due": lambda context: TimelineEntry(
        Sentence("{0} on the way to your wallet", context.amount()), context.get("to"), "right", "",
        "money"
    ),
    "settled": _settled,
    "declined": _plain("Ended: the payment failed", "", "cancelled", "bad", "other"),
    "cancelled": _plain("Cancelled by you", "It can no longer be paid.", "cancelled", kind="other"),
    "expired": _plain("Expired", REASONS["expired"], "cancelled", kind="other"),
    "refund_owed": _refund,
    "refund_done": refund_done("The channel has sent it back."),
    "refund_refused": _plain("Refund of {amount} refused", "It no longer counts; the amount can be "
                                                           "refunded again.",
                             "problem", "bad"),
    "refund_delayed": _plain("Refund of {amount} delayed", _CHANNEL_WAITS, "clock", "warn"),
    "refund_stuck": _plain("Refund of {amount} is stuck", _CHANNEL_LOOKS, "problem", "bad"),
    "paid_late": _unapplied,
    "settled_by_hand": _decided,
    "reversed": _plain("{amount} returned to the customer", "The late payment is returned.",
    "returned", "ok"),
    "reversal_delayed": _plain("Return of {amount} delayed", _CHANNEL_WAITS, "clock", "warn"),
    "reversal_stuck": _plain("Return of {amount} is stuck", "The channel did not take it; try "
                                                            "again.", "problem",
                             "bad"),
}  # fmt: skip
# Events that this dialect delivers; others are kept and not sent.
WIRE: Final[Mapping[str, str]] = {ours: wire for wire, ours in NAMES.items()}


def event_name(page: OrderPage, event: PageEvent) -> str | None:
    """The name that its receivers give an event of this order; None when its dialect does not have
    it."""
    if page.order.kind != "stable":
        return str(event.event)
    if event.event == "order.cancelled" and event.body.get("status") != "failed":
        return None
    return WIRE.get(event.event)


def channel_name(code: str) -> str:
    return CHANNELS[code].name if code in CHANNELS else code or "the customer's choice"

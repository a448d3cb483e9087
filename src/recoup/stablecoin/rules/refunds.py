"""Check which stablecoin orders can be given back at all. Source: contract stablecoin-api §2.4,
§6."""

from recoup.kernel.problem import Problem
from recoup.orders.rules.snapshot import Order
from recoup.stablecoin.rules.channels import CHANNELS, Channel


def way_back(order: Order) -> str | None:
    """Cure for the merchant where a refund is not possible. None for other orders."""
    channel = _channel(order) if order.kind == "stable" else None
    if channel is None or channel.supports_refund:
        return None
    return (
        "It was paid into your own wallet, where we cannot reach it: send the money back from "
        "there."
    )


def _channel(order: Order) -> Channel | None:
    payment = order.paid_by()
    return CHANNELS.get((payment.route if payment else None) or order.source)


def check_gives_back(order: Order) -> None:
    """Raises: Problem(wrong_state) with the detail refund_unsupported for money that went to the
    merchant's own wallet.

    Orders of the other dialect pass.
    """
    if order.kind != "stable":
        return
    channel = _channel(order)
    if channel and not channel.supports_refund:
        raise Problem(
            "wrong_state",
            f"Orders of the channel {channel.code} settle straight to your own wallet; nothing is "
            f"left here.",
            "Send the money back from your wallet.",
            detail="refund_unsupported",
        )

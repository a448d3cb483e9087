"""Which stablecoin orders can be given back at all. Source: contract stablecoin-api §2.4, §6."""

from recoup.kernel.problem import Problem
from recoup.rules.order.snapshot import Order
from recoup.rules.stable.channels import CHANNELS


def check_gives_back(order: Order) -> None:
    """Raises: Problem(wrong_state) with the detail refund_unsupported for money that went to the merchant's own wallet.

    Orders of the other dialect pass.
    """
    if order.kind != "stable":
        return
    payment = order.paid_by()
    channel = CHANNELS.get((payment.route if payment else None) or order.source)
    if channel is not None and not channel.supports_refund:
        message = f"Orders of the channel {channel.code} settle straight to your own wallet; nothing is left here."
        raise Problem("wrong_state", message, cure="Send the money back from your wallet.", detail="refund_unsupported")

"""A paused merchant takes no new orders, of either dialect. Pure."""

from recoup.kernel.problem import Problem
from recoup.merchants.rules.merchant import Merchant


def check_taking(merchant: Merchant) -> None:
    """Raises: Problem(forbidden). What it has taken before goes on: retries, refunds, reports."""
    if merchant.state == "paused":
        raise Problem(
            "forbidden",
            "This merchant is paused: it takes no new orders.",
            cure="Its partner, or the operator, can make it active again.",
            detail="merchant_suspended",
        )

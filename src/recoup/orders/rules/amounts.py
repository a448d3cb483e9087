"""Amounts as this API writes them: decimal text that keeps the sender's scale. Source: contract
stablecoin-api §2.1."""

import re
from typing import Final

from recoup.kernel.money import EXPONENTS, Money, from_text, shown
from recoup.kernel.problem import Problem, invalid

WHOLE_MAX: Final = 999_999_999  # of the currency: every sum of amounts stays far inside 64 bits
_DECIMAL: Final = re.compile(r"(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?", re.ASCII)


def amount_of(text: object, asset: str, field: str = "amount") -> Money:
    """More than zero, plain decimal text, no finer than the asset's book scale.

    Raises: Problem(invalid) with the detail invalid_amount.
    """
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise _no(
            field,
            f"The {field} must be a decimal string.",
            'Send a plain decimal in quotes, like "49.90".',
        )
    scale = EXPONENTS[asset]
    whole, _, fraction = text.partition(".")
    if len(fraction) > scale:
        raise _no(
            field,
            f"The {field} has more than {scale} decimals, which is {asset}'s scale.",
            "Round it first.",
        )
    if int(whole) > WHOLE_MAX:
        raise _no(
            field,
            f"The {field} is more than {WHOLE_MAX} {asset}.",
            "Send less, or several charges.",
        )
    money = from_text(text, asset, field)
    if money.units <= 0:
        raise _no(field, f"The {field} must be more than zero.", "Send what is to be paid.")
    return money


def check_currency(currency: str) -> str:
    """Raises: Problem(invalid)."""
    if currency not in EXPONENTS:
        message = f"The currency {currency[:16]!r} is not known."
        raise invalid(message, "currency", "Send USDT, USDC or an ISO 4217 code in capitals.")
    return currency


def text_like(units: int, asset: str, like: str) -> str:
    """`units` with the decimals of `like`, and more where they are needed; zero is `0`."""
    return shown(units, asset, like) if units else "0"


def plain_text(units: int, asset: str) -> str:
    """`units` without needless zeros: balances and fees, which nobody gave a scale."""
    return text_like(units, asset, "")


def _no(field: str, message: str, cure: str) -> Problem:
    return Problem("invalid", message, field=field, cure=cure, detail="invalid_amount")

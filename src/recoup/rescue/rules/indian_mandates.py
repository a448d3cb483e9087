"""Payments without the customer on cards of Indian issuers need what Recoup cannot give: refused as
they come in.

Source: Reserve Bank of India, Digital Payments - E-mandate Framework, 2026 (21 April 2026): the
issuer's notice at least 24 hours before each debit, and above 15,000 INR the customer's
authentication.
"""

from typing import Final

from recoup.kernel.problem import Problem

_FIELD: Final = "PaymentMethod.CardCountry"
_NEEDS: Final = (
    "A payment in INR without the customer on a card of an Indian issuer needs the issuer's notice "
    "24 hours before, and"
    " above 15,000 INR the customer's authentication. Recoup sends no such notice."
)
_CURE: Final = (
    "Collect it through your processor's e-mandate, or let the customer pay: isMIT false."
)
_UNTOLD: Final = (
    "For a payment in INR without the customer the country of the card's issuer is needed."
)
_TELL: Final = "Send it as cardCountry, two letters."


def check_notice(currency: str, issuer_country: str | None, *, by_customer: bool) -> None:
    """Raises: Problem(invalid) for one of an Indian issuer, or of an issuer that nobody names."""
    if by_customer or currency != "INR" or issuer_country not in (None, "", "IN"):
        return
    message, cure = (_NEEDS, _CURE) if issuer_country == "IN" else (_UNTOLD, _TELL)
    raise Problem("invalid", message, field=_FIELD, cure=cure)

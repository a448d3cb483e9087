"""Answers of the stand-in's stored cards, by their holder's name: Adyen's own test names, and some
of ours for what it has none for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple


class Card(NamedTuple):
    """`reason`: code and text of a refusal; `raw`: field 39 and its text; `more`: further
    additional data; `exempt`: to a payment that claims an exemption."""

    brand: str = "visa"
    result: str = "Authorised"
    reason: tuple[str, str] | None = None
    raw: str | None = None
    more: Mapping[str, str] = MappingProxyType({})
    error: str | None = None
    exempt: "Card | None" = None

    def claiming(self, *, exempt: bool) -> "Card":
        """The answer to a payment, which claims an exemption or none."""
        return self.exempt if exempt and self.exempt is not None else self


def _refused(
    code: str, text: str, raw: str | None = None, *, brand: str = "visa", **more: Any
) -> Card:
    return Card(
        brand,
        "Refused",
        (code, text),
        raw,
        MappingProxyType({k.replace("__", "."): v for k, v in more.items()}),
    )


_WANTS: Final = _refused("38", "Authentication required", "1A : Additional authentication required")
CARDS: Final = MappingProxyType(
    {
        "visa": Card(),
        "mc": Card("mc"),
        "amex": Card("amex"),
        "DECLINED": _refused("2", "Refused", "05 : Do not honor"),
        "NOT_ENOUGH_BALANCE": _refused(
            "12", "Not enough balance", "51 : Insufficient funds/over credit limit"
        ),
        "half": Card(result="PartiallyAuthorised"),
        "BLOCK_CARD": _refused("5", "Blocked Card", "41 : Lost card, pick up"),
        "CARD_EXPIRED": _refused("6", "Expired Card", "54 : Expired card"),
        "ISSUER_UNAVAILABLE": _refused("9", "Issuer Unavailable", "91 : Issuer unavailable"),
        "AUTHENTICATION_REQUIRED": _WANTS,
        "not_exempt": Card(exempt=_WANTS),
        "mc_not_exempt": Card(
            "mc", exempt=_refused("2", "Refused", "65 : Soft decline", brand="mc")
        ),
        "FRAUD": _refused("20", "FRAUD"),
        "ERROR": Card(result="Error", reason=("4", "Acquirer Error")),
        "CANCELLED": Card(result="Cancelled", reason=("15", "Cancelled")),
        "PENDING": Card(result="Pending"),
        "RECEIVED": Card(result="Received"),
        "CHALLENGE": Card(result="ChallengeShopper"),
        "REDIRECT": Card(result="RedirectShopper"),
        "IDENTIFY": Card(result="IdentifyShopper"),
        "no_codes": _refused("2", "Refused"),
        "own_acquiring": _refused("12", "Not enough balance", refusalCodeRaw="51"),
        "mc_advice03": _refused(
            "2",
            "Refused",
            "05 : Do not honor",
            brand="mc",
            merchantAdviceCode="03 : Do not try again",
        ),
        "visa_advice03": _refused(
            "2", "Refused", "05 : Do not honor", merchantAdviceCode="03 : Do not try again"
        ),
        "updated": Card(
            more=MappingProxyType(
                {"realtimeAccountUpdaterStatus": "CardExpiryChanged", "expiryDate": "3/2035"}
            )
        ),
        "closed": _refused(
            "5",
            "Blocked Card",
            "14 : Invalid account number",
            realtimeAccountUpdaterStatus="CloseAccount",
        ),
        "rescued": _refused(
            "12",
            "Not enough balance",
            "51 : Insufficient funds",
            retry__rescueScheduled="true",
            retry__rescueReference="RESCUE0000000001",
        ),
        "sent_again": _refused(
            "12",
            "Not enough balance",
            "51 : Insufficient funds",
            retry__attempt1__rawResponse="91 : Issuer unavailable",
        ),
    }
)

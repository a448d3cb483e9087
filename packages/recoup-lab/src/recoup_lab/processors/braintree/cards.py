"""Answers of the stand-in's vaulted methods. An amount of 2000 to 2999 declines any with that code,
as the vendor's sandbox does."""

from types import MappingProxyType
from typing import Final, NamedTuple

from recoup.networks.allow_list import PHONE_CARD
from recoup.networks.card import scheme_of
from recoup.networks.magic import COUNTING_CARDS


class Answer(NamedTuple):
    """`code`: the gateway's own, None for an approval; `network`: field 39; `advice`: Mastercard's;
    `rejected`: the gateway's reason, where it stopped the charge itself. `not_exempt`: its bank
    wants the payer where an exemption is claimed. `once`: a method's first charge is declined, the
    rest are approved."""

    brand: str = "VISA"
    code: str | None = None
    text: str = ""
    network: str | None = None
    advice: str | None = None
    decline: str | None = None
    rejected: str | None = None
    not_exempt: bool = False
    once: bool = False

    def after(self, charges: int) -> "Answer":
        """The answer to a method's next charge."""
        return self._replace(code=None, network=None, text="") if self.once and charges else self


CARDS: Final = MappingProxyType(
    {
        "visa": Answer(),
        "mastercard": Answer("MASTERCARD"),
        "not_exempt": Answer(not_exempt=True),
        "insufficient_funds": Answer(
            code="2001", text="Insufficient Funds", network="51", decline="SOFT"
        ),
        "lost_card": Answer(
            code="2053", text="Card reported as lost or stolen", network="41", decline="HARD"
        ),
        "authentication": Answer(
            code="2099", text="Cardholder Authentication Required", network="1A", decline="SOFT"
        ),
        "risk": Answer(rejected="RISK_THRESHOLD"),
        "excessive_retry": Answer(rejected="EXCESSIVE_RETRY"),
        "mastercard_advice03": Answer("MASTERCARD", "2000", "Do Not Honor", "05", "03", "HARD"),
        "visa_advice03": Answer("VISA", "2000", "Do Not Honor", "05", "03", "HARD"),
        "no_codes": Answer(code="2038", text="Processor Declined"),
        "processor_declined": Answer(
            code="2000", text="Do Not Honor", network="05", decline="SOFT"
        ),
        "insufficient_funds_once": Answer(
            code="2001", text="Insufficient Funds", network="51", decline="SOFT", once=True
        ),
    }
)
# The vendor's own single-use ids for tests; `fake-NAME-nonce` is any of the above.
FAKES: Final = MappingProxyType(
    {
        "fake-valid-nonce": "visa",
        "fake-valid-visa-nonce": "visa",
        "fake-valid-mastercard-nonce": "mastercard",
        "fake-processor-declined-visa-nonce": "processor_declined",
        "fake-gateway-rejected-fraud-nonce": "risk",
    }
)
# Card numbers for tests, which are nobody's: like the vendor's sandbox it takes no others.
NUMBERS: Final = MappingProxyType(
    {
        number: scheme_of(number)
        for number in (PHONE_CARD, *COUNTING_CARDS)
        if scheme_of(number) in CARDS
    }
)

"""Answers of the stand-in's cards: Stripe's own test methods, and some of ours for what it has none
for."""

from types import MappingProxyType
from typing import Final, NamedTuple


class Answer(NamedTuple):
    """`decline`: Stripe's code, None for an approval; `network`: field 39; `advice`: the network's;
    `own`: Stripe's advice. `blocked`: stopped before the network. `then`: what happens to the
    charge or its refund later. `times`: the charges of a method that are declined before the rest
    are approved, None for all."""

    brand: str = "visa"
    decline: str | None = None
    code: str = "card_declined"
    network: str | None = None
    advice: str | None = None
    own: str | None = None
    blocked: bool = False
    wants_payer: bool = False
    then: str | None = None
    times: int | None = None

    def after(self, charges: int) -> "Answer":
        """The answer to a method's next charge."""
        return (
            self._replace(decline=None)
            if self.times is not None and charges >= self.times
            else self
        )


_DECLINED: Final = "visa_chargeDeclined"
CARDS: Final = MappingProxyType(
    {
        "visa": Answer(),
        "mastercard": Answer("mastercard"),
        "amex": Answer("amex"),
        _DECLINED: Answer(decline="generic_decline", network="05", own="try_again_later"),
        f"{_DECLINED}InsufficientFunds": Answer(
            decline="insufficient_funds", network="51", own="try_again_later"
        ),
        "visa_insufficientFundsOnce": Answer(
            decline="insufficient_funds", network="51", own="try_again_later", times=1
        ),
        f"{_DECLINED}LostCard": Answer(decline="lost_card", network="41", own="do_not_try_again"),
        f"{_DECLINED}StolenCard": Answer(
            decline="stolen_card", network="43", own="do_not_try_again"
        ),
        "chargeDeclinedExpiredCard": Answer(
            decline="expired_card", code="expired_card", network="54"
        ),
        "chargeDeclinedProcessingError": Answer(
            decline="processing_error", code="processing_error", network="96"
        ),
        "authenticationRequired": Answer(
            decline="authentication_required",
            code="authentication_required",
            network="1A",
            wants_payer=True,
        ),
        "radarBlock": Answer(decline="fraudulent", blocked=True),
        "createDispute": Answer(then="dispute"),
        "refundFail": Answer(then="refund_fails"),
        "mastercard_chargeDeclinedInsufficientFunds": Answer(
            "mastercard", "insufficient_funds", network="51"
        ),
        "amex_chargeDeclinedInsufficientFunds": Answer("amex", "insufficient_funds", network="51"),
        "mastercard_advice03": Answer(
            "mastercard", "generic_decline", network="05", advice="03", own="do_not_try_again"
        ),
        "visa_advice03": Answer("visa", "generic_decline", network="05", advice="03"),
        "noCodes": Answer(decline="generic_decline"),
    }
)

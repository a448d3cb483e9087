"""Every event of Adyen's webhooks, and what it means here. Source: Adyen/adyen-openapi, Webhooks-v1
and TokenizationNotification-v1, commit aa014f0cbdb5 of 2026-07-01.

`AT_ITS_STAGE`: of a case at whatever stage it is known, for events that say nothing of it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from recoup.networks.disputes import AT_ITS_STAGE, NoticeStage, Status
from recoup.processors.gateways.connector import Subject
from recoup.processors.rules.answers import MovementKind

REPORT: Final = "REPORT_AVAILABLE"
OF_INQUIRY: Final = frozenset(
    {"Unresponded", "Responded", "Expired"}
)  # `disputeStatus` of a request for information


class Meaning(NamedTuple):
    """`subject`: what is asked about, or moved; None for an event that changes nothing, `because`
    of that. `stage` and `status`: of a dispute. `result`: it says what became of a message of ours:
    by its `success`, or False for what had succeeded and has failed since. `movement`: what it says
    was done with a payment, whoever asked for it."""

    subject: Subject | None = None
    because: str = ""
    stage: NoticeStage = AT_ITS_STAGE
    status: Status = "open"
    result: bool | None = None
    movement: MovementKind | None = None


def _case(stage: NoticeStage, status: Status) -> Meaning:
    return Meaning("dispute", stage=stage, status=status)


def _nothing(*events: str, because: str) -> dict[str, Meaning]:
    return dict.fromkeys(events, Meaning(because=because))


def _moved(movement: MovementKind, *, result: bool = True) -> Meaning:
    return Meaning("modification", result=result, movement=movement)


EVENTS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "AUTHORISATION": Meaning("charge", result=True),
        "AUTORESCUE": Meaning("charge"),
        "CAPTURE": _moved("capture"),
        "CAPTURE_FAILED": _moved("capture_failed", result=False),
        **dict.fromkeys(("CANCELLATION", "TECHNICAL_CANCEL", "CANCEL_OR_REFUND"), _moved("void")),
        "REFUND": _moved("refund"),
        **dict.fromkeys(
            ("REFUND_FAILED", "REFUNDED_REVERSED"), _moved("refund_failed", result=False)
        ),
        "EXPIRE": Meaning("hold"),
        "NOTIFICATION_OF_FRAUD": Meaning("fraud"),
        "REQUEST_FOR_INFORMATION": _case("inquiry", "open"),
        "NOTIFICATION_OF_CHARGEBACK": _case("first", "open"),
        "CHARGEBACK": _case("first", "open"),
        "CHARGEBACK_REVERSED": _case("first", "won"),
        "INFORMATION_SUPPLIED": _case(AT_ITS_STAGE, "answered"),
        "DISPUTE_DEFENSE_PERIOD_ENDED": _case(AT_ITS_STAGE, "lost"),
        "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": _case(AT_ITS_STAGE, "won"),
        "SECOND_CHARGEBACK": _case("pre_arbitration", "lost"),
        "PREARBITRATION_OPEN": _case("pre_arbitration", "open"),
        "PREARBITRATION_ACCEPTED": _case("pre_arbitration", "lost"),
        "PREARBITRATION_DECLINED": _case("pre_arbitration", "answered"),
        "PREARBITRATION_ISSUER_WITHDRAWN": _case("pre_arbitration", "won"),
        "PREARBITRATION_WON": _case("pre_arbitration", "won"),
        "PREARBITRATION_LOST": _case("pre_arbitration", "lost"),
        "SCHEME_ARBITRATION": _case("arbitration", "open"),
        "SCHEME_ARBITRATION_WON": _case("arbitration", "won"),
        "SCHEME_ARBITRATION_LOST": _case("arbitration", "lost"),
        **_nothing("ISSUER_COMMENTS", because="the bank's words stand in the Customer Area"),
        **_nothing(REPORT, because="its books are read when they are asked for"),
        **_nothing(
            "CANCEL_AUTORESCUE", because="Recoup asks for no rescue by Adyen, so it ends none"
        ),
        **_nothing("AUTHORISATION_ADJUSTMENT", because="Recoup changes no hold"),
        **_nothing("POSTPONED_REFUND", because="the refund's own result follows"),
        **_nothing(
            "REFUND_WITH_DATA",
            "VOID_PENDING_REFUND",
            because="Recoup refunds nothing without its payment",
        ),
        **_nothing(
            "MANUAL_REVIEW_ACCEPT",
            "MANUAL_REVIEW_REJECT",
            because="a review moves no money: a cancel or refund that follows has its own event",
        ),
        **_nothing(
            "RECURRING_CONTRACT", because="a stored card is told of by the tokens' own events"
        ),
        **_nothing(
            "ORDER_OPENED",
            "ORDER_CLOSED",
            because="Recoup takes no payment in parts by Adyen's orders",
        ),
        **_nothing("OFFER_CLOSED", because="nothing was charged"),
        **_nothing(
            "PAIDOUT_REVERSED",
            "PAYOUT_DECLINE",
            "PAYOUT_EXPIRE",
            "PAYOUT_THIRDPARTY",
            because="Recoup pays nobody out there",
        ),
        **_nothing(
            "ACH_NOTIFICATION_OF_CHANGE",
            "DIRECT_DEBIT_NOTICE_OF_CHANGE_NOTIFICATION",
            because="it is about a bank account, and Recoup charges cards",
        ),
    }
)
TOKENS: Final[Mapping[str, Meaning]] = MappingProxyType({
    "recurring.token.updated": Meaning("method"), "recurring.token.disabled": Meaning("method"),
    **_nothing("recurring.token.created", "recurring.token.alreadyExisting",
               because="a card is known here once an order names it"),
})  # fmt: skip

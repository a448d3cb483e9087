"""What somebody shall look at about an order: one code of what may be several things, and the sentence that it means.

A code may have an argument behind a colon: `dispute_late:2` is of the second dispute, `held:…` says why it is held, by
a code of `whys`.
"""

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from recoup.kernel.problem import Sentence, shaped
from recoup.networks import whys
from recoup.orders.rules.lifecycle import Stage

if TYPE_CHECKING:
    from recoup.orders.rules.snapshot import Order

HELD: Final = "held"
ANSWER_DIFFERS: Final = "answer_differs"
NOT_REPEATED: Final = "not_repeated"
UNKNOWN: Final = "outcome_unknown"
REQUEST_REFUSED: Final = "refused_request"
CHARGE_UNKNOWN: Final = "charge_unknown"
CHARGE_CLAIMED: Final = "charge_claimed"
PAID_TWICE: Final = "paid_twice"
PAID_TOO: Final = "paid_too"
PAID_LATE: Final = "paid_late"
UNAPPLIED: Final = "unapplied_money"
UNEXPECTED: Final = "unexpected_money"
TAKEN_BACK: Final = "payment_taken_back"
RETRYING: Final = "merchant_retries"
REFUNDED_BEFORE: Final = "refunded_before_dispute"
REFUND_NOT_SENT: Final = "refund_not_sent"
SETTLEMENT_STUCK: Final = "settlement_stuck"
SETTLEMENT_DELAYED: Final = "settlement_delayed"
LATE: Final = "dispute_late"
REASON_UNKNOWN: Final = "dispute_reason_unknown"
ANSWER_DELAYED: Final = "dispute_answer_delayed"
ANSWER_REFUSED: Final = "dispute_answer_refused"
FRAUD_WARNED: Final = "fraud_warned"
INVOICE_CLOSED: Final = "invoice_closed"
INVOICE_LEFT: Final = "invoice_left_open"
REFUND_FAILED: Final = "refund_failed"
HOLD_EXPIRED: Final = "hold_expired"
UNCLEAR_DECLINE: Final = "unclear_decline"
CAPTURE_FAILED: Final = "capture_failed"
FOR_PEOPLE: Final = (PAID_TWICE, PAID_TOO)  # no answer of a processor settles it
# The latter give way to what is urgent.
SETTLED_BY_PEOPLE: Final = (
    *FOR_PEOPLE,
    FRAUD_WARNED,
    INVOICE_CLOSED,
    INVOICE_LEFT,
    REFUND_FAILED,
    HOLD_EXPIRED,
    UNCLEAR_DECLINE,
    CAPTURE_FAILED,
    REASON_UNKNOWN,
    UNEXPECTED,
    TAKEN_BACK,
)
_STUCK: Final = "A {kind} is stuck: the processor did not take it."
_DELAYED: Final = "A {kind} is delayed: it is sent until the processor answers."
_KINDS: Final = ("refund", "capture", "void", "reversal")
_SENTENCES: Final = MappingProxyType({
    HELD: "{0}",  # a code of `whys`
    UNKNOWN: "The processor has not said for a day whether this payment went through.",
    REQUEST_REFUSED: "The processor refused the request as invalid, so it is not repeated. The timeline has its words.",
    ANSWER_DIFFERS: "The processor's answer is of another payment, amount or currency: it is not booked. Look it up"
    " there.",
    NOT_REPEATED: "The processor may have forgotten this payment, so it is not sent again. Look it up there.",
    CHARGE_UNKNOWN: "The processor has not said for a day whether the customer was charged. It is asked until it does.",
    CHARGE_CLAIMED: "Not charged: by what the merchant reports of this card, it may not be tried for now.",
    PAID_TWICE: "Paid twice: the merchant's own payment succeeded too. Refund one of them.",
    PAID_TOO: "The same customer paid the same amount with this card under another order id.",
    PAID_LATE: "Paid after its end: the money is there, the order is not open any more.",
    UNAPPLIED: "Money arrived that does not pay this order: too little, too much or too late. Return it or keep it.",
    UNEXPECTED: "Money arrived that this order did not ask for. Look at its transfers, then mark it as resolved.",
    TAKEN_BACK: "A reorganisation of the chain took back this payment after it had been confirmed.",
    RETRYING: "You are retrying this payment too; each retry uses up the card's allowance.",
    REFUNDED_BEFORE: "Already refunded: the cardholder disputes what went back. Answer with the refund's reference.",
    REFUND_NOT_SENT: "A refund was not sent: the cardholder took the money back by a dispute first.",
    FRAUD_WARNED: "The card's issuer reports this payment as fraud: a dispute may follow, and the card is not charged"
    " again.",
    REFUND_FAILED: "A refund that was made has failed at the processor: the customer did not get the money.",
    HOLD_EXPIRED: "The processor says that this hold has expired: what was not captured cannot be taken any more.",
    UNCLEAR_DECLINE: "The decline sounds final, but its words are on no list: nothing is planned before they are read.",
    CAPTURE_FAILED: "The capture failed at the processor: the money was not taken, and the order is not paid.",
    INVOICE_CLOSED: "Paid, and its invoice was closed at the processor without this payment.",
    INVOICE_LEFT: "Its customer has paid the same by another invoice; this one stays open at the processor.",
    SETTLEMENT_STUCK: "A settlement is stuck: the channel did not take it. The money is still the merchant's.",
    SETTLEMENT_DELAYED: "A settlement is delayed: the channel does not take it. It is sent until it does.",
    LATE: "Dispute {0} must be answered soon; without an answer it is lost.",
    REASON_UNKNOWN: "The reason code of its dispute is on no list. No card is blocked before somebody has read it.",
    ANSWER_DELAYED: "The answer to dispute {0} is sent until the processor hears it.",
    ANSWER_REFUSED: "The processor did not take the answer to dispute {0}.",
    **{f"{kind}_stuck": shaped(_STUCK, kind=kind) for kind in _KINDS},
    **{f"{kind}_delayed": shaped(_DELAYED, kind=kind) for kind in _KINDS},
})  # fmt: skip
CODES: Final = tuple(_SENTENCES)


def stuck(kind: str) -> str:
    """`kind`: a modification's."""
    return f"{kind}_stuck"


def delayed(kind: str) -> str:
    return f"{kind}_delayed"


def of_dispute(code: str, dispute_no: int) -> str:
    return f"{code}:{dispute_no}"


def held(why: str) -> str:
    """`why`: a code of `whys`."""
    return f"{HELD}:{why}"


def code_of(attention: str) -> str:
    return attention.partition(":")[0]


def sentence_of(attention: str) -> str:
    """In English, also of a code of `whys`."""
    code, _, argument = attention.partition(":")
    if code not in _SENTENCES:
        return whys.sentence_of(attention)
    if code == HELD:
        return whys.sentence_of(argument)
    sentence = _SENTENCES[code]
    return sentence if isinstance(sentence, Sentence) else Sentence(sentence, argument)


def needed(order: "Order") -> str | None:
    """What still needs somebody, whatever was settled beside it."""
    if order.stage is Stage.HELD:
        return held(str(order.held.get("why") or whys.ON_HOLD))
    if order.stage is Stage.PROBLEM:
        return REQUEST_REFUSED if order.is_refused else UNKNOWN
    unsent = next((refund for refund in order.modifications if refund.state == "stuck"), None)
    if unsent is not None:
        return stuck(unsent.kind)
    open_ = next((d for d in order.disputes if d.state == "open" and d.warned and not d.answering), None)
    return of_dispute(LATE, open_.dispute_no) if open_ is not None else None

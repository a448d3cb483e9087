"""Attention that an order needs from somebody: one code of what may be several things, and the
sentence that it means.

A code may have an argument behind a colon: `dispute_late:2` is of the second dispute, `held:…` says
why it is held, by a code of `whys`.
"""

from typing import Final, NamedTuple

from recoup.kernel.extended import Extended
from recoup.kernel.feature import Place
from recoup.kernel.problem import Sentence, shaped
from recoup.networks import whys

OPERATOR: Final = "the operator of Recoup; name the order's id."
DESK: Final = "somebody with the role operations."
DEVELOPER: Final = "the person in charge of your own retries."
CAPTURES: Final = "the person in charge of your captures."
SENT_AGAIN: Final = "Nothing: it is sent until the processor answers."


class Attention(NamedTuple):
    """What pages say of a reason. `sentence`: `{0}` is the code's argument. `cure`, `ask`: what
    helps, and whom to ask; empty where the page says that by the order's stage. `by_people`: it
    ends when a person says so. `while_paid`: and when nothing of the payment is left."""

    code: str
    sentence: str
    cure: str = ""
    ask: str = ""
    by_people: bool = False
    while_paid: bool = False


_LOOKED_UP: Final = (
    "Look up at the processor what became of it, and report it to the operator.",
    OPERATOR,
)
BY_HAND: Final = ("Under Refunds, send it again or pay it by hand.", OPERATOR)
HELD: Final = "held"  # a code of `whys`
UNKNOWN: Final = "outcome_unknown"
REQUEST_REFUSED: Final = "refused_request"
ANSWER_DIFFERS: Final = "answer_differs"
NOT_REPEATED: Final = "not_repeated"
CHARGE_UNKNOWN: Final = "charge_unknown"
CHARGE_CLAIMED: Final = "charge_claimed"
PAID_TWICE: Final = "paid_twice"
PAID_TOO: Final = "paid_too"
RETRYING: Final = "merchant_retries"
LATE: Final = "dispute_late"
UNCLEAR_DECLINE: Final = "unclear_decline"
_STUCK: Final = "A {kind} is stuck: the processor did not take it."
_DELAYED: Final = "A {kind} is delayed: it is sent until the processor answers."
_KINDS: Final = ("refund", "capture", "void", "reversal")
_UNSENT: Final = {  # a capture is refused, never stuck
    "refund": BY_HAND,
    "reversal": BY_HAND,
    "void": ("Under Refunds, try the void again.", OPERATOR),
}
_OWN: Final = (
    Attention(HELD, "{0}"),
    Attention(UNKNOWN, "The processor has not said for a day whether this payment went through."),
    Attention(
        REQUEST_REFUSED,
        "The processor refused the request as invalid, so it is not repeated. The timeline has its "
        "words.",
        "The timeline has the processor's words. Fix what they name and retry the order, or cancel "
        "it.",
        OPERATOR,
    ),
    Attention(
        ANSWER_DIFFERS,
        "The processor's answer is of another payment, amount or currency: it is not booked. Look "
        "it up there.",
        *_LOOKED_UP,
    ),
    Attention(
        NOT_REPEATED,
        "The processor may have forgotten this payment, so it is not sent again. Look it up there.",
        *_LOOKED_UP,
    ),
    Attention(
        CHARGE_UNKNOWN,
        "The processor has not said for a day whether the customer was charged. It is asked until "
        "it does.",
        "Nothing: it is asked until it answers; nothing is sent twice.",
        OPERATOR,
    ),
    Attention(
        CHARGE_CLAIMED,
        "Not charged: by what the merchant reports of this card, it may not be tried for now.",
        "Nothing: it is written off at the end of its plan; check whether the reports are true.",
        OPERATOR,
    ),
    Attention(
        PAID_TWICE,
        "Paid twice: the merchant's own payment succeeded too. Refund one of them.",
        "Refund one of the two payments.",
        DESK,
        by_people=True,
        while_paid=True,
    ),
    Attention(
        PAID_TOO,
        "The same customer paid the same amount with this card under another order id.",
        "Check whether it is the same purchase; if so, cancel this order.",
        DESK,
        by_people=True,
    ),
    Attention(
        RETRYING,
        "You are retrying this payment too; each retry uses up the card's allowance.",
        "Stop your own retries of it while Recoup works on it.",
        DEVELOPER,
    ),
    Attention(
        LATE,
        "Dispute {0} must be answered soon; without an answer it is lost.",
        "Answer it before its deadline, on the dispute's page.",
        DESK,
    ),
    Attention(
        UNCLEAR_DECLINE,
        "The decline sounds final, but its words are on no list: nothing is planned before they "
        "are read.",
        "Read its words in the timeline; attempt it again, or cancel the order.",
        DESK,
        by_people=True,
    ),
    *(
        Attention(f"{kind}_stuck", shaped(_STUCK, kind=kind), *_UNSENT.get(kind, ()))
        for kind in _KINDS
    ),
    *(
        Attention(f"{kind}_delayed", shaped(_DELAYED, kind=kind), SENT_AGAIN, OPERATOR)
        for kind in _KINDS
    ),
)
# No answer of a processor settles these; others give way to what is urgent.
FOR_PEOPLE: Final = (PAID_TWICE, PAID_TOO)
ATTENTION: Final = Place[Attention]("attention")
REASONS: Final = Extended(
    {reason.code: reason for reason in _OWN}, ATTENTION, lambda reason: {reason.code: reason}
)


def stuck(kind: str) -> str:
    """`kind`: a modification's."""
    return f"{kind}_stuck"


def delayed(kind: str) -> str:
    return f"{kind}_delayed"


def of_dispute(code: str, dispute_no: int) -> str:
    return f"{code}:{dispute_no}"


def held(why: str) -> str:
    """The attention code of a held order. `why`: a code of `whys`."""
    return f"{HELD}:{why}"


def code_of(attention: str) -> str:
    return attention.partition(":")[0]


def reason_of(attention: str) -> Attention | None:
    """None of a sentence that an earlier release kept."""
    return REASONS.get(code_of(attention))


def is_by_people(attention: str | None) -> bool:
    return attention is not None and attention in REASONS and REASONS[attention].by_people


def sentence_of(attention: str) -> str:
    """The sentence of an attention code, in English, also of a code of `whys`."""
    reason, argument = reason_of(attention), attention.partition(":")[2]
    if reason is None:
        return whys.sentence_of(attention)
    if reason.code == HELD:
        return whys.sentence_of(argument)
    return (
        reason.sentence
        if isinstance(reason.sentence, Sentence)
        else Sentence(reason.sentence, argument)
    )

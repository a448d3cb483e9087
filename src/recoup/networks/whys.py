"""Reasons why an order waits, goes on or ends, as its log says them: codes, and the sentence that
each means.

A code may have an argument behind a colon: `card_used_up:2026-03-02T10:00:00+00:00`. Lines that
repeat what a decision says hold the sentence itself.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from recoup.kernel.problem import Sentence

ON_HOLD: Final = "on_hold"
KILL_SWITCH: Final = "kill_switch"
OUTAGE: Final = "processor_outage"
NO_ROUTE: Final = "no_route"
SENDING_OFF: Final = "sending_off"
NOT_REACHED: Final = "processor_not_reached"
REQUEST_REFUSED: Final = "request_refused"
ACCOUNT_REFUSED: Final = "account_refused"
RATE_LIMITED: Final = "rate_limited"
INVOICE_DIFFERS: Final = "invoice_differs"
NOT_SENT_AGAIN: Final = "never_arrived"
ANSWERED: Final = "processor_answered"
NOTHING_SENT: Final = "processor_answered_nothing_sent"
SENT_AGAIN: Final = "made_again"
DECIDED: Final = "processor_decided"
ACCEPTED: Final = "dispute_accepted"
DEADLINE_PASSED: Final = "deadline_passed"
TAKEN_BY_DISPUTE: Final = "taken_by_dispute"
ANSWER_LOST: Final = "answer_lost"
NO_CUSTOMER_ANSWER: Final = "no_customer_answer"
NOT_CONFIRMED: Final = "not_confirmed"
CUSTOMER_LEFT: Final = "no_answer_in_time"
PROCESSOR_LATE: Final = "processor_late"
WAIT_OVER: Final = "wait_over"
RELEASED: Final = "released_by_person"
NEW_CARD: Final = "new_card"
BROUGHT_FORWARD: Final = "brought_forward"
BROUGHT_FORWARD_BY_OPERATOR: Final = "brought_forward_by_operator"
COLLECTION_OVER: Final = "collection_over"
CARD_INSTEAD: Final = "card_instead_of_token"
CHARGE_NOT_SENT: Final = "charge_not_sent"
CHANNEL_ANSWERED: Final = "channel_answered"
PAYMENT_FAILED: Final = "payment_failed"
HELD_BY_PERSON: Final = "held_by_person"
HELD_BY_OPERATOR: Final = "held_by_operator"
BANK_NEVER: Final = "bank_never"
BANK_WAITS: Final = "bank_waits"
CARD_NEVER: Final = "card_set_to_none"
CARD_USED_UP: Final = "card_used_up"
BLOCKED: Final = "blocked"
# What somebody chooses from who holds an order: the log holds no words of theirs. Anything else is
# a note.
HOLD_REASONS: Final[Mapping[str, str]] = {
    "check": "something about it is being checked",
    "asked": "the customer asked to wait",
    "fraud": "fraud is suspected",
}
_BLOCKED: Final = {
    "fraud_dispute": "This card is blocked: its holder disputed a payment here as fraud.",
    "fraud_warning": "This card is blocked: its issuer reported a payment here as fraud.",
    "customer": "This customer is blocked by the merchant.",
    "card": "This card is blocked by the merchant.",
    "own_retry": "The processor's own billing charges this invoice within hours: nothing is sent "
    "close to that.",
    "own_repeat": "The processor repeats this payment by itself within hours: nothing is sent "
    "close to that.",
}
_SENTENCES: Final[Mapping[str, str]] = MappingProxyType({
    ON_HOLD: "It is on hold.",
    KILL_SWITCH: "The operator has stopped all sending for this merchant.",
    OUTAGE: "The processor cannot be reached.",
    SENDING_OFF: "The operator has switched all sending off; it goes on by itself afterwards.",
    NO_ROUTE: "No card processor takes it at the moment.",
    NOT_REACHED: "The processor was not reachable.",
    REQUEST_REFUSED: "The processor refused the request as invalid, so it is not repeated.",
    ACCOUNT_REFUSED: "The processor refuses this account or its key. Payments wait until this is "
                     "fixed.",
    RATE_LIMITED: "The processor takes no more requests for the moment.",
    INVOICE_DIFFERS: "Its invoice has changed at the processor, and is read anew before anything "
                     "is charged.",
    NOT_SENT_AGAIN: "It never arrived, and it may not be sent again now.",
    ANSWERED: "The processor has answered.",
    NOTHING_SENT: "The processor has answered: nothing was sent.",
    SENT_AGAIN: "A person sends the refused request again.", DECIDED: "The processor decided it.",
    ACCEPTED: "We accepted it.", DEADLINE_PASSED: "The deadline passed without an answer.",
    TAKEN_BY_DISPUTE: "The cardholder took it back by a dispute.",
    ANSWER_LOST: "What the customer gave was lost before it was sent.",
    NO_CUSTOMER_ANSWER: "The customer did not answer in time.",
    NOT_CONFIRMED: "The customer did not confirm.",
    CUSTOMER_LEFT: "No answer could be given while the customer waited.",
    PROCESSOR_LATE: "The processor had not answered when the customer had to be told.",
    WAIT_OVER: "The wait is over.", RELEASED: "Released by a person.",
    NEW_CARD: "There is another card.", BROUGHT_FORWARD: "Brought forward by a person.",
    BROUGHT_FORWARD_BY_OPERATOR: "Brought forward by the operator.",
    COLLECTION_OVER: "The time to collect it is over.", CHARGE_NOT_SENT: "The charge was not sent.",
    CARD_INSTEAD: "The card’s network token is not valid; the card itself is tried instead.",
    CHANNEL_ANSWERED: "The channel has spoken.", PAYMENT_FAILED: "The payment failed.",
    BANK_NEVER: "The bank allows no further attempt with this card. Only another card of the "
                "customer helps.",
    CARD_NEVER: "The card's allowance is set to none.",
})  # fmt: skip
CODES: Final = (*_SENTENCES, HELD_BY_PERSON, HELD_BY_OPERATOR, BANK_WAITS, CARD_USED_UP, BLOCKED)


def until(code: str, moment: datetime) -> str:
    """`code`: BANK_WAITS or CARD_USED_UP."""
    return f"{code}:{moment.isoformat()}"


def held_by(code: str, reason: str) -> str:
    """`code`: HELD_BY_PERSON or HELD_BY_OPERATOR; `reason`: one of HOLD_REASONS."""
    return f"{code}:{reason}"


def refused(why: str, code: str | None) -> str:
    """The reason code of a refusal. `why`: REQUEST_REFUSED or ACCOUNT_REFUSED; `code`: the
    processor's."""
    return f"{why}:{code}" if code else why


def blocked(kind: str) -> str:
    """`kind`: what is blocked, or by what."""
    return f"{BLOCKED}:{kind}"


def sentence_of(why: str) -> str:
    """The sentence of a code, in English. What is no code of ours is a sentence already."""
    code, _, argument = why.partition(":")
    if code not in CODES:
        return why
    if code in (HELD_BY_PERSON, HELD_BY_OPERATOR):
        who = "the operator" if code == HELD_BY_OPERATOR else "a person"
        return Sentence("Put on hold by {0}: {1}.", who, HOLD_REASONS[argument])
    if code == BLOCKED:
        return _BLOCKED.get(argument, "This card is blocked.")
    if code == BANK_WAITS:
        return Sentence(
            "The bank asked not to try this card before {0}.", datetime.fromisoformat(argument)
        )
    if code == CARD_USED_UP:
        return Sentence(
            "The card's allowance is used up until {0}.", datetime.fromisoformat(argument)
        )
    if argument and code == REQUEST_REFUSED:
        return Sentence(
            "The processor refused the request as invalid ({0}), so it is not repeated.", argument
        )
    if argument and code == ACCOUNT_REFUSED:
        shape = (
            "The processor refuses this account or its key ({0}). Payments wait until this is "
            "fixed."
        )
        return Sentence(shape, argument)
    return _SENTENCES[code]

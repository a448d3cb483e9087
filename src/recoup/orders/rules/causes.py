"""Causes why an order stands where it stands, each as one word that every sentence about it is made
from.

The word comes from what happened to the last attempt, not from the stage: a decline of the bank, a
bank that has not answered and a payment that was never sent all end as "declined".
"""

from typing import Final, NamedTuple

from recoup.kernel.problem import shaped
from recoup.networks.reasons import REASONS, REVOKED, cure_of, only_waits
from recoup.orders.rules.attempts import GOING
from recoup.orders.rules.lifecycle import OPEN, Stage
from recoup.orders.rules.lifecycle import REASONS as BILLED

HARD, SOFT, NO_ANSWER, TOO_LATE = "hard_decline", "soft_decline", "no_answer", "approved_late"
NOT_SENT, DECLINED = "not_sent", "declined"
UNKNOWN, PLANNED, GOES_ON = "outcome_unknown", "retry_planned", "in_progress"
NOT_OVER: Final = frozenset({UNKNOWN, PLANNED, GOES_ON})
_NEW_PAYMENT: Final = "A later payment by the customer, or another card, may succeed."

# cause -> what the rescue API says. {meaning} and {cure} are the decline's own.
SENTENCES: Final[dict[str, str]] = {
    HARD: "The rescue ended: {meaning}. {cure}",
    SOFT: "The rescue ended: {meaning}. The customer was waiting, so nothing more is tried. {cure}",
    NO_ANSWER: "The rescue ended: the bank had not answered when the customer had to be told. An "
               "approval that still "
    "comes is given back.",
    TOO_LATE: "The rescue ended before the bank's approval came; the amount goes back to the "
              "customer.",
    NOT_SENT: "The rescue ended: nothing could be sent to the bank, and nothing was charged.",
    DECLINED: "The rescue ended without an approval.",
    "challenge_failed": "The customer could not cure the decline.",
    "challenge_timeout": "The customer did not answer in time.",
    "payer_refused": "The customer does not want to pay.",
    "refunded": "The payment was approved, and refunded in full since.",
    "charged_back": "The payment was approved, and the customer's bank has taken it back since.",
    "capture_window": "The authorisation was not captured in time and was let go.",
    "expired": "The rescue ended at its expiry without an approval.",
    "merchant_cancelled": "The order was cancelled by the merchant.",
    "paid_elsewhere": "The merchant's own payment for this order succeeded.", **BILLED,
    UNKNOWN: "Not over: the bank has not answered the last attempt, which may have been approved. "
             "Do not charge this "
    "payment elsewhere; send the same orderId again, or wait for order.completed.",
    PLANNED: "Not over: the next attempt is due at nextAttemptAt. Do not charge this payment "
             "elsewhere meanwhile.",
    GOES_ON: "Not over: the rescue goes on. Do not charge this payment elsewhere meanwhile.",
}  # fmt: skip


class Try(NamedTuple):
    """The last try that is more than planned."""

    state: str
    klass: str | None = None
    reason: str | None = None  # of its decline


class Cause(NamedTuple):
    """`decline`: the reason word of the decline that it is about."""

    word: str
    decline: str | None = None

    @property
    def final(self) -> bool:
        return self.word not in NOT_OVER

    def sentence(self) -> str:
        """The sentence of the cause, in English, for the caller of an API."""
        text = SENTENCES[self.word]
        if "{meaning}" not in text:
            return text
        if self.decline is None:
            return SENTENCES[DECLINED]
        return shaped(text, meaning=REASONS[self.decline][0], cure=self.cure())

    def cure(self) -> str:
        """The cure after the end: never that something is attempted again."""
        if self.decline is None:
            return ""
        klass = "hard" if self.word == HARD else "soft"
        return _NEW_PAYMENT if only_waits(self.decline, klass) else cure_of(self.decline, klass)


# Of an order that was approved and whose money went back, by the status that it shows.
WENT_BACK: Final = {6: Cause("refunded"), 8: Cause("charged_back")}


def cause_of(
    stage: Stage,
    reason: str | None,
    last: Try | None,
    *,
    planned: bool = False,
    logged: Cause | None = None,
) -> Cause | None:
    """The cause of the order's standing; None for an order that was approved, or is only held.
    `last`: the last attempt; `logged`: what the log's line of the end says of its decline, where it
    says so."""
    if stage is Stage.DECLINED:
        return _declined(last, logged)
    if stage in (Stage.CANCELLED, Stage.EXPIRED):
        if reason == "challenge_failed" and last is not None and last.state == "not_sent":
            return Cause(NOT_SENT)
        return Cause(reason if reason in SENTENCES else DECLINED)
    if stage not in OPEN or stage in (Stage.AUTHORISED, Stage.CHALLENGED):
        return None
    if last is not None and last.state in GOING:
        return Cause(UNKNOWN)
    return Cause(PLANNED if planned else GOES_ON)


def _declined(last: Try | None, logged: Cause | None) -> Cause:
    if last is not None and last.state == "approved":
        return Cause(TOO_LATE)
    if logged is not None and logged.decline == REVOKED:
        return logged
    if last is not None and last.state in GOING:
        return Cause(NO_ANSWER)
    if logged is not None and logged.word in (HARD, SOFT):
        return logged
    if last is not None and last.state == "declined":
        return Cause(HARD if last.klass == "hard" else SOFT, last.reason)
    return Cause(DECLINED if logged is None and last is None else NOT_SENT)

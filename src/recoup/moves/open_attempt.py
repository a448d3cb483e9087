"""Transaction A of an attempt: under the locks of order and card, the last check and the intent that is committed
before any byte leaves."""

from datetime import datetime, timedelta

from recoup.kernel.world import Policy
from recoup.moves import challenges
from recoup.moves.change import Change
from recoup.moves.customer_waits import decline, too_late
from recoup.moves.pace import SEND_WITHIN
from recoup.moves.sends import gate
from recoup.rules.network.descriptor import statement_text
from recoup.rules.network.limits import Refused
from recoup.rules.order.lifecycle import Stage
from recoup.rules.order.snapshot import Attempt
from recoup.rules.rescue.challenge import LADDER


def open_attempt(
    change: Change, policy: Policy, route: str, settled_after: timedelta, *, with_customer: bool = False
) -> Attempt | None:
    """The attempt that may be sent now, or None: then the order says why and has other work due.

    `with_customer`: what they have just given is at hand; without it their try is not made.

    The worker may come late, twice, or after somebody ended the order: everything is read again here.
    """
    order = change.order
    attempt = order.planned()
    change.undue("retry")
    if order.stage is not Stage.PROCESSING or attempt is None or order.going() is not None:
        return None
    if attempt.due_at > change.now:
        change.due("retry", attempt.due_at)
        return None
    if order.expires_at is not None and change.now >= order.expires_at:
        change.due("expire", order.expires_at)
        return None
    if too_late(change):
        return None
    if attempt.ladder == LADDER and not with_customer:
        challenges.withhold(change, attempt, "What the customer gave was lost before it was sent.", "answer_lost")
        return None
    if order.merchant.killed:
        _wait(change, attempt, "The operator has stopped all sending for this merchant.", "kill_switch")
        return None
    verdict = gate(order, change.now, policy.visa_limit, attempt.initiator)
    if isinstance(verdict, Refused):
        _refused(change, attempt, verdict)
        return None
    timeout = policy.call_timeout
    send_before = change.wall + SEND_WITHIN
    change.set_attempt(
        attempt, state="open", if_late="keep", route=route, sent_at=change.now, send_before=send_before,
        call_timeout_ms=int(timeout / timedelta(milliseconds=1)), sends=attempt.sends + 1,
        card_last4=order.card.last4 if order.card else None,
    )  # fmt: skip
    order.attempts_count += 1
    order.next_attempt_at = None
    change.send(attempt.attempt_id, initiator=attempt.initiator)
    change.forget_code()
    change.fact("attempt_sent", attempt.attempt_id, number=attempt.attempt_no, route=route,
                decision=str(attempt.decision_id or ""),
                statement=statement_text(order.descriptor, order.card.scheme if order.card else ""))  # fmt: skip
    change.due("inquire", send_before + timeout + settled_after, wall=True)
    return attempt


def _wait(change: Change, attempt: Attempt, why: str, cause: str, until: datetime | None = None) -> None:
    """Onhold; but nobody lets a customer wait: that order is declined, or its challenge may be answered again."""
    if change.order.customer_waits:
        decline(change, why)
    elif attempt.ladder == LADDER:
        challenges.withhold(change, attempt, why, cause)
    else:
        hold(change, why, cause, until)


def hold(change: Change, why: str, cause: str, until: datetime | None = None) -> None:
    """Onhold, with the reason; what was planned stays planned."""
    change.step("held", why=why, cause=cause, until=until)


def _refused(change: Change, attempt: Attempt, verdict: Refused) -> None:
    """The card's allowance is used up: wait for it, or, where that is too late, plan nothing more."""
    order = change.order
    if order.by_customer or attempt.ladder == LADDER:
        _wait(change, attempt, verdict.message, verdict.rule_id)
        return
    if verdict.until is not None and (order.expires_at is None or verdict.until < order.expires_at):
        hold(change, verdict.message, verdict.rule_id, verdict.until)
        change.set_attempt(attempt, due_at=max(verdict.until, attempt.due_at))
        order.next_attempt_at = attempt.due_at
        change.due("release", attempt.due_at)
        return
    change.set_attempt(attempt, state="not_sent")
    order.next_attempt_at = None
    change.fact("attempt_withheld", attempt.attempt_id, number=attempt.attempt_no, why=verdict.message,
                rule=verdict.rule_id)  # fmt: skip

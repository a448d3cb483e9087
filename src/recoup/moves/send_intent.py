"""The intent of one send, committed before any byte leaves."""

from datetime import timedelta
from typing import Any

from recoup.kernel.world import Policy
from recoup.moves.change import Change
from recoup.moves.pace import SEND_WITHIN
from recoup.rules.order.snapshot import Attempt


def send_intent(
    change: Change, attempt: Attempt, policy: Policy, route: str, settled_after: timedelta, **told: Any
) -> None:
    """Opens the attempt, reserves the card's send, and has it asked about if nobody says what came of it. `told`: what
    its log line says besides. The caller has passed the gate."""
    order, timeout = change.order, policy.call_timeout
    send_before = change.wall + SEND_WITHIN
    change.set_attempt(
        attempt, state="open", if_late="keep", route=route, sent_at=change.now, send_before=send_before,
        call_timeout_ms=int(timeout / timedelta(milliseconds=1)), sends=attempt.sends + 1,
        card_last4=order.card.last4 if order.card else None,
    )  # fmt: skip
    order.attempts_count += 1
    order.next_attempt_at = None
    change.send(attempt.attempt_id, initiator=attempt.initiator, units=attempt.units)
    change.fact("attempt_sent", attempt.attempt_id, number=attempt.attempt_no, route=route, statement=order.statement,
                **told)  # fmt: skip
    change.due("inquire", send_before + timeout + settled_after, wall=True)

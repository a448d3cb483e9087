"""The intent of one send, committed before any byte leaves."""

from datetime import timedelta
from typing import Any, NamedTuple

from recoup.kernel.policy import Policy
from recoup.moves.change import Change
from recoup.moves.pace import SEND_WITHIN
from recoup.rules.order.snapshot import Attempt
from recoup.rules.rescue.route_by_answer import RouteInput, choose_route


class Route(NamedTuple):
    """Where a send goes. `settled_after` is its processor's; `asked`: what it was chosen from."""

    name: str
    settled_after: timedelta
    asked: RouteInput


def send_intent(change: Change, attempt: Attempt, policy: Policy, route: Route, *, units: int | None = None) -> None:
    """Opens the attempt, reserves the card's send, and has it asked about if nobody says what came of it. `units`:
    for the log, where they are not the order's. The caller has passed the gate.

    The route is a decision of its own where there was anything to choose.
    """
    order, timeout = change.order, policy.call_timeout
    chosen = change.decide(choose_route(route.asked), route.asked.features()) if route.asked.open_choice else None
    send_before = change.wall + SEND_WITHIN
    change.set_attempt(
        attempt,
        state="open",
        if_late="keep",
        route=route.name,
        sent_at=change.now,
        send_before=send_before,
        call_timeout_ms=int(timeout / timedelta(milliseconds=1)),
        sends=attempt.sends + 1,
        card_last4=order.card.last4 if order.card else None,
    )
    order.attempts_count += 1
    order.next_attempt_at = None
    change.send(attempt.attempt_id, initiator=attempt.initiator, units=attempt.units)
    said: dict[str, Any] = {"decision": str(attempt.decision_id or "")}
    if units is not None:
        said["units"] = units
    change.fact(
        "attempt_sent",
        attempt.attempt_id,
        decision_id=chosen,
        number=attempt.attempt_no,
        route=route.name,
        statement=order.statement,
        **said,
    )
    change.due("inquire", send_before + timeout + route.settled_after, wall=True)

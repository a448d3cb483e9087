"""The issuer gave a new card in place of the one that an order waits with: it is tried now, through the same gate."""

from uuid import UUID

from recoup.moves.attempt.plan import ask_by_hand, plan_attempt
from recoup.moves.change import Change
from recoup.moves.order.amendment import has_room
from recoup.rules.order.lifecycle import Stage
from recoup.rules.rescue.order_evidence import last_reading


def card_renewed(change: Change, token_id: UUID) -> bool:
    """Whether an attempt was planned: only of an order whose last decline is cured by other card data, and that has
    no attempt planned or out."""
    order = change.order
    if order.stage is not Stage.PROCESSING or order.do_not_retry or order.initiator == "customer":
        return False
    if order.token_id != token_id or order.planned() is not None or order.attempt_in_flight() is not None:
        return False
    if order.collecting() is not None or last_reading(order).retry != "after_data_change" or not has_room(change):
        return False
    decision, decision_id = ask_by_hand(change, "renewed_card")
    change.fact(
        "planned", decision_id=decision_id, verdict=decision.verdict, next=change.now, reasons=list(decision.reasons)
    )
    plan_attempt(change, change.now, "soft", decision_id, when_due="new_card")
    return True

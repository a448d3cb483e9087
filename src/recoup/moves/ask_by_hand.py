"""An attempt that somebody asked for outside the plan, as a decision: who, for what, and what was planned before."""

from uuid import UUID

from recoup.kernel.policy import Policy
from recoup.moves.change import Change
from recoup.moves.sends import gate_input
from recoup.rules.order.snapshot import Attempt
from recoup.rules.rescue.by_hand import GateWord, HandInput, PlanBefore, Request, decide_by_hand
from recoup.rules.rescue.evidence import Decision
from recoup.rules.rescue.gate import ask_gate


def ask_by_hand(change: Change, request: Request, word: GateWord | None = None) -> tuple[Decision, UUID]:
    """The decision and the id it is stored under. `word`: the gate's, where the card's sends are at hand."""
    order, planned = change.order, change.order.planned()
    before = None
    if planned is not None:
        before = PlanBefore(planned.due_at, planned.ladder, str(planned.decision_id) if planned.decision_id else None)
    asked = HandInput(request, change.actor, change.now, before, word, order.do_not_retry)
    decision = decide_by_hand(asked)
    return decision, change.decide(decision, asked.features())


def gate_word(change: Change, policy: Policy, attempt: Attempt | None) -> GateWord:
    """What the card's gate says of a send now. Only under the card's lock."""
    order = change.order
    initiator, units = (attempt.initiator, attempt.units) if attempt else (order.initiator, order.units)
    return GateWord.of(ask_gate(gate_input(order, change.now, policy.visa_limit, initiator, units=units)))

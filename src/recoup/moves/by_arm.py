"""A decision about an order with an arm: what is done is followed, what the engine would have done is kept."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from recoup.moves.change import Change
from recoup.rules.rescue.arms import decide_by_arm
from recoup.rules.rescue.evidence import Decision, Evidence
from recoup.rules.rescue.order_facts import facts_of


def decide_as_arm(change: Change, evidence: Evidence, due_at: datetime | None) -> tuple[Decision, UUID]:
    """What is done, and the id it is stored under. `due_at`: of what the engine planned, where that has come."""
    order = change.order
    assert order.arm is not None
    assert order.arm_known is not None
    assert change.engine is not None
    evidence = replace(evidence, due_at=due_at, facts=facts_of(order, change.now))
    done, watched = decide_by_arm(order.arm, order.arm_known, evidence, change.engine)
    if watched is not None:
        change.decide(watched.decision, watched.evidence.features(), watched.arm)
    return done.decision, change.decide(done.decision, done.evidence.features(), done.arm)

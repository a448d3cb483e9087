"""Time of the next charge to the customer of an advanced order, or that what is due is written off.
Pure and replayable.

Another way of deciding is another version in another file; this one then stays for replays.
"""

from datetime import UTC, datetime
from typing import Final

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import noted
from recoup.kernel.stored import Stored
from recoup.kernel.time import BusinessTime
from recoup.networks.codes import Reading
from recoup.networks.reasons import REASONS
from recoup.networks.tables import KNOWLEDGE_VERSION
from recoup.orders.rules.decision import Alternative, Decision
from recoup.policies.rules.policy import group_of
from recoup.terms.rules.collection import CollectionPolicy, next_charge, plan_for

CHARGE_VERSION: Final = "charge-1"


@frozen
class ChargeInput(Stored):
    """The inputs of one decision. Times are business time. `reading`: the last decline. `made`
    charges since the advance, the last one (or the advance) at `last`; `until`: when what is still
    due is written off."""

    reading: Reading
    units: int
    currency: str
    made: int
    last: datetime
    now: datetime
    until: datetime
    utc_offset: int
    knowledge: str = KNOWLEDGE_VERSION


_CURES: Final = {
    "plan_used_up": "More charges in the plan would have changed it.",
    "time_over": "More time to collect it would have changed it.",
}


def plan_charge(asked: ChargeInput, policy: CollectionPolicy) -> Decision:
    """Verdict `plan`, or `write_off`; the second reason of the latter is why."""
    due = None
    if not asked.reading.terminal:
        due = next_charge(
            asked.reading,
            policy,
            made=asked.made,
            last=asked.last,
            now=asked.now,
            until=asked.until,
            utc_offset=asked.utc_offset,
        )
    plan, group = plan_for(asked.reading, policy), group_of(asked.reading)
    if due is not None and plan is not None:
        rule, why = (
            f"{group}_plan",
            f"The plan allows {len(plan.waits)} charges; {asked.made} made so far.",
        )
    elif asked.reading.terminal:
        rule, why = "hard_decline", f"The card is declined for good: {asked.reading.meaning}."
    elif plan is None:
        rule, why = "no_cure_by_waiting", "Waiting does not cure this decline."
    elif asked.made >= len(plan.waits):
        rule, why = "plan_used_up", "The plan is used up, and nothing was collected."
    else:
        rule, why = (
            "time_over",
            "The next charge of the plan would come after the time to collect it.",
        )
    reasons = (
        f"The customer is charged {noted(due)}." if due else "What is still due is written off.",
        why,
        f"The last answer was: {REASONS[asked.reading.reason][0]}.",
        "A refund or an approval would end the charges."
        if due
        else _CURES.get(rule, asked.reading.cure),
    )
    versions = {
        "decider": CHARGE_VERSION,
        "policy": policy.version,
        "knowledge": asked.knowledge,
        "model": None,
    }
    if due is None:
        return Decision("write_off", (), group, reasons, (rule,), versions, ())
    chance = plan.chance / 10_000 if plan else None
    others = (
        Alternative("whole_plan", chance, "All charges of the plan together; a rough prior."),
    )
    return Decision(
        "plan", (BusinessTime(due.astimezone(UTC)),), group, reasons, (rule,), versions, others
    )

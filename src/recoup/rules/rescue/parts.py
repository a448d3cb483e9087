"""A part of the amount in a decision: when the next try is for a part only. Pure.

It changes no time and no number of tries: a send of a part counts like any other.
"""

from dataclasses import replace
from typing import Final

from recoup.kernel.money import money
from recoup.kernel.sentence import Sentence
from recoup.rules.rescue.engine.parts import ALTERNATIVE, Part, PartInput, part_of
from recoup.rules.rescue.evidence import Decision, Evidence
from recoup.rules.rescue.verdict import Alternative

RULE: Final = "part"
_NOTE: Final = "A part of what is owed; a rough prior."


def part_in(decision: Decision, parts: PartInput | None, code: str | None, units: int, currency: str) -> Part | None:
    """What the next try of a plan is for; None: all that is owed. `units`, `currency`: of the order."""
    if parts is None or decision.verdict not in ("plan", "attempt_now") or decision.group is None:
        return None
    tries = len(decision.plan) + (decision.verdict == "attempt_now")
    return part_of(parts, code, units, currency, tries)


def with_part(evidence: Evidence, decision: Decision) -> Decision:
    """The decision, with the rule `part` where its next try is for a part, and with the part among its ways."""
    part = part_in(decision, evidence.parts, evidence.reading.code, evidence.units, evidence.currency)
    if part is None or evidence.parts is None:
        return decision
    *why, last = decision.reasons
    reason = Sentence(
        "The next try is for a part, {0} of {1} {2}: its chance is {3} %, a rough prior. The rest stays owed.",
        money(part.units, evidence.currency),
        money(evidence.parts.owed, evidence.currency),
        evidence.currency,
        f"{100 * part.chance:.0f}",
    )
    return replace(
        decision,
        reasons=(*why, reason, last),
        rules=(*decision.rules, RULE),
        alternatives=(*decision.alternatives, Alternative(ALTERNATIVE, round(part.chance, 6), _NOTE)),
    )

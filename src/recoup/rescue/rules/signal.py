"""A network's signal that a card was just approved elsewhere: whether the planned attempt is made
now. Pure.

A signal is evidence and nothing more. It may bring a planned attempt forward and never adds one;
every limit, wait and gap stands above it. Another way of deciding is another version in another
file; this one then stays for replays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from recoup.kernel.problem import noted
from recoup.kernel.stored import Stored
from recoup.kernel.time import BusinessTime
from recoup.networks.codes import Reading
from recoup.networks.tables import KNOWLEDGE_VERSION
from recoup.orders.rules.decision import Alternative, Decision
from recoup.policies.rules.policy import group_of
from recoup.rescue.rules.by_hand import GateWord, PlanBefore
from recoup.rescue.rules.sentences import last_answer

SIGNAL_VERSION: Final = "signal-1"
FRESH: Final = timedelta(hours=1)
GAP: Final = timedelta(hours=1)  # between two sends of an order
_DAY_BEGINS, _DAY_ENDS = 7, 22  # at the card holder
_COMPARED: Final = frozenset({"ladder", "holdout"})


@dataclass(frozen=True, slots=True)
class SignalInput(Stored):
    """The inputs of one decision. Times are business time. `reading`: the last decline, at
    `last_at`. `approved_at`: as the network says. `drawn`: the plan's time was drawn at random.
    `gate`: the card's, for a send now."""

    reading: Reading
    last_at: datetime
    approved_at: datetime
    now: datetime
    before: PlanBefore
    gate: GateWord
    utc_offset: int
    arm: str | None = None
    drawn: bool = False
    knowledge: str = KNOWLEDGE_VERSION


def decide_by_signal(asked: SignalInput) -> Decision:
    """Verdict `attempt_now`, its plan this moment; `wait` where the plan before stands."""
    against = _against(asked)
    now = against is None
    reasons = (
        f"The card network says that this card was approved elsewhere {noted(asked.approved_at)}.",
        last_answer(asked.reading.reason, asked.reading.code, asked.reading.advice),
        _WHY[against] if against else "The planned attempt is made now; no attempt is added.",
        f"The plan before was {noted(asked.before.due_at)}.",
        "Without the signal the plan before would stand.",
    )
    versions = {
        "decider": SIGNAL_VERSION,
        "policy": None,
        "knowledge": asked.knowledge,
        "model": None,
    }
    plan = (BusinessTime(asked.now.astimezone(UTC)),) if now else ()
    return Decision(
        "attempt_now" if now else "wait",
        plan,
        group_of(asked.reading),
        reasons,
        ("approved_elsewhere", against or "within_limits"),
        versions,
        (Alternative("plan_before", None, "The plan as it was."),),
    )


def _against(asked: SignalInput) -> str | None:
    """Reason to keep the plan as it was."""
    hour = asked.now.astimezone(timezone(timedelta(minutes=asked.utc_offset))).hour
    wait = (
        timedelta(hours=asked.reading.min_wait_hours or 0)
        if asked.reading.wait_by_rule
        else timedelta(0)
    )
    reasons = (
        ("comparison_group", asked.arm in _COMPARED),
        ("drawn", asked.drawn),
        ("due_already", asked.before.due_at <= asked.now),
        ("no_cure_by_waiting", asked.reading.terminal or group_of(asked.reading) is None),
        ("not_newer", asked.approved_at <= asked.last_at),
        ("stale", asked.now - asked.approved_at > FRESH),
        ("network_wait", asked.now < asked.last_at + wait),
        ("gap", asked.now < asked.last_at + GAP),
        ("night", not _DAY_BEGINS <= hour < _DAY_ENDS),
        ("gate_refuses", bool(asked.gate.rule)),
    )
    return next((name for name, is_so in reasons if is_so), None)


_WHY: Final[Mapping[str, str]] = {
    "comparison_group": "The order is compared with others by its schedule, so the plan stands.",
    "drawn": "The planned time was drawn at random, so the plan stands.",
    "due_already": "An attempt is due already.",
    "no_cure_by_waiting": "Waiting does not cure this decline.",
    "not_newer": "The approval is older than the last answer.",
    "stale": "The approval is more than an hour old.",
    "network_wait": "The network asked to wait longer.",
    "gap": "The last send was less than an hour ago.",
    "night": "It is night where the cardholder is.",
    "gate_refuses": "The card's limits allow no attempt now.",
}

"""The gate before a send as a decision: the counts, windows and limits that it read, and what they
allow. Pure.

A send that passes has no decision of its own: its line in the order log says that it left, and its
row among the card's sends that it counts. A refusal is stored with everything it was made from, and
nothing of whose the other sends were. Another way of deciding is another version in another file;
this one then stays for replays.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from recoup.kernel.problem import noted
from recoup.kernel.stored import Stored
from recoup.kernel.time import BusinessTime
from recoup.networks import whys
from recoup.networks.limits import Allowed, Initiator, Refused, Tally, judge
from recoup.networks.tables import KNOWLEDGE_VERSION
from recoup.orders.rules.decision import Alternative, Decision, Verdict

GATE_VERSION: Final = "gate-1"
_BLOCKED_RULE: Final = "blocked"
OWN_RETRY: Final = "own_retry"  # a block's reason: the processor charges an invoice by itself
OWN_REPEAT: Final = "own_repeat"  # or repeats a declined payment


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the card or its customer that reaches this merchant. `until`: None for as long as
    nobody lifts it."""

    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class GateInput(Stored):
    """The inputs of one decision. Times are business time. `tallies`: how each rule of the networks
    stood. `may_wait`: whether the send may be made later at all; `before`: the order's end, after
    which it is of no use. `acceptor_id`: who would have sent it, for certificates; older ones do
    not say it."""

    scheme: str
    region: str
    initiator: Initiator
    now: datetime
    tallies: tuple[Tally, ...]
    blocks: tuple[Block, ...] = ()
    may_wait: bool = True
    before: datetime | None = None
    knowledge: str = KNOWLEDGE_VERSION
    acceptor_id: str | None = None


def ask_gate(asked: GateInput) -> Allowed | Refused:
    """A block goes before every rule of the networks."""
    block = next(
        (block for block in asked.blocks if block.until is None or block.until > asked.now), None
    )
    if block is not None:
        return Refused(_BLOCKED_RULE, block.until, whys.blocked(block.reason))
    return judge(asked.tallies, asked.now)


def gate(asked: GateInput) -> Decision:
    """Verdict `allow`; `postpone`, with the earliest instant as its plan; or `refuse`."""
    word = ask_gate(asked)
    if isinstance(word, Allowed):
        return _decision(
            asked, "allow", None, ("The card's limits allow the attempt.",), "within_limits"
        )
    ends = asked.before is not None and word.until is not None and word.until >= asked.before
    verdict: Verdict = (
        "postpone" if asked.may_wait and word.until is not None and not ends else "refuse"
    )
    tally = next(
        (tally for tally in asked.tallies if tally.rule_id == word.rule_id and not tally.ban), None
    )
    reasons = (
        _decided(word, verdict),
        whys.sentence_of(word.why),
        *(
            [f"{tally.counted} attempts of {tally.maximum} in {_span(tally)} are counted."]
            if tally
            else []
        ),
        *(["The order ends before the card may be sent again."] if ends else []),
        *(["The customer is there now: it is not sent later."] if not asked.may_wait else []),
        _WOULD_CHANGE_BLOCK if word.rule_id == _BLOCKED_RULE else _WOULD_CHANGE,
    )
    return _decision(asked, verdict, word.until, reasons, word.rule_id)


_WOULD_CHANGE: Final = "Another card of the customer could be tried at once."
_WOULD_CHANGE_BLOCK: Final = "Without the block it could be sent."


def _decided(word: Refused, verdict: Verdict) -> str:
    if verdict == "postpone" and word.until is not None:
        return f"Nothing is sent before {noted(word.until)}."
    return "The attempt is not sent."


def _span(tally: Tally) -> str:
    hours = tally.window_hours or 0
    return f"{hours / 24:g} days" if hours > 24 else f"{hours:g} hours"  # noqa: PLR2004


def _decision(
    asked: GateInput, verdict: Verdict, until: datetime | None, reasons: tuple[str, ...], rule: str
) -> Decision:
    plan = (
        (BusinessTime(until.astimezone(UTC)),)
        if verdict == "postpone" and until is not None
        else ()
    )
    versions = {
        "decider": GATE_VERSION,
        "policy": None,
        "knowledge": asked.knowledge,
        "model": None,
    }
    other = (
        (Alternative("other_card", None, "Another card of the customer."),)
        if verdict != "allow"
        else ()
    )
    return Decision(verdict, plan, None, reasons, (rule,), versions, other)

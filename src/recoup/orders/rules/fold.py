"""An order as it stood after any line of its log."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Protocol

from recoup.kernel.frozen import frozen
from recoup.orders.rules.lifecycle import ENDED, FACTS, STEPS, Stage


@cache
def rows() -> frozenset[tuple[str, str, str]]:
    """(from, happening, to) of all lines that there may be."""
    steps = {(s.src.value, s.happening, s.dst.value) for s in STEPS}
    return frozenset(
        steps
        | {(stage.value, f.happening, stage.value) for f in FACTS.values() for stage in f.stages}
    )


class Line(Protocol):
    """Line of the order log, as read."""

    seq: int
    happening: str
    src: str
    dst: str
    body: Mapping[str, Any]


@frozen
class State:
    """State of an order, from the log alone. Amounts in the asset's smallest unit. `is_captured`:
    it is worth what was captured of a hold, or what was collected in parts without the rest.
    `collected_units`: what parts brought of an order that waits for the rest; `refunded_units` has
    them once it ended without. `units`: its amount, once that has changed."""

    version: int = 0
    stage: Stage = Stage.NEW
    approved_units: int = 0
    refunded_units: int = 0
    attempts: int = 0
    reversed_units: int = 0
    disputed_units: int = 0
    reason: str | None = None
    is_captured: bool = False
    collected_units: int = 0
    units: int = 0


_ENDS = {row.happening: row.reason for row in STEPS if row.reason}


def fold(lines: Iterable[Line]) -> State:
    """Raises: ValueError at the first line that does not follow from the one before."""
    state = State()
    for line in lines:
        state = after(state, line)
    return state


def after(state: State, line: Line) -> State:
    if line.seq != state.version + 1 or line.src != state.stage:
        raise ValueError(
            f"line {line.seq} ({line.happening}) does not follow version {state.version} "
            f"({state.stage})"
        )
    stage = Stage(line.dst)
    collected = 0 if stage in ENDED else state.collected_units
    # Parts that were collected go back with an end that is none of theirs.
    back = state.collected_units if stage in ENDED and stage is not Stage.COMPLETED else 0
    state = replace(
        state,
        version=line.seq,
        stage=stage,
        collected_units=collected,
        refunded_units=state.refunded_units + back,
        units=int(line.body.get("units") or 0)
        if line.happening == "amount_changed"
        else state.units,
    )
    match line.happening:
        case "part_collected":
            return replace(state, collected_units=collected + int(line.body["units"]))
        case "captured" | "capture_ended" | "parts_kept":
            return replace(state, approved_units=int(line.body["units"]), is_captured=True)
        case "collected" | "advanced":
            return replace(state, approved_units=int(line.body["units"]))
        case "refund_owed":
            return replace(state, refunded_units=state.refunded_units + int(line.body["units"]))
        case "refund_refused":
            return replace(state, refunded_units=state.refunded_units - int(line.body["units"]))
        case "attempt_sent" | "attempt_not_sent":
            return replace(
                state, attempts=state.attempts + (1 if line.happening == "attempt_sent" else -1)
            )
        case "reversed":
            return replace(state, reversed_units=state.reversed_units + int(line.body["units"]))
        case "dispute_opened":
            return replace(state, disputed_units=state.disputed_units + int(line.body["units"]))
        case "dispute_won":
            return replace(state, disputed_units=state.disputed_units - int(line.body["units"]))
        case happening if happening in _ENDS:
            return replace(state, reason=_ENDS[happening])
    return state

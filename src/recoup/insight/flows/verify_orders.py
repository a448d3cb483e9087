"""An order's log proved line by line, and its row and face against what the log alone says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any, Final

from recoup.insight.store.proofs.orders import StoredLine, StoredOrder
from recoup.orders.rules.faces import STATUS_NAMES, face
from recoup.orders.rules.fold import State, after, rows
from recoup.orders.rules.lifecycle import FACTS, STEPS, Stage

Wrong = tuple[str, Any, Any]  # field, expected, found
_TYPES: Final = {
    "mit_managed": "MIT",
    "mit_sync": "MIT",
    "cit_web": "CIT",
    "cit_callcenter": "CIT",
    "stable": "STABLE",
}


@cache
def events() -> Mapping[str, str]:
    """Events by the line that brings them."""
    facts = ((stage, f) for f in FACTS.values() for stage in f.stages)
    return {
        **{f"{s.src.value}/{s.happening}/{s.dst.value}": s.event for s in STEPS if s.event},
        **{f"{stage.value}/{f.happening}/{stage.value}": f.event for stage, f in facts if f.event},
    }


@dataclass(slots=True)
class Line:
    """A line of the log, as the fold takes it."""

    seq: int
    happening: str
    src: str
    dst: str
    body: Mapping[str, Any]


def all_wrong(
    orders: Iterable[StoredOrder], lines: Sequence[StoredLine]
) -> Iterator[tuple[Any, Wrong]]:
    """(order, the first thing that is wrong about it): of one window's orders and lines, both by
    their ids."""
    rows = {row.order_id: row for row in orders}
    logs = {
        order_id: list(group) for order_id, group in groupby(lines, key=lambda line: line.order_id)
    }
    for order_id in sorted(rows.keys() | logs.keys()):
        wrong = _order(rows.get(order_id), logs.get(order_id, []))
        if wrong:
            yield order_id, wrong


def _order(row: StoredOrder | None, lines: list[StoredLine]) -> Wrong | None:
    state = State()
    for line in lines:
        after = _line(state, line)
        if not isinstance(after, State):
            return after
        state = after
    if row is None or row.stage is None:
        return "order of the log" if lines else "order of the head", "an order", None
    if not lines:
        return "log", "an order's log", "no line"
    if row.version != state.version:
        return "version of the order", f"{state.version}, its last log line", row.version
    if row.stage != state.stage:
        return "stage of the order", f"{state.stage}, as its last log line says", row.stage
    if row.head is None:
        return "head", "a row in order_heads", None
    return _head(row, state)


def _line(state: State, line: StoredLine) -> State | Wrong:
    seq, name = line.seq, f"log line {line.seq}"
    if seq != state.version + 1:
        return "log line", state.version + 1, f"{seq} ({line.happening})"
    if line.src != state.stage:
        return f"{name}, where it starts", f"{state.stage}, where the line before ended", line.src
    if (line.src, line.happening, line.dst) not in rows():
        return name, "a row of the lifecycle", f"{line.src} {line.happening} {line.dst}"
    try:
        read = Line(seq, line.happening, line.src, line.dst, {"units": line.units})
        return after(state, read)
    except (ValueError, TypeError):
        return f"{name}, units", "an amount", line.units


def _head(row: StoredOrder, state: State) -> Wrong | None:
    stage = state.stage
    owed = state.units or row.units
    units = state.approved_units if state.is_captured and state.approved_units <= owed else owed
    shown = face(stage, row.kind, units, state.refunded_units, state.disputed_units > 0)
    pairs: tuple[Wrong, ...] = (
        ("approved units", units if stage is Stage.COMPLETED else 0, state.approved_units),
        ("refunded units of the refunds", state.refunded_units, row.refunded),
        ("refunded units of the head", state.refunded_units, row.refunded_units),
        ("disputed units of the disputes", state.disputed_units, row.disputed_units),
        ("disputed, as the head says", state.disputed_units > 0, row.disputed),
        ("attempts sent, by the log", state.attempts, row.counted),
        ("attempts of the head", row.counted, row.attempts),
        ("reason", state.reason, row.reason),
        ("status", _named(shown.status), _named(row.status)),
        ("next attempt of the head", row.planned_at, row.next_attempt_at),
        (
            "created at",
            "none" if stage is Stage.RECEIVED else "set",
            "none" if row.created_at is None else "set",
        ),
        ("order type", _TYPES[row.kind], row.order_type),
        ("units of the head", units, row.head_units),
        ("asset of the head", row.asset, row.head_asset),
        ("door of the head", row.door, row.head_door),
        ("site of the head", row.site_id, row.head_site_id),
        ("placed at of the head", row.placed_at, row.head_placed_at),
        ("expiry of the head", row.expires_at, row.head_expires_at),
        ("decline code of the head", row.decline_code, row.head_decline_code),
    )
    return next((pair for pair in pairs if pair[1] != pair[2]), None)


def _named(status: int) -> str:
    return f"{status} {STATUS_NAMES.get(status, '?')}"

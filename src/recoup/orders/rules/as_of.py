"""An order as it stood at an instant, or after a line: the fold of its log, and what its rows were
then. Pure.

A row is changed until it is closed, and each change that matters has its line; so of a row that was
closed by then everything is as it is now, and of one that was not, only what came with its making.
What has no line (the merchant's own notes, before they were changed) is left out rather than
guessed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.time import whole_millisecond
from recoup.orders.rules.disputed import Dispute
from recoup.orders.rules.fold import State, after
from recoup.orders.rules.lifecycle import ENDED
from recoup.orders.rules.snapshot import Attempt


@dataclass(slots=True)
class Line:
    """Line of the order log, as read."""

    seq: int
    happening: str
    src: str
    dst: str
    body: Mapping[str, Any]
    fact_id: UUID | None
    decision_id: UUID | None
    business_at: datetime
    recorded_at: datetime


@frozen
class Cut:
    """Up to where: business time, the time of recording, or a line. Exactly one is given. Answers
    show milliseconds, so an instant that is named by them holds what happened within it: else no
    line would be held by its own time."""

    business: datetime | None = None
    recorded: datetime | None = None
    version: int | None = None

    def holds(self, line: Line) -> bool:
        if self.version is not None:
            return line.seq <= self.version
        if self.recorded is not None:
            return line.recorded_at <= whole_millisecond(self.recorded)
        assert self.business is not None
        return line.business_at <= whole_millisecond(self.business)


@frozen
class Past:
    """`state`: what the log alone says. `attempts`, `modifications` and `disputes`: the state of
    each row that there was. `due`: of the planned attempt. `expires_at`, `metadata`: None where
    they were changed since, and nothing says what they were. `units`: of the order, where its end
    made it worth less than what it was for; else as they are."""

    state: State
    line: Line
    created_at: datetime | None = None
    attempts: Mapping[UUID, str] = field(default_factory=dict)
    due: Mapping[UUID, datetime] = field(default_factory=dict)
    modifications: Mapping[UUID, str] = field(default_factory=dict)
    disputes: Mapping[UUID, str] = field(default_factory=dict)
    dispute_lines: Mapping[UUID, Line] = field(
        default_factory=dict
    )  # the last that says what a dispute is about
    next_attempt_at: datetime | None = None
    do_not_retry: bool = False
    expires_at: datetime | None = None
    notes_known: bool = True
    units: int | None = None


_MODIFIED: Final[Mapping[str, str]] = {
    "refund_owed": "owed", "refund_sent": "sent", "refund_netted": "netted",
    "refund_of_bad_debt": "netted", "refund_done": "done", "refund_refused": "refused",
    "refund_stuck": "stuck", "refund_retried": "owed", "reversal_owed": "owed",
    "reversal_owed_again": "owed", "reversal_netted": "netted", "reversed": "done",
    "reversal_stuck": "stuck", "reversal_refused": "owed", "reversal_retried": "owed",
    "settled_by_hand": "done", "void_owed": "owed", "voided": "done", "void_stuck": "stuck",
    "void_retried": "owed", "capture_asked": "owed", "capture_refused": "refused",
    "part_captured": "done", "refund_failed": "failed", "refund_due_again": "stuck",
    "reversal_failed": "failed", "reversal_due_again": "stuck", "part_owed_back": "owed",
}  # fmt: skip
_DISPUTED: Final[Mapping[str, str]] = {
    "dispute_inquiry": "open", "dispute_opened": "open", "dispute_continued": "open",
    "dispute_answered": "answered",
    "dispute_won": "won", "dispute_answer_refused": "open",
}  # fmt: skip
_TRIED: Final[Mapping[str, str]] = {
    "attempt_sent": "open", "attempt_declined": "declined", "attempt_approved": "approved",
    "approved_late": "approved", "attempt_not_sent": "not_sent", "attempt_withheld": "not_sent",
    "attempt_unknown": "unknown",
}  # fmt: skip


def past(
    lines: Sequence[Line],
    cut: Cut,
    attempts: Sequence[Attempt],
    modifications: Iterable[Any],
    disputes: Iterable[Dispute],
    *,
    expires_at: datetime | None,
) -> Past:
    """`attempts`, `modifications`, `disputes` and `expires_at`: as they are now. Everything up to
    the last line that the cut holds, for a line never stands without those before it.

    Raises: Problem(invalid) for a cut before the order's first line, or a line that it has not.
    """
    last = max((line.seq for line in lines if cut.holds(line)), default=0)
    if not last or cut.version is not None and cut.version > lines[-1].seq:
        raise _nothing(lines, cut)
    kept, gone = (
        [line for line in lines if line.seq <= last],
        [line for line in lines if line.seq > last],
    )
    rows = list(modifications)
    reversals = {row.attempt_id: row.modification_id for row in rows if row.kind == "reversal"}
    captures = [row.modification_id for row in rows if row.kind == "capture"]
    reader = _Reader(attempts, reversals, captures)
    disputes_now = {dispute.dispute_id: dispute.state for dispute in disputes}
    for line in kept:
        reader.read(line, disputes_now)
    moved = [line for line in kept if line.happening == "expiry_moved"]
    moved_later = any(line.happening == "expiry_moved" for line in gone)
    expiry = _moment(moved[-1].body.get("until")) if moved else None if moved_later else expires_at
    return Past(
        reader.state,
        kept[-1],
        reader.created_at,
        reader.attempts,
        reader.due,
        reader.modifications,
        reader.disputes,
        reader.dispute_lines,
        None if reader.stopped else min(reader.due.values(), default=None),
        reader.stopped,
        expiry,
        not any(line.happening == "notes_changed" for line in gone),
        _units_before(lines, gone),
    )


def _units_before(lines: Sequence[Line], gone: Iterable[Line]) -> int | None:
    """The order's units before it ended with a part of them."""
    for line in gone:
        if line.happening == "parts_kept":
            return int(line.body["units"]) + int(line.body["unpaid"])
        if line.happening in ("captured", "capture_ended"):
            return next(
                (int(line.body["units"]) for line in lines if line.happening == "authorised"), None
            )
    return None


class _Reader:
    """Goes over the lines, oldest first."""

    def __init__(
        self,
        attempts: Sequence[Attempt],
        reversals: Mapping[UUID | None, UUID],
        captures: list[UUID],
    ) -> None:
        self._rows = sorted(attempts, key=lambda attempt: attempt.attempt_no)
        self._reversals, self._captures = reversals, captures
        self.state, self.stopped = State(), False
        self.created_at: datetime | None = None
        self.attempts: dict[UUID, str] = {}
        self.due: dict[UUID, datetime] = {}
        self.modifications: dict[UUID, str] = {}
        self.disputes: dict[UUID, str] = {}
        self.dispute_lines: dict[UUID, Line] = {}

    def read(self, line: Line, disputes_now: Mapping[UUID, str]) -> None:
        self.state = after(self.state, line)
        if self.created_at is None and line.dst != line.src and line.happening != "received":
            self.created_at = line.business_at
        if line.happening == "unseen":
            self.created_at = None
        self._of_rows(line, disputes_now)
        if line.happening in ("retries_stopped", "retries_resumed"):
            self.stopped = line.happening == "retries_stopped"
        if line.happening in ("planned", "charge_planned"):
            self._plan(line, _moment(line.body.get("next")))
        elif line.happening == "attempt_not_sent" and self.state.stage not in ENDED:
            self._plan(line, None, again=True)
        elif line.happening == "broke":
            for attempt_id in self.due:
                self.attempts.pop(attempt_id, None)
            self.due = {}
        elif line.happening == "held" and line.body.get("until"):
            self.due = {
                attempt_id: _moment(line.body["until"]) or at for attempt_id, at in self.due.items()
            }
        if self.stopped or line.dst != line.src and line.dst in ENDED:
            self._drop()

    def _of_rows(self, line: Line, disputes_now: Mapping[UUID, str]) -> None:
        happening, row_id = line.happening, line.fact_id
        if happening in ("captured", "capture_ended"):
            self.modifications |= {
                capture: "done"
                for capture in self._captures
                if self.modifications.get(capture) == "owed"
            }
        if row_id is None:
            return
        if happening in _TRIED:
            self.attempts[row_id] = _TRIED[happening]
            self.due.pop(row_id, None)
        if happening in _MODIFIED:
            self.modifications[row_id] = _MODIFIED[happening]
        if happening == "approved_late" and row_id in self._reversals:
            self.modifications[self._reversals[row_id]] = "owed"
        if "respond_by" in line.body and "round_id" in line.body:
            self.dispute_lines[row_id] = line
        if happening in _DISPUTED:
            self.disputes[row_id] = _DISPUTED[happening]
        elif happening in ("dispute_lost", "inquiry_closed"):
            self.disputes[row_id] = str(line.body.get("how") or disputes_now.get(row_id, "lost"))

    def _plan(self, line: Line, due: datetime | None, *, again: bool = False) -> None:
        """The row that is planned is the first that nothing was said of yet."""
        fresh = next((row for row in self._rows if row.attempt_id not in self.attempts), None)
        named = line.fact_id if line.happening == "charge_planned" else None
        row_id = named or next(iter(self.due), fresh.attempt_id if fresh is not None else None)
        if again and fresh is not None and row_id is not None:
            due = fresh.due_at
        if row_id is None or due is None:
            self._drop()
        else:
            self.attempts[row_id] = "planned"
            self.due = {row_id: due}

    def _drop(self) -> None:
        self.attempts |= dict.fromkeys(self.due, "not_sent")
        self.due = {}


def attempts_then(past: Past, attempts: Iterable[Attempt]) -> list[Attempt]:
    """The attempts that existed then, as they were."""
    made = []
    for attempt in attempts:
        state = past.attempts.get(attempt.attempt_id)
        if state is None:
            continue
        then = replace(
            attempt, state=state, due_at=past.due.get(attempt.attempt_id, attempt.due_at)
        )
        if state in ("planned", "open", "unknown"):
            then = replace(
                then,
                sent_at=None if state == "planned" else attempt.sent_at,
                route=None if state == "planned" else attempt.route,
                reference=None,
                network_transaction_id=None,
                scheme_code=None,
                advice_code=None,
                processor_code=None,
                klass=None,
                code_reason=None,
                latency_ms=None,
                closed_at=None,
                checks=None,
                retries_itself_at=None,
                consent=None if state == "planned" else attempt.consent,
            )
        made.append(then)
    return made


def disputes_then(past: Past, disputes: Iterable[Dispute]) -> list[Dispute]:
    """The disputes that existed then, as they were."""
    made = []
    for dispute in disputes:
        state, line = (
            past.disputes.get(dispute.dispute_id),
            past.dispute_lines.get(dispute.dispute_id),
        )
        if state is None or line is None:
            continue
        body = line.body
        said = {name: body[name] for name in ("stage", "kind", "reason_code", "units", "liable")}
        closed = line.business_at if state not in ("open", "answered") else None
        fee, respond_by = int(body.get("fee_charged") or 0), _moment(body.get("respond_by"))
        made.append(
            replace(
                dispute, state=state, fee_units=fee, respond_by=respond_by, closed_at=closed, **said
            )
        )
    return made


def _nothing(lines: Sequence[Line], cut: Cut) -> Problem:
    if cut.version is not None:
        message = Sentence(
            "The order has no line {0}; its lines are 1 to {1}.",
            cut.version,
            lines[-1].seq if lines else 0,
        )
        return invalid(message, "AsOfVersion", "Ask for one of these.")
    first = lines[0].business_at if cut.business is not None else lines[0].recorded_at
    message = Sentence("The order was not there yet: it came on {0}.", first)
    if cut.business is not None:
        return invalid(message, "AsOf", "Ask for a later instant.")
    return invalid(
        message,
        "AsOfRecorded",
        "asOfRecorded is real time, not the merchant’s: ask for a later instant.",
    )


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(str(value)) if value else None

"""Somebody confirms what a compared file suggests: it is booked, once a line, however often and
from wherever."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from recoup.audit import moves as audit
from recoup.db.pool import KeyTaken
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import iso
from recoup.kit.world import World
from recoup.merchants.store.merchants import offset_of
from recoup.reconciliation.moves import Suggestion, book_differences
from recoup.reconciliation.store.reconciliation import LockedLine, lock_lines, to_book

NOTE_MAX: Final = 500
LINES_AT_ONCE: Final = 1_000
TRIES: Final = 5


class Booked(NamedTuple):
    """Count of booked lines. `now`: booked by this call; `before`: the same lines of another file
    had been booked, these were only marked."""

    now: int
    before: int


async def book_lines(
    world: World, scope: Scope, run_id: UUID, row_nos: Sequence[int] | None, note: str
) -> Booked:
    """Books lines of a comparison. `row_nos` None: all that have a suggestion and are not booked.

    Raises: Problem(invalid) without a note; Problem(not_found), Problem(wrong_state) for a named
    line that is not there or has nothing to book: then none of them is booked.
    """
    note = " ".join(note.replace("\0", "").split())
    if not note:
        raise invalid("A booking needs a note.", "note", "Enter the reason.")
    if len(note) > NOTE_MAX:
        raise invalid(
            Sentence("A note has at most {0} characters.", NOTE_MAX), "note", "Shorten it."
        )
    if row_nos is not None:
        return await _book(world, scope, run_id, sorted(set(row_nos)), note, named=True)
    total = Booked(0, 0)
    while True:
        next_ = await to_book(world.db, scope.merchant_id, run_id, LINES_AT_ONCE)
        if not next_:
            return total
        done = await _book(world, scope, run_id, next_, note, named=False)
        total = Booked(total.now + done.now, total.before + done.before)


async def _book(
    world: World, scope: Scope, run_id: UUID, row_nos: Sequence[int], note: str, *, named: bool
) -> Booked:
    """Another process that books the same line from another file is seen at the next try."""
    for _ in range(TRIES):
        try:
            return await _once(world, scope, run_id, row_nos, note, named)
        except KeyTaken:
            continue
    raise Problem("unavailable", "Somebody is booking the same lines.", retry_after_seconds=1)


async def _once(
    world: World, scope: Scope, run_id: UUID, row_nos: Sequence[int], note: str, named: bool
) -> Booked:
    key, wall = (scope.merchant_id, run_id), world.clocks.wall()
    async with world.db.transaction() as tx:
        offset = await offset_of(tx, scope.merchant_id)
        lines = await lock_lines(tx, *key, row_nos)
        if named:
            _check(row_nos, lines)
        open_ = [suggestion for line in lines if (suggestion := _suggestion(line)) is not None]
        now = world.clocks.business(offset or 0)
        fresh = await book_differences(
            tx, key, open_, now=now, wall=wall, by=scope.actor.text(), note=note
        )
        if open_:
            details = {"lines": len(open_), "first": open_[0].row_no, "last": open_[-1].row_no}
            await audit.note(tx, scope, wall, "statement.booked", run_id, details)
    return Booked(fresh, len(open_) - fresh)


def _suggestion(line: LockedLine) -> Suggestion | None:
    """The suggestion for a line; None where there is none or it was booked."""
    if line.booked_at is not None or line.recipe is None:
        return None
    assert line.line_id is not None, "what may be booked has a line"
    assert line.asset is not None
    return Suggestion(line.row_no, line.line_id, line.asset, line.recipe, line.entries or [])


def _check(row_nos: Sequence[int], lines: Sequence[LockedLine]) -> None:
    """Raises: Problem not_found, wrong_state."""
    there = {line.row_no: line for line in lines}
    for number in row_nos:
        line = there.get(number)
        if line is None:
            raise Problem(
                "not_found",
                Sentence("The comparison has no line {0}.", number),
                cure="Check its list.",
            )
        if line.recipe is None:
            message = Sentence(
                "Nothing is suggested for line {0}; there is nothing to book.", number
            )
            raise Problem(
                "wrong_state", message, cure="Only lines with a suggestion can be booked."
            )
        if line.booked_at is not None:
            when = iso(line.booked_at)
            raise Problem(
                "wrong_state",
                Sentence(
                    "Line {0} was booked by {1} at {2}; it is booked only once.",
                    number,
                    line.booked_by,
                    when,
                ),
                cure="Reload the page to see it.",
            )

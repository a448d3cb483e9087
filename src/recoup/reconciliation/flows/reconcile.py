"""A statement of a processor, bank or chain against the ledger: read, matched in sets, kept with a
verdict a line.

Nothing is booked here. The same file read in the same way is the run that there is already; a
process that dies leaves nothing behind, and of two at once one waits and finds the other's run.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from itertools import count, islice
from typing import BinaryIO, Final
from uuid import UUID

from recoup.audit.moves import note
from recoup.bank.rules.entries import BankStatement
from recoup.bank.rules.formats import check_statement, format_of
from recoup.bank.rules.matching import (
    Ours,
    Theirs,
    Verdict,
    check_units,
    judge,
    judge_missing,
    recipes_of,
    unit_of,
)
from recoup.bank.rules.reading import Reading, check
from recoup.bank.rules.statement import FEES_FROM, Broken, Statement
from recoup.bank.rules.statements import bank_statement
from recoup.db.statement import Tx
from recoup.kernel.encode import encode_sorted
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, cut
from recoup.kernel.scope import Scope
from recoup.kernel.stop import look_up
from recoup.kit.files.lines import Line, lines
from recoup.kit.files.source import encoding_in, encoding_note, source_of
from recoup.kit.files.table import unread_note
from recoup.kit.report_spans import zone_of
from recoup.kit.threads import run_stoppable
from recoup.kit.workbooks import opened
from recoup.kit.world import World
from recoup.networks.card_guard import check_words
from recoup.networks.card_text import masked_numbers
from recoup.reconciliation.store import comparison as store
from recoup.reconciliation.store.comparison import Candidate, VerdictLine
from recoup.reconciliation.store.reconciliation import Run, count_equals, find_run, run_by_key

FILE_BYTES_MAX: Final = 512 << 20
CHUNK: Final = 1 << 16
LINES_AT_ONCE: Final = 2_000


@frozen
class File:
    """An open file that can be read twice; `name` as its owner calls it."""

    name: str
    content: BinaryIO


@frozen
class Ran:
    """A comparison and whether it was there already. `before`: it was, and nothing was changed."""

    run: Run
    before: bool


@dataclass(slots=True)
class _Run:
    """State of a run while it is made."""

    key: tuple[UUID, UUID]
    statement: Statement | BankStatement
    route: str
    lines: int = 0
    counts: dict[str, int] = field(default_factory=dict)


async def reconcile(
    world: World,
    scope: Scope,
    file: File,
    reading: Reading,
    *,
    again: bool = False,
    tell: Callable[[int], None] | None = None,
) -> Ran:
    """`tell` hears how many bytes were read on. `again` compares anew, with the ledger as it is
    now.

    Raises: Problem(invalid) for what is no statement, an option that cannot be, or a name that
    holds a card number; Problem(too_large); Problem(conflict) while orders of its period are in an
    archive: what is known there would be missing here.
    """
    check(reading)
    check_words({"file name": file.name, "mapping": encode_sorted(reading.to_dict()).decode()})
    routes = (
        world.channels
        if reading.kind == "chain"
        else world.routes.visible(world.processors, scope.merchant_id)
    )
    reading = replace(reading, routes=tuple(routes))
    file_hash = await run_stoppable(_hashed, file.content)
    run_id, wall = new_id(), world.clocks.wall()
    run_key = sha256(
        encode_sorted([str(run_id) if again else "", file_hash.hex(), reading.to_dict()])
    ).digest()
    known = await run_by_key(world.db, scope.merchant_id, run_key)
    if known is not None:
        return Ran(known, True)
    async with opened(file.content) as content:
        statement = await run_stoppable(_statement, replace(file, content=content), reading, tell)
        route = reading.values.get("route") or next(iter(reading.routes), "")
        run = _Run((scope.merchant_id, run_id), statement, route)
        async with world.db.transaction() as tx:
            mine = await store.begin_run(
                tx,
                *run.key,
                run_key,
                reading.kind,
                file.name[-200:],
                file_hash,
                reading.to_dict(),
                wall,
                scope.actor.text(),
            )
            if mine:
                await store.prepare(tx)
                await _compare(tx, run, reading, file_hash, wall, list(world.channels))
                await note(
                    tx,
                    scope,
                    wall,
                    "statement.compared",
                    run_id,
                    {"kind": reading.kind, "lines": run.lines},
                )
    made = await run_by_key(world.db, scope.merchant_id, run_key)
    assert made is not None
    return Ran(made, not mine)


async def run_of(world: World, merchant_id: UUID, run_id: UUID) -> Run:
    """Raises: Problem(not_found)."""
    run = await find_run(world.db, merchant_id, run_id)
    if run is None:
        raise Problem(
            "not_found", "There is no such comparison.", cure="Look at the list of files."
        )
    return run


async def _compare(
    tx: Tx, run: _Run, reading: Reading, file_hash: bytes, wall: datetime, channels: list[str]
) -> None:
    async for good, broken in _batches(run.statement):
        run.lines += len(good) + len(broken)
        await store.stage(tx, good)
        await _keep(tx, run, [_refused(run.key, line) for line in broken])
    await count_equals(
        tx, run.key, file_hash, reading.period is not None, reading.values.get("route")
    )
    period = reading.period or _whole_days(await store.staged_span(tx), wall, reading.zone)
    await store.collect(tx, run.key[0], reading.kind, recipes_of(reading.kind), channels, period)
    archived = await store.archived_file(tx, run.key[0], period)
    if archived is not None:
        raise Problem(
            "conflict",
            Sentence("Orders of this period were archived, in {0}.", archived),
            cure="The operator can put it back: `recoup archive put-back FILE`.",
        )
    units = Counter[str]()
    async for rows in store.candidates(tx):
        units.update(unit_of(row.line, row.found) for row in rows)
        await _keep(tx, run, [_judged(run.key, reading.kind, row, run.route) for row in rows])
    check_units(units)
    number = run.statement.last_number
    async for movements in store.missing(tx, period, run.statement.currencies):
        judged = [
            _missing(run.key, number + at, ours, period) for at, ours in enumerate(movements, 1)
        ]
        number += len(movements)
        await _keep(tx, run, judged)
    await store.end_run(
        tx, *run.key, run.lines, run.counts, _notes(run.statement, reading), *period
    )


async def _keep(tx: Tx, run: _Run, lines: list[VerdictLine]) -> None:
    for line in lines:
        run.counts[line.outcome] = run.counts.get(line.outcome, 0) + 1
    await store.add_verdicts(tx, lines)


def _statement(
    file: File, reading: Reading, tell: Callable[[int], None] | None
) -> Statement | BankStatement:
    """Reads a statement by its format, packed or not. A table is read three times; `tell` hears of
    the last.

    Raises: Problem(invalid) for a format that is not read, or not as this kind.
    """
    source = source_of(file.content)
    head = next(iter(source()), b"")
    named = format_of(head)
    if named is not None:
        check_statement(named, reading.kind)
        return bank_statement(named, head, _reported(source(), tell), reading)
    encoding = encoding_in(source, reading.encoding)
    passes = count()

    def numbered() -> Iterator[Line]:
        return lines(_reported(source(), tell if next(passes) else None), encoding)

    return Statement(numbered, reading, "" if reading.encoding else encoding, file.name)


def _reported(pieces: Iterable[bytes], tell: Callable[[int], None] | None) -> Iterator[bytes]:
    for piece in pieces:
        if tell:
            tell(len(piece))
        yield piece


async def _batches(
    statement: Statement | BankStatement,
) -> AsyncIterator[tuple[list[Theirs], list[Broken]]]:
    """Parsed beside the event loop: other calls are served meanwhile."""
    parsed = iter(statement)
    while batch := await run_stoppable(lambda: list(islice(parsed, LINES_AT_ONCE))):
        yield (
            [x for x in batch if isinstance(x, Theirs)],
            [x for x in batch if isinstance(x, Broken)],
        )


def _hashed(content: BinaryIO) -> bytes:
    """Raises: Problem(too_large)."""
    digest, size = sha256(), 0
    content.seek(0)
    while chunk := content.read(CHUNK):
        look_up()
        size += len(chunk)
        if size > FILE_BYTES_MAX:
            raise Problem(
                "too_large",
                Sentence("The file is larger than {0} MB.", FILE_BYTES_MAX >> 20),
                cure="Split it by dates.",
            )
        digest.update(chunk)
    return digest.digest()


def _whole_days(
    span: tuple[datetime | None, datetime | None], wall: datetime, zone: str
) -> tuple[datetime, datetime]:
    """The span from the start of the first line's day to the end of the last line's."""
    first, last = span[0] or wall, span[1] or wall
    local = zone_of(zone)
    begin = datetime.combine(first.astimezone(local).date(), time(), local)
    end = datetime.combine(last.astimezone(local).date() + timedelta(days=1), time(), local)
    return begin.astimezone(UTC), end.astimezone(UTC)


def _notes(statement: Statement | BankStatement, reading: Reading) -> list[str]:
    if isinstance(statement, BankStatement):
        return statement.notes()
    layout = statement.layout
    named = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}.get(
        layout.delimiter, repr(layout.delimiter)
    )
    notes: list[str] = [
        Sentence(
            "Read with {0} between fields and {1} as decimal sign; times without a zone are {2}.",
            named,
            repr(layout.decimal),
            reading.zone,
        )
    ]
    if layout.exponents is not None:
        notes.append(
            Sentence(
                "Amounts are read in the smallest unit, like cents; --amounts major reads whole "
                "units."
            )
        )
    return [*encoding_note(statement.encoding), *notes, *unread_note(layout.unread)]


def _refused(key: tuple[UUID, UUID], line: Broken) -> VerdictLine:
    text = (
        "Line {0} is left out: {1}."
        if line.code == "no_money"
        else "Line {0} could not be read: {1}."
    )
    finding = cut(Sentence(text, line.number, line.why), 400)
    return VerdictLine(*key, line.number, "refused", line.code, finding, line_no=line.number)


def _judged(key: tuple[UUID, UUID], kind: str, candidate: Candidate, route: str) -> VerdictLine:
    line, facts = candidate.line, candidate.found
    first, taken = (
        None if number is None else number % FEES_FROM for number in (facts.first, facts.taken)
    )
    ours, verdict = facts.ours, judge(kind, line, facts._replace(first=first, taken=taken), route)
    return _line(key, line.number, verdict)._replace(
        line_no=line.number % FEES_FROM,
        line_id=line.line_id,
        type=line.type,
        our_id=line.our_id,
        reference=masked_numbers(line.reference),
        asset=line.asset,
        units=line.units,
        our_units=None
        if ours is None or verdict.outcome == "missing_here"
        else line.units
        if candidate.found.whole
        else ours.units,
        dated=line.at,
        order_id=ours.order_id if ours else None,
        posting_id=ours.entry[0] if ours else None,
        content_id=candidate.content_id,
        equal_no=candidate.equal_no,
    )


def _missing(
    key: tuple[UUID, UUID], row_no: int, ours: Ours, period: tuple[datetime, datetime]
) -> VerdictLine:
    return _line(key, row_no, judge_missing(ours, period))._replace(
        type=ours.type,
        our_id=ours.source_id,
        reference=ours.reference,
        asset=ours.asset,
        our_units=ours.units,
        dated=ours.at,
        order_id=ours.order_id,
        posting_id=ours.entry[0],
    )


def _line(key: tuple[UUID, UUID], row_no: int, verdict: Verdict) -> VerdictLine:
    posting = verdict.posting
    return VerdictLine(
        *key,
        row_no,
        verdict.outcome,
        verdict.reason,
        verdict.text,
        posting.recipe if posting else None,
        [list(entry) for entry in posting.entries] if posting else None,
    )

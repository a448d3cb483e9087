"""Statements: the list with its form, one comparison line by line, and the booking of what it
suggests."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from starlette.datastructures import UploadFile

from recoup.bank.rules.reading import EVERY, Reading, mapping_file, reading_of
from recoup.kernel.problem import Problem, Sentence, invalid, joined
from recoup.kernel.texts import known_id
from recoup.kit.edge.spool import while_there
from recoup.kit.lists.paging import cut
from recoup.kit.report_spans import days, days_of
from recoup.orders.rules.ledger import RECIPES as RECIPES  # the template's
from recoup.people.page.endpoint import done_of, redirect, with_done
from recoup.people.page.file_form import UNITS as UNITS  # the template's
from recoup.people.page.file_form import file_form
from recoup.people.page.form_shape import RowNo, Text, read_again
from recoup.people.page.known_before import FILES
from recoup.people.page.pages import Answer, Values, member
from recoup.people.page.portal_visit import Visit, found_by
from recoup.people.page.rights import anybody, operator
from recoup.people.page.words import State
from recoup.reconciliation.flows.book_differences import book_lines
from recoup.reconciliation.flows.reconcile import File, reconcile, run_of
from recoup.reconciliation.store.reconciliation import (
    Run,
    bookings,
    list_runs,
    refused_lines,
    run_lines,
)
from recoup.uploads.flows.file_turns import in_turn

OUTCOMES: Final = {
    "matched": State(
        "Matched",
        "ok",
        "check",
        "The same id or reference, type, amount and currency on both sides.",
    ),
    "missing_here": State("Missing here", "prob", "problem", "In the file, but not in the ledger."),
    "missing_there": State(
        "Missing there", "hold", "problem", "In the ledger for this period, but not in the file."
    ),
    "amount_differs": State(
        "Amount differs", "prob", "problem", "Same movement, different amount."
    ),
    "duplicate": State("Duplicate", "off", "info", "Repeats another line of the file."),
    "refused": State(
        "Not readable", "off", "problem", "The line could not be read and is ignored."
    ),
}
REFUSED: Final = {
    "mixed_currencies": "Different currency from the file", "unknown_currency": "Unknown currency",
    "unknown_type": "Unknown type", "unknown_route": "Unknown route",
    "bad_amount": "No valid amount in its currency",
    "bad_date": "No date", "other_period": "Outside the period", "no_id": "No id and no reference",
    "no_money": "No money has moved", "unknown_status": "Unknown status", "broken": "Malformed",
    "wrong_encoding": "Wrong encoding", "too_long": "Too long",
    "too_many_lines": "Beyond the maximum file size",
}  # fmt: skip
KINDS: Final = {"processor": "Processor", "bank": "Bank", "chain": "Channel or chain"}
SIZE: Final = 25
LINES: Final = 100
_DIFFER: Final = [name for name in OUTCOMES if name not in ("matched", "refused")]


@dataclass(frozen=True, slots=True)
class NewFile:
    """The form of a new file. `from_`, `to`: the first and the last day; `every`: all currencies of
    the file, not `currencies` alone; `mapping`: TOML; `units`: of amounts. `like`: the comparison
    whose reading counts in place of these; None: none."""

    file: UploadFile | None
    kind: str
    from_: Annotated[str, Text(strip=True)]
    to: Annotated[str, Text(strip=True)]
    currencies: str
    every: bool
    mapping: str
    like: str | None
    units: Literal["", "major", "minor"] = ""


@member.page(FILES, "reconciliation/files.html")
async def files(visit: Visit, *, after: UUID | None) -> Values:
    runs = await list_runs(visit.world.db.reader, visit.merchant_id, after=after, limit=SIZE + 1)
    shown, last = cut(runs, SIZE)
    return dict(
        runs=shown,
        next=last and last.run_id,
        first=after is None,
        days=_days,
        typed=read_again(NewFile, visit.typed),
        may=visit.may("refund", or_operator=True),
    )


@files.post(may=anybody, shape=NewFile, reads=file_form)
async def post_file(visit: Visit, form: NewFile) -> Answer:
    """The same file again leads to the comparison that there is."""
    visit.only("refund", "compare files", or_operator=True)
    if form.file is None:
        raise invalid("No file was chosen.", "file", "Choose the file first.")
    reading = _reading(form) if form.like is None else await _like(visit, form.like)
    file, world = File(form.file.filename or "", form.file.file), visit.world
    comparing = in_turn(
        world, visit.merchant_id, file.content, lambda: reconcile(world, visit.scope, file, reading)
    )
    ran = await while_there(visit.request.receive, comparing)
    path = f"{FILES}/{ran.run.run_id}"
    return redirect(with_done(visit.session, path, "known") if ran.before else path)


_NONE: Final = Problem(
    "not_found", "There is no such comparison.", cure="Look at the list of files."
)
_find: Final = found_by("run_id", _NONE, run_of)


@member.page("/reconciliation/files/{run_id}", "reconciliation/file.html")
async def file_page(visit: Visit, *, outcome: str, after: RowNo = 0) -> Values:
    run, done = await _find(visit), done_of(visit.session, visit.request)
    booked, _, before = (
        done.removeprefix("booked-").partition("-") if done.startswith("booked-") else ("", "", "")
    )
    wanted = [outcome] if outcome in OUTCOMES else None if outcome == "all" else _DIFFER
    key = (visit.merchant_id, run.run_id)
    rows = await run_lines(
        visit.world.db.reader, *key, outcomes=wanted, after=after, limit=LINES + 1
    )
    shown, last = cut(rows, LINES)
    open_ = await bookings(visit.world.db.reader, *key)
    refused = await refused_lines(visit.world.db.reader, *key) if run.counts.get("refused") else []
    return dict(
        run=run,
        rows=shown,
        next=last and last.row_no,
        first=not after,
        outcome=outcome if outcome in OUTCOMES or outcome == "all" else "",
        ticks=visit.is_operator and any(row.recipe and not row.booked_at for row in rows),
        days=_days,
        differ=sum(run.counts.get(name, 0) for name in _DIFFER),
        open=open_,
        note=read_again(post_booking, visit.typed).note,
        known=done == "known",
        booked=booked,
        before=before.lstrip("0"),
        refused=refused,
        may=visit.may("refund", or_operator=True),
        mixed=any(group.reason == "mixed_currencies" for group in refused),
    )


@file_page.post(
    "/reconciliation/files/{run_id}/book", may=operator("book a difference"), find=_find
)
async def post_booking(
    visit: Visit,
    run: Run,
    *,
    which: str,
    row: tuple[RowNo, ...],
    note: str,
) -> Answer:
    """Books the lines that were chosen. `which`: all, else the lines of `row`."""
    if which != "all" and not row:
        raise invalid("No line was chosen.", "row", "Select the lines to book.")
    rows = None if which == "all" else list(row)
    done = await book_lines(visit.world, visit.scope, run.run_id, rows, note)
    return redirect(
        with_done(visit.session, f"{FILES}/{run.run_id}", f"booked-{done.now}-{done.before}")
    )


async def _like(visit: Visit, run_id: str) -> Reading:
    """The reading of an earlier file, with every currency. Raises: Problem(not_found)."""
    run = await run_of(visit.world, visit.merchant_id, known_id(run_id, _NONE))
    return reading_of(run.reading, (EVERY,))


def _reading(form: NewFile) -> Reading:
    values: dict[str, Any] = mapping_file(form.mapping) | (
        {"amounts": form.units} if form.units else {}
    )
    if bool(form.from_) != bool(form.to):
        raise invalid("Enter both days, or leave both empty.", "from", "Enter the other day, too.")
    period = days(form.from_, form.to, values.get("zone", "UTC")) if form.from_ else None
    named = tuple(form.currencies.upper().replace(",", " ").split())
    currencies = (EVERY,) if form.every else named
    return Reading(kind=form.kind, period=period, currencies=currencies, **values)


def _days(run: Run) -> str:
    """The days of a run, as the file counts them."""
    zone = run.reading["zone"]
    first, last = days_of((run.period_from, run.period_to), zone)
    span = joined(dict.fromkeys((first, last)), " – ")
    return span if zone == "UTC" else Sentence("{0}, {1}", span, zone)

"""POST and GET /imports, GET …/{id}, …/{id}/lines, …/{id}/attempts, POST …/{id}/stop. Source:
docs/prove-it.md."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from recoup.imports.flows import (
    FILE_BYTES_MAX,
    ReadFile,
    history,
    one_import,
    read_import,
    stop_import,
)
from recoup.imports.rules.answers import Answers, Question
from recoup.imports.store.imports import Import as StoredImport
from recoup.imports.store.imports import bad_lines, list_imports
from recoup.kernel.problem import Problem
from recoup.keys.api.resource import Reply
from recoup.keys.api.v1_resource import Api, Call, file_reply
from recoup.kit.api import examples
from recoup.kit.api.body import named_as_here, pascal
from recoup.kit.api.query import AfterIdText, at_most
from recoup.kit.api.wire import Members, Moment, NextText, Shape, Text, Text64
from recoup.kit.edge.described import CSV, JSON, JSON_LINES
from recoup.kit.edge.spool import spooled, while_there
from recoup.kit.lists.paging import page_of

PAGE_MAX = 100
LINES_PAGE_MAX = 1_000
LINE_NO_MAX: Final = 2**31 - 1
_Counted = Annotated[int, Meta(ge=0)]
_ByName = dict[str, int]
Order = Annotated[
    Literal["day", "month"],
    Meta(description="How to read 03/04/2026, if the file does not show it: which comes first."),
]
Decimal = Annotated[
    Literal["point", "comma"],
    Meta(description="Decimal sign of amounts, if the file does not show it."),
]
Units = Annotated[
    Literal["major", "minor"],
    Meta(description="Whether amounts are whole units or the smallest unit."),
]


class ImportBody(Shape):
    """A file in JSON: rows of Recoup's history. A list of rows alone, one row a line (JSON lines),
    and CSV exports of processors are taken too, packed with gzip or in a ZIP as well."""

    rows: list[dict[str, Any]]
    """`orderId`, `at`, `amount`, `currency`, `approved`; further members as in docs/prove-it.md.
    `token`: a card that Recoup holds; the attempt counts in your limits of it."""


class NewImportQuery(Shape):
    """What the file does not say itself."""

    filename: Text | None = None
    dry_run: bool | None = None
    """Reads and reports; stores nothing."""
    zone: Text64 | None = None
    """Of times without one, like `Europe/Berlin` or `-06:00`."""
    order: Order | None = None
    decimal: Decimal | None = None
    amounts: Units | None = None
    profile: Text64 | None = None
    """Whose export it is, if its columns do not tell."""


class ImportQuestion(Shape):
    """What has to be answered before the file can be imported."""

    parameter: str
    """Of POST /v1/imports: `zone`, `order`, `decimal` or `amounts`."""
    question: str
    choices: list[str]
    """Empty: any time zone."""
    example: str
    """Cells of the file that can be read in two ways."""


class ImportLine(Shape):
    """A line from which nothing was taken. Nothing of its content is stored."""

    line: Annotated[int, Meta(ge=1)]
    code: str
    """`card_data`, `broken`, `date`, `amount`, `unknown_card`, …"""
    reason: str


class ImportReport(Shape):
    """What the file holds."""

    states: _ByName
    """Attempts by state: approved, declined, not_sent, unknown."""
    skipped: _ByName
    """Rows that are no attempt of a card, by reason."""
    bad: _ByName
    """Lines from which nothing was taken, by code."""
    payments: _Counted
    declined: _Counted
    """Payments whose first attempt was declined."""
    rescued: _Counted | None
    """Of these, paid by a later attempt; null if too many were guessed."""
    guessed: _Counted
    """Attempts that name no payment and were put together."""
    begun_before: _Counted
    """Declined payments that may have begun before the file."""
    open_after: _Counted
    """Declined payments that may go on after the file."""
    missing: _Counted
    """Payments of which the file counts more attempts than it holds."""
    only_successes: bool
    first: Moment | None
    last: Moment | None


class Import(Members):
    """A file of past attempts and how far it is."""

    id: UUID | None
    """Null for a dry run."""
    profile: Annotated[str, Meta(examples=["stripe-payments"])]
    """Whose export it is."""
    file_name: str
    status: Literal["checked", "received", "working", "completed", "stopped"]
    """`checked`: a dry run, nothing is stored; `completed`: all attempts are taken over; `stopped`:
    the remaining attempts were dropped on request."""
    rows: _Counted
    """Rows in the file."""
    attempts: _Counted
    """Of these, attempts of a card."""
    bad: _Counted
    """Of these, rows from which nothing was taken."""
    done: _Counted
    """Attempts that are taken over."""
    new: _Counted
    """Of these, attempts that were not known."""
    changed: _Counted
    """Of these, known attempts that are in a later state."""
    counted: _Counted
    """Sends of cards that Recoup holds; they count in your own limits of these cards."""
    stopping: bool
    """A stop was requested."""
    questions: list[ImportQuestion]
    """Only of a dry run; the file is not read before."""
    lines: list[ImportLine]
    """Only of a dry run, up to 1,000; otherwise GET /v1/imports/{id}/lines."""
    report: ImportReport | None
    notes: list[str]
    """Remarks about the file, such as columns that are not read."""
    received_date: Moment | None
    finished_date: Moment | None
    repeated: bool = False
    """The same file was imported before; this is its state."""


class ImportList(Members):
    """Newest first."""

    data: list[Import]
    next: NextText


class ImportQuery(Shape):
    """What to list."""

    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 20
    after: AfterIdText = None


class ImportLines(Members):
    """In the file's order."""

    data: list[ImportLine]
    next: int | None
    """Send it as `after`; null on the last page."""


class ImportLinesQuery(Shape):
    """Which lines."""

    limit: Annotated[int, Meta(ge=1, le=LINES_PAGE_MAX)] = 100
    after: Annotated[_Counted | None, Meta(extra=at_most(LINE_NO_MAX))] = None
    """`next` of the previous page."""


class PastAttempt(Shape):
    """An attempt of an import, as a row of Recoup's history; one such object a line. Members
    without a value are left out, and there may be more."""

    ref: str
    """Its provider's id of the attempt."""
    provider: str
    order_id: str
    """What links attempts of one payment."""
    customer_id: UUID | None
    """A keyed hash."""
    at: Moment
    amount: Annotated[int, Meta(ge=1)]
    """Smallest unit of the currency."""
    currency: str
    approved: bool
    state: Literal["approved", "declined", "not_sent", "unknown"]
    propensity: float | None


class ImportStopBody(Shape):
    """Nothing needs to be said."""

    reason: str | None = None
    """Not stored."""


PATH: Final = "/v1/imports"
SIZES: Final = {PATH: FILE_BYTES_MAX + (1 << 20)}  # with room for what a form adds
FIND: Final = "Check the id; GET /v1/imports lists them."
LINES_SHOWN: Final = 1_000
_NAMES: Final = {"units": "amounts"}  # an answer -> the parameter for it
_SIGNS: Final[dict[str | None, Literal["", ".", ","]]] = {None: "", "point": ".", "comma": ","}


api: Final = Api(group="Files", scope="payments")


@api(
    f"POST {PATH}",
    body=ImportBody,
    takes=(JSON, JSON_LINES, CSV, "multipart/form-data"),
    query=NewImportQuery,
    answers={202: Import, 200: Import},
    problems=("too_large", "too_many_requests", "unavailable", "no_space"),
    examples=examples.IMPORT,
    streams=True,
)
async def post_import(call: Call) -> Reply:
    """Import past attempts. An export of a processor or billing system, or Recoup's own history, up
    to 2,000,000 rows and 512 MB. It is known by its columns. The rescue engine learns from its
    attempts. What the file does not say, such as its time zone, is asked: `dryRun=true` shows the
    questions and the report, and stores nothing. The same file again is the same import. 202 for a
    new file, 200 for a known one and for a dry run."""
    query = call.parameters(NewImportQuery, "filename", "dryRun", "order", "decimal", "amounts")
    name, dry_run = query.filename or "", bool(query.dry_run)
    said = Answers(
        query.zone or "",
        query.order or "",
        _SIGNS[query.decimal],
        query.amounts or "",
        query.profile or "",
    )
    assert call.receive is not None
    with named_as_here():
        world, whose = call.services.world, str(call.scope.merchant_id)
        async with spooled(
            call.raw_headers, call.receive, FILE_BYTES_MAX, world.name, whose
        ) as sent:
            name = name or sent.name
            reading = read_import(
                call.services.world, call.scope, name, sent.content, said, dry_run=dry_run
            )
            file = await while_there(call.receive, reading)
    if file.questions and not dry_run:
        raise _unanswered(file.questions)
    if file.stored is None:
        return Reply(_checked(file, name))
    return Reply(_import(file.stored, repeated=file.before), 200 if file.before else 202)


@api(f"GET {PATH}", query=ImportQuery)
async def get_imports(call: Call) -> ImportList:
    """Imports. Newest first, with their progress."""
    query = call.parameters(ImportQuery, any_names=True)
    after: Any = query.after
    rows = await list_imports(
        call.services.world.db.reader, call.scope.merchant_id, after, query.limit + 1
    )
    return page_of(ImportList, rows, query.limit, _import, lambda row: str(row.import_id))


@api("GET /v1/imports/{id}", problems=("not_found",))
async def get_import(call: Call) -> Import:
    """One import. Its progress and its report."""
    return _import(await _find(call))


@api("GET /v1/imports/{id}/lines", query=ImportLinesQuery, problems=("not_found",))
async def get_lines(call: Call) -> ImportLines:
    """Bad lines of an import. Lines from which nothing was taken, each with its reason; the first
    10,000 of a file are kept."""
    import_, query = await _find(call), call.parameters(ImportLinesQuery, any_names=True)
    rows = await bad_lines(
        call.services.world.db.reader,
        import_.merchant_id,
        import_.import_id,
        query.after or 0,
        query.limit + 1,
    )
    return page_of(
        ImportLines,
        rows,
        query.limit,
        lambda row: ImportLine(line=row.line_no, code=row.code, reason=str(row.why)),
        lambda row: row.line_no,
    )


@api(
    "GET /v1/imports/{id}/attempts",
    answers={200: PastAttempt},
    types=(JSON_LINES,),
    problems=("not_found",),
)
async def get_attempts(call: Call) -> Reply:
    """Attempts of an import. As rows of Recoup's history with `ref`,
    which can be imported again."""
    import_ = await _find(call)
    rows = history(call.services.world, import_.merchant_id, import_.import_id)
    return file_reply(rows, f"attempts-{import_.import_id}.jsonl", JSON_LINES)


@api(
    "POST /v1/imports/{id}/stop",
    body=ImportStopBody,
    problems=("not_found", "wrong_state"),
    body_optional=True,
)
async def post_stop(call: Call) -> Import:
    """Stop an import. Drops attempts that are not yet taken over. The same file may be sent again
    afterwards."""
    return _import(
        await stop_import(call.services.world, call.scope, call.object_id(noun="import", cure=FIND))
    )


async def _find(call: Call) -> StoredImport:
    return await one_import(
        call.services.world, call.scope.merchant_id, call.object_id(noun="import", cure=FIND)
    )


def _unanswered(questions: tuple[Question, ...]) -> Problem:
    """Problem with the open questions of a file. What it does not say is never guessed: nothing of
    it is stored until it is answered."""
    fields: dict[str, list[str]] = {}
    for question in questions:
        fields.setdefault(pascal(_NAMES.get(question.name, question.name)), []).append(
            str(question.text)
        )
    return Problem(
        "invalid",
        "The file leaves something open; nothing of it was imported.",
        cure="Answer by query parameters; dryRun=true shows every question with its choices.",
        fields=fields,
    )


def _question(question: Question) -> ImportQuestion:
    signs: dict[str, Any] = {sign: name for name, sign in _SIGNS.items()}
    return ImportQuestion(
        parameter=_NAMES.get(question.name, question.name),
        question=str(question.text),
        choices=[signs.get(choice, choice) for choice in question.choices],
        example=question.example,
    )


def _checked(file: ReadFile, name: str) -> Import:
    """A dry run."""
    return Import.of(
        file,
        id=None,
        file_name=name,
        status="checked",
        bad=sum(file.report["bad"].values()) if file.report else 0,
        done=0,
        new=0,
        changed=0,
        counted=0,
        stopping=False,
        questions=[_question(question) for question in file.questions],
        lines=[
            ImportLine(line=line.line, code=line.code, reason=str(line.why))
            for line in file.lines[:LINES_SHOWN]
        ],
        report=msgspec.convert(file.report, ImportReport) if file.report else None,
        notes=[str(note) for note in file.notes],
        received_date=None,
        finished_date=None,
    )


def _import(row: StoredImport, *, repeated: bool = False) -> Import:
    return Import.of(
        row,
        id=row.import_id,
        status=row.state,
        rows=row.row_count,
        attempts=row.attempt_count,
        bad=row.bad_count,
        done=row.done_count,
        new=row.new_count,
        changed=row.changed_count,
        counted=row.counted_count,
        stopping=row.stop_requested_at is not None and row.finished_at is None,
        questions=[],
        lines=[],
        report=msgspec.convert(row.report, ImportReport),
        notes=[str(note) for note in row.notes],
        repeated=repeated,
    )

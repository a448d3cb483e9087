"""Files of past attempts. Source: docs/prove-it.md."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from recoup.doors.rescue.wire import Members, Moment, Shape, Text, Text64

PAGE_MAX = 100
LINES_PAGE_MAX = 1_000
_Counted = Annotated[int, Meta(ge=0)]
_ByName = dict[str, int]
Order = Annotated[
    Literal["day", "month"],
    Meta(description="How to read 03/04/2026, if the file does not show it: which comes first."),
]
Decimal = Annotated[
    Literal["point", "comma"], Meta(description="Decimal sign of amounts, if the file does not show it.")
]
Units = Annotated[Literal["major", "minor"], Meta(description="Whether amounts are whole units or the smallest unit.")]


class ImportBody(Shape, kw_only=True):
    """A file in JSON: rows of Recoup's history. A list of rows alone, one row a line (JSON lines), and CSV exports of
    processors are taken too, packed with gzip or in a ZIP as well."""

    rows: Annotated[
        list[dict[str, Any]],
        Meta(
            description="`orderId`, `at`, `amount`, `currency`, `approved`; further members as in docs/prove-it.md. "
            "`token`: a card that Recoup holds; the attempt counts in your limits of it."
        ),
    ]


class NewImportQuery(Shape, kw_only=True):
    """What the file does not say itself."""

    filename: Text | None = None
    dry_run: Annotated[bool | None, Meta(description="Reads and reports; stores nothing.")] = None
    zone: Annotated[Text64 | None, Meta(description="Of times without one, like `Europe/Berlin` or `-06:00`.")] = None
    order: Order | None = None
    decimal: Decimal | None = None
    amounts: Units | None = None
    profile: Annotated[Text64 | None, Meta(description="Whose export it is, if its columns do not tell.")] = None


class ImportQuestion(Shape, kw_only=True):
    """What has to be answered before the file can be imported."""

    parameter: Annotated[str, Meta(description="Of POST /v1/imports: `zone`, `order`, `decimal` or `amounts`.")]
    question: str
    choices: Annotated[list[str], Meta(description="Empty: any time zone.")]
    example: Annotated[str, Meta(description="Cells of the file that can be read in two ways.")]


class ImportLine(Shape, kw_only=True):
    """A line from which nothing was taken. Nothing of its content is stored."""

    line: Annotated[int, Meta(ge=1)]
    code: Annotated[str, Meta(description="`card_data`, `broken`, `date`, `amount`, `unknown_card`, …")]
    reason: str


class ImportReport(Shape, kw_only=True):
    """What the file holds."""

    states: Annotated[_ByName, Meta(description="Attempts by state: approved, declined, not_sent, unknown.")]
    skipped: Annotated[_ByName, Meta(description="Rows that are no attempt of a card, by reason.")]
    bad: Annotated[_ByName, Meta(description="Lines from which nothing was taken, by code.")]
    payments: _Counted
    declined: Annotated[int, Meta(ge=0, description="Payments whose first attempt was declined.")]
    rescued: Annotated[
        _Counted | None, Meta(description="Of these, paid by a later attempt; null if too many were guessed.")
    ]
    guessed: Annotated[int, Meta(ge=0, description="Attempts that name no payment and were put together.")]
    begun_before: Annotated[int, Meta(ge=0, description="Declined payments that may have begun before the file.")]
    open_after: Annotated[int, Meta(ge=0, description="Declined payments that may go on after the file.")]
    missing: Annotated[int, Meta(ge=0, description="Payments of which the file counts more attempts than it holds.")]
    only_successes: bool
    first: Moment | None
    last: Moment | None


class Import(Members, kw_only=True):
    """A file of past attempts and how far it is."""

    id: Annotated[UUID | None, Meta(description="Null for a dry run.")]
    profile: Annotated[str, Meta(description="Whose export it is.", examples=["stripe-payments"])]
    file_name: str
    status: Annotated[
        Literal["checked", "received", "working", "completed", "stopped"],
        Meta(
            description="`checked`: a dry run, nothing is stored; `completed`: all attempts are taken over; `stopped`: "
            "the remaining attempts were dropped on request."
        ),
    ]
    rows: Annotated[int, Meta(ge=0, description="Rows in the file.")]
    attempts: Annotated[int, Meta(ge=0, description="Of these, attempts of a card.")]
    bad: Annotated[int, Meta(ge=0, description="Of these, rows from which nothing was taken.")]
    done: Annotated[int, Meta(ge=0, description="Attempts that are taken over.")]
    new: Annotated[int, Meta(ge=0, description="Of these, attempts that were not known.")]
    changed: Annotated[int, Meta(ge=0, description="Of these, known attempts that are in a later state.")]
    counted: Annotated[
        int, Meta(ge=0, description="Sends of cards that Recoup holds; they count in your own limits of these cards.")
    ]
    stopping: Annotated[bool, Meta(description="A stop was requested.")]
    questions: Annotated[list[ImportQuestion], Meta(description="Only of a dry run; the file is not read before.")]
    lines: Annotated[
        list[ImportLine], Meta(description="Only of a dry run, up to 1,000; otherwise GET /v1/imports/{id}/lines.")
    ]
    report: ImportReport | None
    notes: Annotated[list[str], Meta(description="Remarks about the file, such as columns that are not read.")]
    received_date: Moment | None
    finished_date: Moment | None
    repeated: Annotated[bool, Meta(description="The same file was imported before; this is its state.")] = False


class ImportList(Members, kw_only=True):
    """Newest first."""

    data: list[Import]
    next: Annotated[str | None, Meta(description="Send it as `after`; null on the last page.")]


class ImportQuery(Shape, kw_only=True):
    """What to list."""

    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 20
    after: Annotated[Text64 | None, Meta(description="`next` of the previous page.")] = None


class ImportLines(Members, kw_only=True):
    """In the file's order."""

    data: list[ImportLine]
    next: Annotated[int | None, Meta(description="Send it as `after`; null on the last page.")]


class ImportLinesQuery(Shape, kw_only=True):
    """Which lines."""

    limit: Annotated[int, Meta(ge=1, le=LINES_PAGE_MAX)] = 100
    after: Annotated[_Counted | None, Meta(description="`next` of the previous page.")] = None


class PastAttempt(Shape, kw_only=True):
    """An attempt of an import, as a row of Recoup's history; one such object a line. Members without a value are left
    out, and there may be more."""

    ref: Annotated[str, Meta(description="Its provider's id of the attempt.")]
    provider: str
    order_id: Annotated[str, Meta(description="What links attempts of one payment.")]
    customer_id: Annotated[UUID | None, Meta(description="A keyed hash.")]
    at: Moment
    amount: Annotated[int, Meta(ge=1, description="Smallest unit of the currency.")]
    currency: str
    approved: bool
    state: Literal["approved", "declined", "not_sent", "unknown"]
    propensity: float | None


class ImportStopBody(Shape, kw_only=True):
    """Nothing needs to be said."""

    reason: Annotated[str | None, Meta(description="Not stored.")] = None

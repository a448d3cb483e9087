"""/imports: files of past attempts, with a form that checks the next one or imports it; one import
with its report."""

from contextlib import suppress
from typing import Annotated, Final, Literal
from uuid import UUID

from starlette.datastructures import UploadFile
from starlette.responses import Response

from recoup.backtest.flows.backtest import ENGINE
from recoup.backtest.flows.kept import ask
from recoup.backtest.flows.questions import BacktestRequest, question_for
from recoup.backtest.page import asking, shown_values
from recoup.backtest.rules.question import WINDOW_DAYS
from recoup.backtest.store import backtests_of_import
from recoup.imports.flows import (
    FILE_BYTES_MAX,
    ReadFile,
    history,
    lines_file,
    one_import,
    read_import,
    stop_import,
)
from recoup.imports.rules.answers import Answers
from recoup.imports.rules.attempt import SKIPPED
from recoup.imports.rules.file import ROWS_MAX
from recoup.imports.store.imports import Import, bad_lines, list_imports
from recoup.kernel.problem import Problem, invalid
from recoup.kit.edge.spool import while_there
from recoup.kit.lists.paging import cut
from recoup.people.page.endpoint import done_of, redirect, with_done
from recoup.people.page.file_form import UNITS as UNITS  # the template's
from recoup.people.page.file_form import file_form
from recoup.people.page.form_shape import RowNo, Text, read_again
from recoup.people.page.known_before import IMPORTS
from recoup.people.page.pages import JSON_LINES, Answer, Values, download, member, shown, taken
from recoup.people.page.portal_visit import Visit, found_by
from recoup.people.page.rights import anybody
from recoup.people.page.words import State
from recoup.policies.rules.policy import CURRENT

STATES: Final = {
    "received": State("Received", "hold", "draft", "Stored; its attempts are queued."),
    "working": State("Importing", "run", "processing", "Its attempts are taken over in parts."),
    "completed": State("Completed", "ok", "completed", "All attempts are taken over."),
    "stopped": State(
        "Stopped", "off", "cancelled", "Stopped; attempts not yet taken over were dropped."
    ),
}
ATTEMPTS: Final = {
    "approved": "approved", "declined": "declined", "not_sent": "never sent to the issuer",
    "unknown": "without a known outcome",
}  # fmt: skip
ORDERS: Final = {
    "": "As the file shows",
    "day": "Day first: 31/12/2026",
    "month": "Month first: 12/31/2026",
}
MARKS: Final = {"": "As the file shows", ".": "Point: 1,234.50", ",": "Comma: 1.234,50"}
LEFT_OUT: Final = SKIPPED
TITLES: Final = {
    "recoup-history": "Recoup history", "stripe-payments": "Stripe payments",
    "stripe-charges": "Stripe charges",
    "adyen-received": "Adyen received payments", "adyen-accounting": "Adyen payment accounting",
    "braintree": "Braintree transactions", "recurly": "Recurly transactions",
    "chargebee": "Chargebee transactions",
    "chargebee-api": "Chargebee transactions", "checkout": "Checkout.com payments",
    "killbill": "Kill Bill transactions", "nmi": "NMI transactions",
    "authorize-net": "Authorize.Net transactions",
}  # fmt: skip


PLACE: Final = IMPORTS
SIZE: Final = 25
PROVED: Final = (CURRENT.version, ENGINE)
LINES: Final = 100


@member.page(PLACE, "desk/imports.html")
async def imports(visit: Visit, *, after: UUID | None) -> Values:
    rows, last = cut(
        await list_imports(visit.world.db.reader, visit.merchant_id, after, SIZE + 1), SIZE
    )
    return dict(
        imports=rows,
        next=last and last.import_id,
        first=after is None,
        typed=read_again(post_import, visit.typed),
        may=_may(visit),
        megabytes=FILE_BYTES_MAX >> 20,
        rows_max=ROWS_MAX,
        checked=None,
        attempts=ATTEMPTS,
        left_out=LEFT_OUT,
    )


@imports.post(may=anybody, reads=file_form)
async def post_import(
    visit: Visit,
    *,
    file: UploadFile | None,
    zone: Annotated[str, Text(max=60, strip=True, printable=True)],
    order: Literal["", "day", "month"] = "",
    decimal: Literal["", ".", ","] = "",
    units: Literal["", "major", "minor"] = "",
    act: Literal["check", "import"] = "check",
) -> Answer:
    """Imports or checks a file. What it does not say is asked; then, and after a check, the page
    shows what was found. `act`: only to check it, which is what an unknown button does."""
    _must(visit)
    if file is None:
        raise invalid("No file was chosen.", "file")
    answers = Answers(zone, order, decimal, units)
    reading = read_import(
        visit.world, visit.scope, file.filename or "", file.file, answers, dry_run=act == "check"
    )
    read: ReadFile = await while_there(visit.request.receive, reading)
    if read.stored is None:
        return shown(checked=read)
    path = f"{PLACE}/{read.stored.import_id}"
    if read.stored.report["declined"] and not read.before and visit.may("switch", or_operator=True):
        with suppress(Problem):  # others wait: the page offers a button
            await _prove(visit, read.stored)
    return redirect(with_done(visit.session, path, "known") if read.before else path)


_NONE: Final = Problem("not_found", "There is no such import.", cure="Look at the list of imports.")
_find: Final = found_by("import_id", _NONE, one_import)


@member.page("/imports/{import_id}", "desk/imports_import.html")
async def import_page(visit: Visit, *, after: RowNo = 0) -> Values:
    stored_import = await _find(visit)
    reader, merchant_id = visit.world.db.reader, visit.merchant_id
    rows, last = cut(
        await bad_lines(reader, merchant_id, stored_import.import_id, after, LINES + 1), LINES
    )
    proofs = await backtests_of_import(
        reader, merchant_id, stored_import.import_id, WINDOW_DAYS, PROVED
    )
    return dict(
        one=stored_import,
        proofs=[shown_values(row) for row in proofs],
        proved=sum(row.failed is None for row in proofs) == len(PROVED),
        live=stored_import.finished_at is None or any(row.made_at is None for row in proofs),
        may_prove=visit.may("switch", or_operator=True),
        rows=rows,
        next=last and last.line_no,
        first=not after,
        attempts=ATTEMPTS,
        left_out=LEFT_OUT,
        may=_may(visit),
        known=done_of(visit.session, visit.request) == "known",
    )


@member.page("/imports/{import_id}/lines.csv")
async def bad_lines_file(visit: Visit) -> Response:
    row = await _find(visit)
    await taken(visit, "bad lines of an import", row.import_id)
    return download(
        lines_file(visit.world, visit.merchant_id, row.import_id), f"lines-{row.import_id}.csv"
    )


@member.page("/imports/{import_id}/attempts.jsonl")
async def attempts_file(visit: Visit) -> Response:
    row = await _find(visit)
    await taken(visit, "attempts of an import", row.import_id)
    parts = history(visit.world, visit.merchant_id, row.import_id)
    return download(parts, f"attempts-{row.import_id}.jsonl", JSON_LINES)


@import_page.post("/imports/{import_id}/stop", may=anybody, find=_find)
async def post_stop(visit: Visit, row: Import) -> None:
    _must(visit)
    await stop_import(visit.world, visit.scope, row.import_id)


@import_page.post("/imports/{import_id}/prove", may=asking, find=_find)
async def post_prove(visit: Visit, row: Import) -> None:
    await _prove(visit, row)


async def _prove(visit: Visit, row: Import) -> None:
    """Asks what the schedule and the engine would have rescued of its payments, once all are
    there."""
    for decider in PROVED:
        request = BacktestRequest(decider, import_id=row.import_id)
        await ask(
            visit.world, asking(visit), await question_for(visit.world, visit.merchant_id, request)
        )


def _may(visit: Visit) -> bool:
    return visit.is_operator or visit.session.may("upload")


def _must(visit: Visit) -> None:
    """Raises: Problem(forbidden)."""
    if not _may(visit):
        raise Problem(
            "forbidden",
            "Your role may view files, but not send them.",
            cure="Ask somebody with the role operations.",
        )

"""POST and GET /uploads, GET …/{id}, GET …/{id}/answers, POST …/{id}/stop. Source: contract §12, §17.1 (U10)."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from recoup.doors.edge.described import CSV, JSON, JSON_LINES, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.edge.spool import spooled, while_there
from recoup.doors.rescue import examples
from recoup.doors.rescue.body import named_as_here
from recoup.doors.rescue.query import Query
from recoup.doors.rescue.resource import Call, Method, file_reply
from recoup.doors.rescue.rows import readers
from recoup.doors.rescue.wire import Members, Moment, Shape, Text, Text64, iso_or_null
from recoup.flows.cards.uploads.answers import answer_file
from recoup.flows.cards.uploads.stop import one_upload, stop_upload
from recoup.flows.cards.uploads.take import FILE_BYTES_MAX, File, take
from recoup.kernel.time import iso
from recoup.rules.uploads.record import KINDS
from recoup.store.orders.uploads import Upload as StoredUpload
from recoup.store.orders.uploads import list_uploads

PAGE_MAX = 100
Kind = Annotated[Literal["transmit", "evaluate"], Meta(description="Kind of the rows.")]


class UploadBody(Shape, kw_only=True):
    """A file in JSON: its configuration, then its rows. A list of rows alone, one row a line (JSON lines) and CSV are
    taken too."""

    kind: Annotated[Kind | None, Meta(description="Here, in the query, or in the file name: `transmit_…`.")] = None
    mid: Annotated[UUID | None, Meta(description="Merchant id; must match the credential.")] = None
    authorization_token: Annotated[str | None, Meta(description="Ignored and not stored.")] = None
    expiry_date_utc: Annotated[Moment | None, Meta(description="Default for rows of /evaluate.")] = None
    rows: Annotated[
        list[dict[str, Any]], Meta(description="Bodies of /transmit or /evaluate; `sequenceNumber` is optional.")
    ]


class Upload(Members, kw_only=True):
    """A file and how far its rows are."""

    id: UUID
    kind: Kind
    form: Annotated[Literal["json", "csv"], Meta(description="Format of the file and of its answers.")]
    file_name: str
    status: Annotated[
        Literal["received", "working", "completed", "stopped"],
        Meta(description="`completed`: every row is answered; `stopped`: the remaining rows were skipped on request."),
    ]
    rows: Annotated[int, Meta(ge=0, description="Rows in the file.")]
    done: Annotated[int, Meta(ge=0, description="Accepted rows.")]
    refused: Annotated[int, Meta(ge=0, description="Refused rows; their answers contain the reason.")]
    stopping: Annotated[bool, Meta(description="A stop was requested.")]
    notes: Annotated[list[str], Meta(description="Remarks about the file, such as ignored columns.")]
    received_date: Moment
    finished_date: Moment | None
    repeated: Annotated[bool, Meta(description="The same file was uploaded before; this is its state.")] = False


class UploadList(Members, kw_only=True):
    """Newest first."""

    data: list[Upload]
    next: Annotated[str | None, Meta(description="Send it as `after`; null on the last page.")]


class UploadQuery(Shape, kw_only=True):
    """What to list."""

    kind: Kind | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 20
    after: Annotated[Text64 | None, Meta(description="`next` of the previous page.")] = None


class NewUploadQuery(Shape, kw_only=True):
    """What the file does not say itself."""

    kind: Kind | None = None
    filename: Annotated[Text | None, Meta(description="For transmit files: `transmit_…`.")] = None


class RowError(Shape, kw_only=True, omit_defaults=True):
    """Why a row was not taken."""

    field: Annotated[str, Meta(description="Field name as in a single call; empty for the whole row.")]
    message: str
    cure: Annotated[str | None, Meta(description="What to do; only with the first error.")] = None


class RowAnswer(Shape, kw_only=True, omit_defaults=True):
    """What became of one row; one such object a line."""

    row: Annotated[int, Meta(ge=1, description="Position among the rows, including refused ones.")]
    line: Annotated[int, Meta(ge=1, description="Line of the file where the row begins.")]
    sequence_number: Annotated[str, Meta(description="The row's own number, or its position.")]
    order_id: Annotated[str | None, Meta(description="The merchant's order id.")]
    order_session_key: Annotated[UUID | UnsetType | None, Meta(description="Order id, for /evaluate.")] = UNSET
    transmit_id: Annotated[UUID | UnsetType | None, Meta(description="Id of the copy, for /transmit.")] = UNSET
    status: Annotated[
        str,
        Meta(
            description="Status of a single call (`SUBMITTED`, …), `SUCCESS`, `REFUSED`, `RECEIVED` (waiting) or "
            "`STOPPED`."
        ),
    ]
    code: Annotated[str | None, Meta(description="Reason of a refusal: `invalid`, `conflict`, `broken`, …")]
    errors: list[RowError]
    warning: Annotated[str | None, Meta(description="Missing data that would have helped.")]


class StopBody(Shape, kw_only=True):
    """Nothing needs to be said."""

    reason: Annotated[str | None, Meta(description="Not stored.")] = None


PATH: Final = "/v1/uploads"
SIZES: Final = {PATH: FILE_BYTES_MAX + (1 << 20)}  # with room for what a form adds
FIND: Final = "Check the id; GET /v1/uploads lists them."
_KINDS: Final = {kind: kind for kind in KINDS}


async def post_upload(call: Call) -> Reply:
    query = Query(call.query)
    query.refuse_unknown(("kind", "filename"))
    kind, name = query.choice("kind", _KINDS | {"": ""}, ""), query.one("filename")
    query.raise_if_any()
    assert call.receive is not None
    with named_as_here():
        world, whose = call.services.world, str(call.scope.merchant_id)
        async with spooled(call.raw_headers, call.receive, FILE_BYTES_MAX, world.name, whose) as sent:
            file = File(name or sent.name, sent.content, kind)
            taken = await while_there(call.receive, take(call.services.world, call.scope, file, readers()))
    return Reply(_upload(taken.upload, repeated=taken.before), 200 if taken.before else 202)


async def get_uploads(call: Call) -> Reply:
    query = Query(call.query)
    kind = query.choice("kind", _KINDS | {"": ""}, "") or None
    limit, after = query.number("limit", 20, 1, PAGE_MAX) or 20, query.guid("after")
    query.raise_if_any()
    async with call.services.world.db.read() as connection:
        rows = await list_uploads(connection, call.scope.merchant_id, kind, after, limit + 1)
    more = str(rows[limit - 1].upload_id) if len(rows) > limit else None
    return Reply(UploadList(data=[_upload(row) for row in rows[:limit]], next=more))


async def get_upload(call: Call) -> Reply:
    return Reply(_upload(await _find(call)))


async def get_answers(call: Call) -> Reply:
    upload = await _find(call)
    parts, name = answer_file(call.services.world, upload), f"answers-{upload.upload_id}"
    if upload.form == "csv":
        return file_reply(parts, f"{name}.csv")
    return file_reply(parts, f"{name}.jsonl", JSON_LINES)


async def post_stop(call: Call) -> Reply:
    return Reply(_upload(await stop_upload(call.services.world, call.scope, call.object_id(noun="upload", cure=FIND))))


async def _find(call: Call) -> StoredUpload:
    return await one_upload(call.services.world, call.scope.merchant_id, call.object_id(noun="upload", cure=FIND))


def _upload(row: StoredUpload, *, repeated: bool = False) -> Upload:
    return Upload(
        id=row.upload_id,
        kind=row.kind,
        form=row.form,
        file_name=row.file_name,
        status=row.state,
        rows=row.row_count,
        done=row.done_count,
        refused=row.refused_count,
        stopping=row.stop_requested_at is not None and row.finished_at is None,
        notes=row.notes,
        received_date=iso(row.received_at),
        finished_date=iso_or_null(row.finished_at),
        repeated=repeated,
    )


POST: Final = Operation(
    "POST",
    PATH,
    "Upload a file of payments",
    "Bodies of /transmit or of managed /evaluate, up to 250,000 rows and 256 MB, with or without gzip: JSON as "
    "shown, a JSON list, one object per line, or a CSV whose first line names the fields. Each row is processed "
    "like a single call; the answers are a file. The same file again is the same upload, with no further effect. "
    "202 for a new file, 200 for a known one.",
    group="Files",
    body=UploadBody,
    takes=(JSON, JSON_LINES, CSV, "multipart/form-data"),
    query=NewUploadQuery,
    answers={202: Upload, 200: Upload},
    problems=("too_large", "too_many_requests", "unavailable", "no_space"),
    examples=examples.UPLOAD,
)
LIST: Final = Operation(
    "GET",
    PATH,
    "Files",
    "Newest first, with their progress.",
    group="Files",
    query=UploadQuery,
    answers={200: UploadList},
)
GET: Final = Operation(
    "GET",
    "/v1/uploads/{id}",
    "One file",
    "The progress of its rows.",
    group="Files",
    answers={200: Upload},
    problems=("not_found",),
)
ANSWERS: Final = Operation(
    "GET",
    "/v1/uploads/{id}/answers",
    "Answers of a file",
    "One answer per row, in the file's order: "
    "JSON lines, or CSV if the file was CSV. A "
    "row that is still waiting is `RECEIVED`.",
    group="Files",
    answers={200: RowAnswer},
    types=(JSON_LINES, CSV),
    problems=("not_found",),
)
STOP: Final = Operation(
    "POST",
    "/v1/uploads/{id}/stop",
    "Stop a file",
    "Skips rows that are not yet processed. The same file may be sent again afterwards.",
    group="Files",
    body=StopBody,
    answers={200: Upload},
    problems=("not_found", "wrong_state"),
)
METHODS: Final = (
    Method(POST, post_upload, "payments", streams=True), Method(LIST, get_uploads, "payments"),
    Method(GET, get_upload, "payments"), Method(ANSWERS, get_answers, "payments"),
    Method(STOP, post_stop, "payments", body_optional=True),
)  # fmt: skip

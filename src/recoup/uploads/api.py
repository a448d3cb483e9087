"""POST and GET /uploads, GET …/{id}, GET …/{id}/answers, POST …/{id}/stop. Source: contract §12,
§17.1 (U10)."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from recoup.kernel.problem import Problem
from recoup.keys.api.resource import Reply
from recoup.keys.api.v1_resource import Api, Call, file_reply
from recoup.kit.api import examples
from recoup.kit.api.body import named_as_here, read_whole
from recoup.kit.api.query import AfterIdText
from recoup.kit.api.wire import Counted, Members, Moment, NextText, Shape, Text
from recoup.kit.edge.described import CSV, JSON, JSON_LINES
from recoup.kit.edge.field_names import fold_keys, folding, names_of
from recoup.kit.edge.json_body import decode_json
from recoup.kit.edge.spool import spooled, while_there
from recoup.kit.files.table import plain
from recoup.kit.lists.paging import page_of
from recoup.rescue.api.declined_shapes import EvaluateBody, KnownCopy, TransmitBody
from recoup.rescue.api.evaluate import read_declined
from recoup.rescue.api.transmit import read_outcome, read_transmitted
from recoup.rescue.flows.taken import EvaluateRequest
from recoup.rescue.flows.transmit import Transmitted
from recoup.uploads.flows.take import FILE_BYTES_MAX, Became, File, Given, Reader, take
from recoup.uploads.flows.work import answer_file, one_upload, stop_upload
from recoup.uploads.rules.table import Column
from recoup.uploads.store import Upload as StoredUpload
from recoup.uploads.store import list_uploads

_SHAPES: Final[dict[str, type[msgspec.Struct]]] = {
    "transmit": TransmitBody,
    "evaluate": EvaluateBody,
}
_CURRENCY: Final = ("transaction", "currency")  # a subscription's price has one, too
_AMOUNT: Final = ("transaction", "amount")
_FOLDS: Final = {kind: folding(names_of(shape)) for kind, shape in _SHAPES.items()}
_TOKENS_ONLY: Final = "Send a token of /tokenize; a file never holds a card number."
_NO_CUSTOMER: Final = (
    "A file takes merchant-initiated payments: isMIT must be true. A customer "
    "who waits needs a call."
)
_NO_EXPIRY: Final = (
    "Say expiryDateUtc in the row, or once for all rows in the file's configuration."
)


def readers() -> dict[str, Reader]:
    """Readers of rows by the kind of file."""

    def evaluate(body: dict[str, Any], merchant_id: UUID) -> Given:
        return _in_file(read_declined(body, merchant_id))

    return {
        kind: Reader(
            columns_of(kind),
            lambda text, kind=kind: _body(kind, text),  # type: ignore[misc]
            read,
        )
        for kind, read in (("transmit", _transmitted), ("evaluate", evaluate))
    }


def columns_of(kind: str) -> dict[str, Column]:
    """Plain name -> column: the body's fields, those inside others with a dot before. A field that
    no other has may stand alone: `amount` for `transaction.amount`; so may `currency`, which is the
    transaction's."""
    plain_names = {column: plain(".".join(column.path)) for column in _columns(_SHAPES[kind], ())}
    alone: dict[str, list[Column]] = {}
    for column in plain_names:
        alone.setdefault(plain(column.path[-1]), []).append(column)
    short = {name: several[0] for name, several in alone.items() if len(several) == 1}
    short |= {column.path[-1]: column for column in plain_names if column.path == _CURRENCY}
    return short | {name: column for column, name in plain_names.items()}


def _columns(shape: type[msgspec.Struct], path: tuple[str, ...]) -> list[Column]:
    made = []
    for field in msgspec.structs.fields(shape):
        inner_path = (*path, field.encode_name)
        kinds = _plain_types(field.type)
        inner = next(
            (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct)),
            None,
        )
        if inner is not None and str not in kinds:
            made += _columns(inner, inner_path)
        elif list not in kinds and dict not in kinds and Any not in kinds:
            made.append(Column(inner_path, _kind(kinds, inner_path)))
    if not path:
        made.append(Column(("sequenceNumber",), "text"))
    return list(dict.fromkeys(made))


def _kind(
    kinds: list[Any], path: tuple[str, ...]
) -> Literal["flag", "number", "text", "amount", "moment"]:
    if datetime in kinds:
        return "moment"
    if bool in kinds:
        return "flag"
    if int in kinds:
        return "amount" if path == _AMOUNT else "number"
    return "text"


def _plain_types(kind: Any) -> list[Any]:
    """Types that a field may hold, without annotations and alternatives."""
    if hasattr(kind, "__metadata__"):
        return _plain_types(get_args(kind)[0])
    if get_origin(kind) in (list, dict):
        return [get_origin(kind)]
    inside = get_args(kind)
    return (
        [plain_type for part in inside for plain_type in _plain_types(part)] if inside else [kind]
    )


def _body(kind: str, text: str) -> dict[str, Any]:
    """Raises: Problem(malformed)."""
    body = fold_keys(decode_json(text.encode("utf-8", "surrogatepass"), "row"), _FOLDS[kind])
    assert isinstance(body, dict)
    return body


def _in_file(request: EvaluateRequest) -> EvaluateRequest:
    """Checks what holds for files alone. Raises: Problem(invalid)."""
    wrong: dict[str, list[str]] = {}
    if not request.is_mit:
        wrong["IsMIT"] = [_NO_CUSTOMER]
    if request.pan is not None:
        wrong["PaymentMethod.CardNumber"] = [_TOKENS_ONLY]
    if request.is_mit and request.expires_at is None:
        wrong["ExpiryDateUtc"] = [_NO_EXPIRY]
    if wrong:
        raise Problem("invalid", next(iter(wrong.values()))[0], fields=wrong)
    return request


def _transmitted(body: dict[str, Any], merchant_id: UUID) -> Transmitted | Became:
    known = read_whole(body, KnownCopy).transmit_id
    return (
        Became(known, read_outcome(body))
        if known is not None
        else read_transmitted(body, merchant_id)
    )


PAGE_MAX = 100
Kind = Annotated[Literal["transmit", "evaluate"], Meta(description="Kind of the rows.")]


class UploadBody(Shape):
    """A file in JSON: its configuration, then its rows. A list of rows alone, one row a line (JSON
    lines) and CSV are taken too."""

    kind: Kind | None = None
    """Here, in the query, or in the file name: `transmit_…`."""
    mid: UUID | None = None
    """Merchant id; must match the credential."""
    authorization_token: str | None = None
    """Ignored and not stored."""
    expiry_date_utc: Moment | None = None
    """Default for rows of /evaluate."""
    rows: list[dict[str, Any]]
    """Bodies of /transmit or /evaluate; `sequenceNumber` is optional."""


class Upload(Members):
    """A file and how far its rows are."""

    id: UUID
    kind: Kind
    form: Literal["json", "csv"]
    """Format of the file and of its answers."""
    file_name: str
    status: Literal["received", "working", "completed", "stopped"]
    """`completed`: every row is answered; `stopped`: the remaining rows were skipped on request."""
    rows: Counted
    """Rows in the file."""
    done: Counted
    """Accepted rows."""
    refused: Counted
    """Refused rows; their answers contain the reason."""
    stopping: bool
    """A stop was requested."""
    notes: list[str]
    """Remarks about the file, such as ignored columns."""
    received_date: Moment
    finished_date: Moment | None
    repeated: bool = False
    """The same file was uploaded before; this is its state."""


class UploadList(Members):
    """Newest first."""

    data: list[Upload]
    next: NextText


class UploadQuery(Shape):
    """What to list."""

    kind: Kind | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 20
    after: AfterIdText = None


class NewUploadQuery(Shape):
    """What the file does not say itself."""

    kind: Kind | None = None
    filename: Text | None = None
    """For transmit files: `transmit_…`."""


class RowError(Shape, omit_defaults=True):
    """Why a row was not taken."""

    field: str
    """Field name as in a single call; empty for the whole row."""
    message: str
    cure: str | None = None
    """What to do; only with the first error."""


class RowAnswer(Shape, omit_defaults=True):
    """What became of one row; one such object a line."""

    row: Annotated[int, Meta(ge=1)]
    """Position among the rows, including refused ones."""
    line: Annotated[int, Meta(ge=1)]
    """Line of the file where the row begins."""
    sequence_number: str
    """The row's own number, or its position."""
    order_id: str | None
    """The merchant's order id."""
    order_session_key: UUID | UnsetType | None = UNSET
    """Order id, for /evaluate."""
    transmit_id: UUID | UnsetType | None = UNSET
    """Id of the copy, for /transmit."""
    status: str
    """Status of a single call (`SUBMITTED`, …), `SUCCESS`, `REFUSED`, `RECEIVED` (waiting) or
    `STOPPED`."""
    code: str | None
    """Reason of a refusal: `invalid`, `conflict`, `broken`, …"""
    errors: list[RowError]
    warning: str | None
    """Missing data that would have helped."""


class StopBody(Shape):
    """Nothing needs to be said."""

    reason: str | None = None
    """Not stored."""


PATH: Final = "/v1/uploads"
SIZES: Final = {PATH: FILE_BYTES_MAX + (1 << 20)}  # with room for what a form adds
FIND: Final = "Check the id; GET /v1/uploads lists them."


api: Final = Api(group="Files", scope="payments")


@api(
    f"POST {PATH}",
    body=UploadBody,
    takes=(JSON, JSON_LINES, CSV, "multipart/form-data"),
    query=NewUploadQuery,
    answers={202: Upload, 200: Upload},
    problems=("too_large", "too_many_requests", "unavailable", "no_space"),
    examples=examples.UPLOAD,
    streams=True,
)
async def post_upload(call: Call) -> Reply:
    """Upload a file of payments. Bodies of /transmit or of managed /evaluate, up to 250,000 rows
    and 256 MB, with or without gzip: JSON as shown, a JSON list, one object per line, or a CSV
    whose first line names the fields. Each row is processed like a single call; the answers are a
    file. The same file again is the same upload, with no further effect. 202 for a new file, 200
    for a known one."""
    query = call.parameters(NewUploadQuery)
    assert call.receive is not None
    with named_as_here():
        world, whose = call.services.world, str(call.scope.merchant_id)
        async with spooled(
            call.raw_headers, call.receive, FILE_BYTES_MAX, world.name, whose
        ) as sent:
            file = File(query.filename or sent.name, sent.content, query.kind or "")
            taken = await while_there(
                call.receive, take(call.services.world, call.scope, file, readers())
            )
    return Reply(_upload(taken.upload, repeated=taken.before), 200 if taken.before else 202)


@api(f"GET {PATH}", query=UploadQuery)
async def get_uploads(call: Call) -> UploadList:
    """Files. Newest first, with their progress."""
    query = call.parameters(UploadQuery, any_names=True)
    after: Any = query.after
    rows = await list_uploads(
        call.services.world.db.reader, call.scope.merchant_id, query.kind, after, query.limit + 1
    )
    return page_of(UploadList, rows, query.limit, _upload, lambda row: str(row.upload_id))


@api("GET /v1/uploads/{id}", problems=("not_found",))
async def get_upload(call: Call) -> Upload:
    """One file. The progress of its rows."""
    return _upload(await _find(call))


@api(
    "GET /v1/uploads/{id}/answers",
    answers={200: RowAnswer},
    types=(JSON_LINES, CSV),
    problems=("not_found",),
)
async def get_answers(call: Call) -> Reply:
    """Answers of a file. One answer per row, in the file's order: JSON lines, or CSV if the file
    was CSV. A row that is still waiting is `RECEIVED`."""
    upload = await _find(call)
    parts, name = answer_file(call.services.world, upload), f"answers-{upload.upload_id}"
    if upload.form == "csv":
        return file_reply(parts, f"{name}.csv")
    return file_reply(parts, f"{name}.jsonl", JSON_LINES)


@api(
    "POST /v1/uploads/{id}/stop",
    body=StopBody,
    problems=("not_found", "wrong_state"),
    body_optional=True,
)
async def post_stop(call: Call) -> Upload:
    """Stop a file. Skips rows that are not yet processed. The same file may be sent again
    afterwards."""
    return _upload(
        await stop_upload(call.services.world, call.scope, call.object_id(noun="upload", cure=FIND))
    )


async def _find(call: Call) -> StoredUpload:
    return await one_upload(
        call.services.world, call.scope.merchant_id, call.object_id(noun="upload", cure=FIND)
    )


def _upload(row: StoredUpload, *, repeated: bool = False) -> Upload:
    return Upload.of(
        row,
        id=row.upload_id,
        status=row.state,
        rows=row.row_count,
        done=row.done_count,
        refused=row.refused_count,
        stopping=row.stop_requested_at is not None and row.finished_at is None,
        repeated=repeated,
    )

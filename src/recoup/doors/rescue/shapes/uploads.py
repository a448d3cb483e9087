"""Files of many payments. Source: contract §12, §17.1 (U10)."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from recoup.doors.rescue.wire import Members, Moment, Shape, Text, Text64

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

"""Files of many payments. Source: contract §12, §17.1 (U10)."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from recoup.doors.rescue.wire import Members, Moment, Shape, Text, Text64

PAGE_MAX = 100
Kind = Annotated[Literal["transmit", "evaluate"], Meta(description="What the rows are.")]


class UploadBody(Shape, kw_only=True):
    """A file in JSON: its configuration, then its rows. A list of rows alone, one row a line (JSON lines) and CSV are
    taken too."""

    kind: Annotated[Kind | None, Meta(description="Or in the query, or by the file's name: `transmit_…`.")] = None
    mid: Annotated[UUID | None, Meta(description="The merchant; must be the credential's.")] = None
    authorization_token: Annotated[str | None, Meta(description="Not read, not kept: the call's own counts.")] = None
    expiry_date_utc: Annotated[Moment | None, Meta(description="Of rows of /evaluate that have none.")] = None
    rows: Annotated[
        list[dict[str, Any]], Meta(description="Bodies of /transmit or /evaluate; `sequenceNumber` if you like.")
    ]


class Upload(Members, kw_only=True):
    """A file and how far its rows are."""

    id: UUID
    kind: Kind
    form: Annotated[Literal["json", "csv"], Meta(description="Of the file, and of its answers.")]
    file_name: str
    status: Annotated[
        Literal["received", "working", "completed", "stopped"],
        Meta(description="`completed`: every row is answered; `stopped`: rows were left out on request."),
    ]
    rows: Annotated[int, Meta(ge=0, description="Read from the file.")]
    done: Annotated[int, Meta(ge=0, description="Taken.")]
    refused: Annotated[int, Meta(ge=0, description="Not taken; their answers say why.")]
    stopping: Annotated[bool, Meta(description="It was asked to stop.")]
    notes: Annotated[list[str], Meta(description="What you should know of the file, such as columns without use.")]
    received_date: Moment
    finished_date: Moment | None
    repeated: Annotated[bool, Meta(description="The same file came before; this is what became of it.")] = False


class UploadList(Members, kw_only=True):
    """Newest first."""

    data: list[Upload]
    next: Annotated[str | None, Meta(description="Handed back as `after`; null on the last page.")]


class UploadQuery(Shape, kw_only=True):
    """What to list."""

    kind: Kind | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 20
    after: Annotated[Text64 | None, Meta(description="`next` of the page before.")] = None


class NewUploadQuery(Shape, kw_only=True):
    """What the file does not say itself."""

    kind: Kind | None = None
    filename: Annotated[Text | None, Meta(description="Of a transmit file: `transmit_…`.")] = None


class RowError(Shape, kw_only=True, omit_defaults=True):
    """Why a row was not taken."""

    field: Annotated[str, Meta(description="As a single call names it; empty for the row as a whole.")]
    message: str
    cure: Annotated[str | None, Meta(description="What to do; with the first complaint.")] = None


class RowAnswer(Shape, kw_only=True, omit_defaults=True):
    """What became of one row; one such object a line."""

    row: Annotated[int, Meta(ge=1, description="Its place among the rows, refused ones too.")]
    line: Annotated[int, Meta(ge=1, description="Of the file, where the row begins.")]
    sequence_number: Annotated[str, Meta(description="The row's own, else its place.")]
    order_id: Annotated[str | None, Meta(description="The merchant's own.")]
    order_session_key: Annotated[UUID | UnsetType | None, Meta(description="Of /evaluate: our id.")] = UNSET
    transmit_id: Annotated[UUID | UnsetType | None, Meta(description="Of /transmit: its key.")] = UNSET
    status: Annotated[
        str,
        Meta(description="A single call's (`SUBMITTED`, …), `SUCCESS`, `REFUSED`, `RECEIVED`: it waits, or `STOPPED`."),
    ]
    code: Annotated[str | None, Meta(description="Of a refused row, for machines: `invalid`, `conflict`, `broken`, …")]
    errors: list[RowError]
    warning: Annotated[str | None, Meta(description="What would have helped.")]


class StopBody(Shape, kw_only=True):
    """Nothing needs to be said."""

    reason: Annotated[str | None, Meta(description="Not kept.")] = None



"""/orders/{id}/disputes/{dispute}/files: evidence as files. The answer itself is given in the
portal."""

import base64
from typing import Annotated, Final, TypeVar
from uuid import UUID

from msgspec import Meta

from recoup.disputes.flows.files import add_file, list_files, read_file
from recoup.disputes.rules import BYTES_MAX, COUNT_MAX
from recoup.disputes.store.disputes import DisputeFile
from recoup.kernel.time import iso
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.body import read_whole
from recoup.kit.api.wire import Moment, Shape
from recoup.kit.edge.incoming import BODY_BYTES_MAX


class EvidenceFileBody(Shape):
    """A file of evidence: PDF, PNG, JPEG or plain text, told by its bytes."""

    name: Annotated[str, Meta(min_length=1, max_length=256)]
    """The file's name."""
    content: Annotated[
        bytes,
        Meta(
            min_length=1,
            max_length=BYTES_MAX,
            description=f"Base64 of at most {BYTES_MAX >> 10} KiB.",
        ),
    ]


class EvidenceFileShown(Shape):
    """What is told of a file of evidence."""

    id: UUID
    name: str
    """Empty if erased with the customer's data."""
    media_type: str
    """Detected from the content."""
    bytes: int
    sha256: str
    added_date: Moment


class EvidenceFileContent(EvidenceFileShown):
    """With its content."""

    content: str
    """Base64."""


class EvidenceFiles(Shape):
    """Of one dispute, in the order of their coming."""

    data: Annotated[list[EvidenceFileShown], Meta(max_length=COUNT_MAX)]
    success: bool = True


ShownT = TypeVar("ShownT", bound=EvidenceFileShown)
_CURE: Final = "See GET /v1/orders/{id}: it lists the order's disputes."


_PATH: Final = "/v1/orders/{id}/disputes/{dispute}/files"
api: Final = Api(group="Orders", scope="orders")


@api(
    f"POST {_PATH}",
    status=201,
    body=EvidenceFileBody,
    chars_max=BODY_BYTES_MAX,
    problems=("not_found", "wrong_state"),
)
@api.example(
    "a text",
    {"name": "delivery.txt", "content": "RGVsaXZlcmVkIG9uIE1vbmRheS4="},
    {"mediaType": "text/plain"},
)
async def add(call: Call) -> EvidenceFileShown:
    """Add an evidence file. Possible while the dispute is open or answered. A repeated upload of
    the same bytes returns the existing file."""
    body = read_whole(call.body, EvidenceFileBody)
    made = await add_file(
        call.services.world, call.scope, _dispute(call), body.name, body.content, call.object_id()
    )
    return _shown(EvidenceFileShown, made)


@api(f"GET {_PATH}", problems=("not_found",))
async def list_all(call: Call) -> EvidenceFiles:
    """Evidence files. The files of one dispute, without content."""
    rows = await list_files(
        call.services.world, call.scope.merchant_id, _dispute(call), call.object_id()
    )
    return EvidenceFiles(data=[_shown(EvidenceFileShown, row) for row in rows])


@api(f"GET {_PATH}/{{file}}", problems=("not_found",), scope="customers")
async def read(call: Call) -> EvidenceFileContent:
    """One evidence file. With its content."""
    order_id, dispute_id = call.object_id(), _dispute(call)
    file_id = call.object_id(
        "file", noun="file", cure="See GET /v1/orders/{id}/disputes/{dispute}/files."
    )
    row, content = await read_file(
        call.services.world, call.scope.merchant_id, dispute_id, file_id, order_id
    )
    return _shown(EvidenceFileContent, row, content=base64.b64encode(content).decode())


def _dispute(call: Call) -> UUID:
    return call.object_id("dispute", noun="dispute", cure=_CURE)


def _shown(shape: type[ShownT], row: DisputeFile, **content: str) -> ShownT:
    return shape.of(row, id=row.file_id, added_date=iso(row.business_at), **content)

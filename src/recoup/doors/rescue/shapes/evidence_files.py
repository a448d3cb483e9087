"""Bodies of /orders/{id}/disputes/{dispute}/files."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from recoup.doors.rescue.wire import Moment, Shape
from recoup.rules.money.evidence_file import BYTES_MAX, COUNT_MAX


class EvidenceFileBody(Shape, kw_only=True):
    """A file of evidence: PDF, PNG, JPEG or plain text, told by its bytes."""

    name: Annotated[str, Meta(min_length=1, max_length=256, description="The file's name.")]
    content: Annotated[
        bytes,
        Meta(min_length=1, max_length=BYTES_MAX, description=f"Base64 of at most {BYTES_MAX >> 10} KiB."),
    ]


class EvidenceFileShown(Shape, kw_only=True):
    """What is told of a file of evidence."""

    id: UUID
    name: Annotated[str, Meta(description="Empty if erased with the customer's data.")]
    media_type: Annotated[str, Meta(description="Detected from the content.")]
    bytes: int
    sha256: str
    added_date: Moment


class EvidenceFileContent(EvidenceFileShown, kw_only=True):
    """With its content."""

    content: Annotated[str, Meta(description="Base64.")]


class EvidenceFiles(Shape, kw_only=True):
    """Of one dispute, in the order of their coming."""

    data: Annotated[list[EvidenceFileShown], Meta(max_length=COUNT_MAX)]
    success: bool = True

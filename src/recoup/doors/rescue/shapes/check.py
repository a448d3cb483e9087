"""A declined payment looked at before it is sent."""

from typing import Annotated

from msgspec import Meta

from recoup.doors.rescue.shapes.declined import EvaluateBody
from recoup.doors.rescue.wire import Shape


class CheckBody(EvaluateBody, kw_only=True):
    """What /evaluate takes; it may be incomplete."""


class Complaint(Shape, kw_only=True):
    """What /evaluate would refuse."""

    field: str
    text: str


class Improvement(Shape, kw_only=True):
    """A field that is left out."""

    field: str
    points: Annotated[int, Meta(description="Of the whole kind's sum; how much it would add.")]
    why: str


class ReadDecline(Shape, kw_only=True):
    """What the response code means here."""

    code: Annotated[str | None, Meta(description="The scheme's code, where there is one.")]
    meaning: str
    kind: Annotated[str, Meta(description="`funds`, `soft`, `technical`, `data`, `sca`, `fraud`, `hard`, …")]
    retry: Annotated[str, Meta(description="`yes`, `never`, or what has to come first.")]
    wait_hours: Annotated[float | None, Meta(description="At least so long until the next send.")]
    source: Annotated[str, Meta(description="Which document says so, and its edition.")]


class Checked(Shape, kw_only=True):
    """`score` of 100."""

    valid: Annotated[bool, Meta(description="Whether /evaluate would take it.")]
    score: Annotated[int, Meta(ge=0, le=100)]
    complaints: list[Complaint]
    improvements: list[Improvement]
    remarks: list[str]
    decline: ReadDecline | None

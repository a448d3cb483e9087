"""A declined payment looked at before it is sent."""

from typing import Annotated, Literal

from msgspec import Meta

from recoup.doors.rescue.shapes.declined import EvaluateBody
from recoup.doors.rescue.wire import Shape


class CheckBody(EvaluateBody, kw_only=True):
    """What /evaluate takes; it may be incomplete."""


class Complaint(Shape, kw_only=True):
    """What /evaluate would refuse."""

    field: str
    rank: Annotated[Literal["Required"], Meta(description="What is required comes before all ranks.")] = "Required"
    text: str


class Improvement(Shape, kw_only=True):
    """A field that is left out."""

    field: str
    rank: Annotated[
        Literal["Critical", "High", "Medium", "Low"],
        Meta(description="How much the field helps a rescue, as Recoup's own decisions weigh it."),
    ]
    points: Annotated[int, Meta(description="Points that this data would add to the score.")]
    why: str


class ReadDecline(Shape, kw_only=True):
    """The meaning of the response code."""

    code: Annotated[str | None, Meta(description="The card network's code, if there is one.")]
    meaning: str
    kind: Annotated[str, Meta(description="`funds`, `soft`, `technical`, `data`, `sca`, `fraud`, `hard`, …")]
    retry: Annotated[str, Meta(description="`yes`, `never`, or the condition for a retry.")]
    wait_hours: Annotated[float | None, Meta(description="Minimum wait before the next attempt.")]
    source: Annotated[str, Meta(description="The source document and its edition.")]


class Checked(Shape, kw_only=True):
    """`score` of 100."""

    valid: Annotated[bool, Meta(description="Whether /evaluate would accept the body.")]
    score: Annotated[int, Meta(ge=0, le=100)]
    complaints: list[Complaint]
    improvements: list[Improvement]
    remarks: list[str]
    decline: ReadDecline | None

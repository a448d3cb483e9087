"""The life of an application, as data. `step` is the only way to move one.

The statuses are the contract's, and two of ours: cancelled, and converted, whose merchant exists.
Source: contract §13 (editable only in DRAFT, cancel in any state, APPROVED becomes a merchant).
"""

from enum import StrEnum
from typing import Final, NamedTuple

from recoup.kernel.problem import Problem, Sentence


class Status(StrEnum):
    NEW = "NEW"
    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    CANCELLED = "CANCELLED"
    CONVERTED = "CONVERTED"


class Step(NamedTuple):
    happening: str
    src: Status
    dst: Status
    event: str | None = None


S = Status
STEPS: Final = (
    Step("created", S.NEW, S.DRAFT),
    Step("changed", S.DRAFT, S.DRAFT),
    Step("document_added", S.DRAFT, S.DRAFT),
    Step("document_removed", S.DRAFT, S.DRAFT),
    Step("submitted", S.DRAFT, S.SUBMITTED, "application.submitted"),
    Step("approved", S.SUBMITTED, S.APPROVED, "application.approved"),
    Step("declined", S.SUBMITTED, S.DECLINED, "application.declined"),
    Step("cancelled", S.DRAFT, S.CANCELLED, "application.cancelled"),
    Step("cancelled", S.SUBMITTED, S.CANCELLED, "application.cancelled"),
    Step("cancelled", S.APPROVED, S.CANCELLED, "application.cancelled"),
    Step("cancelled", S.DECLINED, S.CANCELLED, "application.cancelled"),
    Step("converted", S.APPROVED, S.CONVERTED, "application.converted"),
)
ENDED: Final = frozenset({S.CANCELLED, S.CONVERTED})
DECLINE_REASONS: Final[dict[str, str]] = {
    "incomplete": "The documents do not show what the application says.",
    "not_supported": "This country or line of business is not served.",
    "identity": "Who owns the business could not be confirmed.",
    "risk": "The risk is more than the operator takes.",
    "other": "See the note.",
}
_STEPS: Final = {(step.happening, step.src): step for step in STEPS}
# What moves the status and may therefore be heard twice: the second time nothing is done.
_REPEATED: Final = {
    step.happening: step.dst for step in STEPS if step.src is not step.dst and step.src is not S.NEW
}
_WORDS: Final = {
    "created": "begun again", "changed": "changed", "document_added": "changed",
    "document_removed": "changed",
    "submitted": "submitted", "approved": "approved", "declined": "declined",
    "cancelled": "cancelled",
    "converted": "made a merchant",
}  # fmt: skip
_CURES: Final = {
    "created": "Begin a new one.",
    "changed": "Only a draft is edited. Cancel it and begin a new one, or ask the operator to "
    "decline it.",
    "submitted": "Only a draft is submitted.",
    "approved": "Only a submitted application is decided.",
    "declined": "Only a submitted application is decided.",
    "cancelled": "Its merchant exists: pause the merchant instead.",
    "converted": "It becomes a merchant once the operator has approved it.",
}


def step(status: Status, happening: str) -> Step | None:
    """The move; None when it has already been made, which is answered as the first time.

    Raises: Problem(wrong_state).
    """
    step = _STEPS.get((happening, status))
    if step:
        return step
    if _REPEATED.get(happening) is status:
        return None
    word = _WORDS[happening]
    raise Problem(
        "wrong_state",
        Sentence("The application is {0} and cannot be {1}.", status, word),
        _CURES["changed" if word == "changed" else happening],
        status=str(status),
    )

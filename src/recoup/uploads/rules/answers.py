"""Answers to single rows. Source: contract §17.1 (U10)."""

from typing import Any, Final, Literal
from uuid import UUID

from recoup.kernel.encode import encode
from recoup.kernel.frozen import frozen
from recoup.kernel.kept_sentence import Kept
from recoup.kit.files.cells import csv_row

_SUBJECT: Final = {"evaluate": "orderSessionKey", "transmit": "transmitId"}
_WORDS: Final = {"received": "RECEIVED", "refused": "REFUSED", "stopped": "STOPPED"}
HEADS: Final = {
    kind: (
        "row",
        "line",
        "sequenceNumber",
        "orderId",
        name,
        "status",
        "code",
        "field",
        "message",
        "cure",
        "warning",
    )
    for kind, name in _SUBJECT.items()
}


@frozen
class AnsweredRow:
    """A row of a file. `status`: the word that a single call is answered; `errors`: [{field,
    message, cure}]."""

    row_no: int
    line_no: int
    sequence: str
    external_id: str
    subject_id: UUID | None
    state: Literal["received", "done", "refused", "stopped"]
    status: str | None
    code: str | None
    errors: list[dict[str, Kept]]
    warning: Kept | None


def answer_of(kind: str, row: AnsweredRow) -> dict[str, Any]:
    """`orderId` is the merchant's own. RECEIVED: the row waits; STOPPED: it was left out."""
    subject = row.subject_id if row.state == "done" else None
    return {
        "row": row.row_no,
        "line": row.line_no,
        "sequenceNumber": row.sequence,
        "orderId": row.external_id or None,
        _SUBJECT[kind]: str(subject) if subject else None,
        "status": row.status or _WORDS[row.state],
        "code": row.code,
        "errors": row.errors,
        "warning": row.warning,
    }


def json_answer(kind: str, row: AnsweredRow) -> str:
    return encode(answer_of(kind, row)).decode() + "\n"


def csv_answer(kind: str, row: AnsweredRow) -> str:
    """Row of the CSV answer file: of several complaints the first one's field and cure, and all
    messages."""
    answer = answer_of(kind, row)
    errors = answer["errors"]
    first = errors[0] if errors else {}
    return csv_row(
        [
            answer["row"],
            answer["line"],
            answer["sequenceNumber"],
            answer["orderId"],
            answer[_SUBJECT[kind]],
            answer["status"],
            answer["code"],
            first.get("field"),
            " ".join(error["message"] for error in errors),
            first.get("cure"),
            answer["warning"],
        ]
    )

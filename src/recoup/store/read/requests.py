"""The gate's stored answers."""

from typing import Any, Literal
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement


class Request(Row, frozen=True):
    """`answer`: of one that is `answered`."""

    input_mac: bytes
    subject_id: UUID | None
    state: Literal["open", "answered"]
    answer: dict[str, Any] | None


@statement(
    MERCHANT,
    """
SELECT input_mac, subject_id, state, answer FROM requests WHERE merchant_id = $1 AND operation = $2 AND key = $3
""",
)
async def find_request(db: Read, merchant_id: UUID, operation: str, key: str) -> Request | None:
    """What the key was sent with, and what it was answered."""

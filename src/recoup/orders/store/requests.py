"""The gate of repeats: which key was answered what."""

from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx, Written
from recoup.db.table import hex_of
from recoup.orders.store.rows import AnsweredKey


class Request(Row):
    """`answer`: of one that is `answered`."""

    input_mac: bytes
    subject_id: UUID | None
    state: Literal["open", "answered"]
    answer: dict[str, Any] | None


@MERCHANT.statement("""
SELECT input_mac, subject_id, state, answer FROM requests WHERE merchant_id = $1 AND operation = $2
  AND key = $3
""")
async def find_request(db: Read, merchant_id: UUID, operation: str, key: str) -> Request | None:
    """The request of the key: what it was sent with, and what it was answered."""


def answered(
    merchant_id: UUID,
    operation: str,
    key: str,
    input_mac: bytes,
    subject_id: UUID,
    answer: dict[str, Any],
    at: datetime,
) -> AnsweredKey:
    """The row of a key, for the write of its effect: a race for the key undoes all of it."""
    return AnsweredKey(
        merchant_id=merchant_id,
        operation=operation,
        key=key,
        input_mac=hex_of(input_mac),
        subject_id=subject_id,
        state="answered",
        answer=answer,
        created_at=at,
    )


@MERCHANT.statement("""
INSERT INTO requests (merchant_id, operation, key, input_mac, subject_id, state, answer, created_at)
VALUES ($1, $2, $3, $4, $5, 'answered', $6, $7) ON CONFLICT DO NOTHING
""")
async def remember(
    db: Tx,
    merchant_id: UUID,
    operation: str,
    key: str,
    input_mac: bytes,
    subject_id: UUID,
    answer: dict[str, Any],
    at: datetime,
) -> None:
    """Stores the answer of a key that only reads what another call had made. With other content it
    is a conflict from now on."""


REQUESTS_KEPT: Final = timedelta(
    days=30
)  # the keys by which money moves or is requested stay for ever


@MERCHANT.statement("""
DELETE FROM requests WHERE ctid IN (
  SELECT ctid FROM requests
  WHERE operation NOT IN ('refund', 'charge', 'payout', 'subscription') AND state = 'answered'
    AND created_at < $1
  LIMIT $2)
""")
async def forget_requests(db: Tx, before: datetime, limit: int) -> Written:
    """Keys, and what they were answered."""

"""What processors call the cards that they keep. Their other facts stand in the vault, with nothing sealed."""

from datetime import datetime
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, Tx, statement
from recoup.store.table import insert_of, stored


@stored("stored_methods")
class NewMethod(Row, frozen=True):
    merchant_id: UUID
    method_id: UUID
    route: str
    reference: str
    customer: str | None
    fingerprint: str | None
    funding: str | None
    country: str | None
    created_at: datetime


@statement(MERCHANT, "SELECT pan_id FROM vault WHERE merchant_id = $1 AND token_id = $2")
async def find_method(db: Read, merchant_id: UUID, method_id: UUID) -> UUID | None:
    """Which card it is; None for a method that came for the first time."""


async def add_method(db: Tx, method: NewMethod) -> None:
    """What is known already stays as it is."""
    await _add_methods(db, [method])


@statement(MERCHANT, insert_of(NewMethod) + " ON CONFLICT DO NOTHING")
async def _add_methods(db: Tx, methods: list[NewMethod]) -> None: ...


@statement(
    MERCHANT,
    """
UPDATE stored_methods SET closed_at = $3 WHERE merchant_id = $1 AND method_id = $2 AND closed_at IS NULL
""",
)
async def close_method(db: Tx, merchant_id: UUID, method_id: UUID, at: datetime) -> None:
    """The processor said that it is gone."""

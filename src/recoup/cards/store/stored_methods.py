"""Stored methods: what processors call the cards that they keep. Their other facts stand in the
vault, with nothing sealed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.db.table import insert_of, stored


@stored("stored_methods")
class NewMethod(Row):
    merchant_id: UUID
    method_id: UUID
    route: str
    reference: str
    customer: str | None
    fingerprint: str | None
    funding: str | None
    country: str | None
    created_at: datetime
    described_at: datetime


@MERCHANT.statement("SELECT pan_id FROM vault WHERE merchant_id = $1 AND token_id = $2")
async def find_method(db: Read, merchant_id: UUID, method_id: UUID) -> UUID | None:
    """The card of a method; None for one that came for the first time."""


@MERCHANT.statement(
    "SELECT reference <> '' FROM stored_methods WHERE merchant_id = $1 AND method_id = $2"
)
async def is_method_known(db: Read, merchant_id: UUID, method_id: UUID) -> bool | None:
    """Tells whether a method is known: None for one that came for the first time, False for one
    that was erased."""


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM stored_methods WHERE reference = $3 AND closed_at IS NULL
  AND route = ANY ($2)
    AND merchant_id <> $1)
  OR EXISTS (SELECT FROM stored_methods WHERE customer = $4 AND route = ANY ($2)
    AND merchant_id <> $1)
""")
async def is_brought_by_another(
    db: Read, merchant_id: UUID, routes: Sequence[str], reference: str | None, customer: str | None
) -> bool:
    """True when another merchant was the first to name this method, or a method of this customer,
    at one of the routes. None: not looked up."""


@MERCHANT.statement("SELECT pg_advisory_xact_lock(hashtextextended($1, 36))")
async def lock_names(db: Tx, name: str) -> None:
    """Two who bring the same method for the first time come one after the other."""


@MERCHANT.statement(
    insert_of(NewMethod, single=True)
    + """
ON CONFLICT (merchant_id, method_id) DO UPDATE SET reference = EXCLUDED.reference,
  customer = EXCLUDED.customer, fingerprint = EXCLUDED.fingerprint
WHERE stored_methods.reference = ''
"""
)
async def add_method(db: Tx, method: NewMethod) -> None:
    """Adds a method. What is known already stays as it is; what was erased is known again."""


@MERCHANT.statement("""
UPDATE stored_methods SET closed_at = $3 WHERE merchant_id = $1 AND method_id = $2
  AND closed_at IS NULL
""")
async def close_method(db: Tx, merchant_id: UUID, method_id: UUID, at: datetime) -> None:
    """The processor said that it is gone."""


@MERCHANT.statement("""
UPDATE stored_methods SET described_at = $3 WHERE merchant_id = $1 AND method_id = $2
  AND closed_at IS NULL
  AND reference <> '' AND coalesce(described_at, created_at) < $4 RETURNING method_id
""")
async def claim_description(
    db: Tx, merchant_id: UUID, method_id: UUID, instead: datetime, before: datetime
) -> UUID | None:
    """Claims the description of a method; None where the processor described it since `before`, or
    it is gone; else nobody else asks for now: it counts as described at `instead`."""


@MERCHANT.statement("SELECT renew_method($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
async def renew_method(
    db: Tx,
    merchant_id: UUID,
    method_id: UUID,
    exp_month: int | None,
    exp_year: int | None,
    last4: str | None,
    reference: str | None,
    fingerprint: str | None,
    funding: str | None,
    country: str | None,
    at: datetime,
) -> None:
    """Renews what its processor says; None: nothing. What was erased stays so."""

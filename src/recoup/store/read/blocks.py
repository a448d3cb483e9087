"""Whom a merchant has blocked."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement


class Subjects(Row, frozen=True):
    """Whom a block of each kind would be about."""

    card: UUID | None
    customer: UUID | None


@statement(
    MERCHANT,
    """
SELECT o.pan_id AS card, p.payer_id AS customer FROM orders o
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
WHERE o.merchant_id = $1 AND o.order_id = $2
""",
)
async def _subjects(db: Read, merchant_id: UUID, order_id: UUID) -> Subjects | None:
    """Of an order."""


async def subjects_of_order(db: Read, merchant_id: UUID, order_id: UUID) -> dict[str, UUID]:
    """Kind -> whom a block of that kind would be about. Empty for an order that is none."""
    found = await _subjects(db, merchant_id, order_id) or Subjects(None, None)
    return {kind: subject for kind, subject in (("card", found.card), ("customer", found.customer)) if subject}


class StandingBlock(Row, frozen=True):
    """`business_at`: since then."""

    block_id: UUID
    kind: Literal["customer", "card"]
    reason: str
    actor: str
    business_at: datetime


@statement(
    MERCHANT,
    """
SELECT b.block_id, b.kind, b.reason, b.actor, b.business_at FROM blocks b
WHERE b.merchant_id = $1 AND b.lifted_at IS NULL AND b.subject_id = ANY($2::uuid[]) ORDER BY b.kind
""",
)
async def standing_blocks(db: Read, merchant_id: UUID, subjects: Collection[UUID]) -> list[StandingBlock]:
    """Those of the subjects that are blocked now."""


class ListedBlock(Row, frozen=True):
    """`external_id`: the merchant's id of the order that it was made on."""

    block_id: UUID
    kind: Literal["customer", "card"]
    subject_id: UUID
    reason: str
    order_id: UUID | None
    actor: str
    business_at: datetime
    external_id: str | None


@statement(
    MERCHANT,
    """
SELECT b.block_id, b.kind, b.subject_id, b.reason, b.order_id, b.actor, b.business_at, o.external_id FROM blocks b
LEFT JOIN orders o ON o.merchant_id = b.merchant_id AND o.order_id = b.order_id
WHERE b.merchant_id = $1 AND b.lifted_at IS NULL ORDER BY b.block_id DESC LIMIT $2
""",
)
async def list_blocks(db: Read, merchant_id: UUID, limit: int) -> list[ListedBlock]:
    """All that stand, newest first."""

"""Blocks that a merchant has set. A flow that writes here has raised the merchant's version first,
and so holds its row."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx


class Subjects(Row, frozen=True):
    """Subjects that a block of each kind would be about."""

    card: UUID | None
    customer: UUID | None


@MERCHANT.statement("""
SELECT o.pan_id AS card, p.payer_id AS customer FROM orders o
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
WHERE o.merchant_id = $1 AND o.order_id = $2
""")
async def _subjects(db: Read, merchant_id: UUID, order_id: UUID) -> Subjects | None:
    """Subjects of an order."""


async def subjects_of_order(db: Read, merchant_id: UUID, order_id: UUID) -> dict[str, UUID]:
    """Kind -> whom a block of that kind would be about. Empty for an order that is none."""
    subjects = await _subjects(db, merchant_id, order_id) or Subjects(None, None)
    return {
        kind: subject
        for kind, subject in (("card", subjects.card), ("customer", subjects.customer))
        if subject
    }


class StandingBlock(Row, frozen=True):
    """`business_at`: since then."""

    block_id: UUID
    kind: Literal["customer", "card"]
    reason: str
    actor: str
    business_at: datetime


@MERCHANT.statement("""
SELECT b.block_id, b.kind, b.reason, b.actor, b.business_at FROM blocks b
WHERE b.merchant_id = $1 AND b.lifted_at IS NULL AND b.subject_id = ANY($2::uuid[]) ORDER BY b.kind
""")
async def standing_blocks(
    db: Read, merchant_id: UUID, subjects: Collection[UUID]
) -> list[StandingBlock]:
    """Blocks that stand for these subjects now."""


class BlockRow(Row):
    block_id: UUID
    kind: Literal["customer", "card"]
    reason: str
    order_id: UUID | None
    actor: str
    business_at: datetime


class ListedBlock(BlockRow):
    """`external_id`: the merchant's id of the order that it was made on."""

    subject_id: UUID
    external_id: str | None


@MERCHANT.statement("""
SELECT b.block_id, b.kind, b.reason, b.order_id, b.actor, b.business_at, b.subject_id, o.external_id
  FROM blocks b
LEFT JOIN orders o ON o.merchant_id = b.merchant_id AND o.order_id = b.order_id
WHERE b.merchant_id = $1 AND b.lifted_at IS NULL ORDER BY b.block_id DESC LIMIT $2
""")
async def list_blocks(db: Read, merchant_id: UUID, limit: int) -> list[ListedBlock]:
    """All that stand, newest first."""


@MERCHANT.statement("SELECT count(*) FROM blocks WHERE merchant_id = $1 AND lifted_at IS NULL")
async def count_blocks(db: Read, merchant_id: UUID) -> int:
    """Counts the blocks that stand."""


@MERCHANT.statement("""
INSERT INTO blocks (merchant_id, block_id, kind, subject_id, reason, order_id, actor, business_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (merchant_id, kind, subject_id) WHERE lifted_at IS NULL DO NOTHING RETURNING true
""")
async def insert_block(
    db: Tx,
    merchant_id: UUID,
    block_id: UUID,
    kind: str,
    subject_id: UUID,
    reason: str,
    order_id: UUID | None,
    actor: str,
    business_at: datetime,
) -> bool:
    """Inserts a block; False when the subject is blocked already."""


async def lift_block(
    db: Tx, merchant_id: UUID, block_id: UUID, actor: str, at: datetime
) -> bool | None:
    """Lifts a block; False when it was lifted before, None when there is no such block."""
    if await _lift(db, merchant_id, block_id, actor, at):
        return True
    return False if await _exists(db, merchant_id, block_id) else None


@MERCHANT.statement("""
UPDATE blocks SET lifted_by = $3, lifted_at = $4 WHERE merchant_id = $1 AND block_id = $2
  AND lifted_at IS NULL
RETURNING true
""")
async def _lift(db: Tx, merchant_id: UUID, block_id: UUID, actor: str, at: datetime) -> bool:
    """Lifts a block; False when it does not stand."""


@MERCHANT.statement("SELECT EXISTS (SELECT FROM blocks WHERE merchant_id = $1 AND block_id = $2)")
async def _exists(db: Read, merchant_id: UUID, block_id: UUID) -> bool:
    """True when the block was ever made."""


class BlockOf(NamedTuple):
    kind: Literal["customer", "card"]
    subject_id: UUID


@MERCHANT.statement("SELECT kind, subject_id FROM blocks WHERE merchant_id = $1 AND block_id = $2")
async def block_of(db: Read, merchant_id: UUID, block_id: UUID) -> BlockOf:
    """Subject of a block that there is."""

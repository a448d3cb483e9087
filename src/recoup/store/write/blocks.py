"""Blocks. A flow that writes here has raised the merchant's version first, and so holds its row."""

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Tx, statement


@statement(MERCHANT, "SELECT count(*) FROM blocks WHERE merchant_id = $1 AND lifted_at IS NULL")
async def count_blocks(db: Read, merchant_id: UUID) -> int:
    """Those that stand."""


@statement(
    MERCHANT,
    """
INSERT INTO blocks (merchant_id, block_id, kind, subject_id, reason, order_id, actor, business_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (merchant_id, kind, subject_id) WHERE lifted_at IS NULL DO NOTHING RETURNING true
""",
)
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
    """False when it is blocked already."""


async def lift_block(db: Tx, merchant_id: UUID, block_id: UUID, actor: str, at: datetime) -> bool | None:
    """False when it was lifted before, None when there is no such block."""
    if await _lift(db, merchant_id, block_id, actor, at):
        return True
    return False if await _exists(db, merchant_id, block_id) else None


@statement(
    MERCHANT,
    """
UPDATE blocks SET lifted_by = $3, lifted_at = $4 WHERE merchant_id = $1 AND block_id = $2 AND lifted_at IS NULL
RETURNING true
""",
)
async def _lift(db: Tx, merchant_id: UUID, block_id: UUID, actor: str, at: datetime) -> bool:
    """False when it does not stand."""


@statement(MERCHANT, "SELECT EXISTS (SELECT FROM blocks WHERE merchant_id = $1 AND block_id = $2)")
async def _exists(db: Read, merchant_id: UUID, block_id: UUID) -> bool:
    """Whether it was ever made."""


class BlockOf(NamedTuple):
    kind: Literal["customer", "card"]
    subject_id: UUID


@statement(MERCHANT, "SELECT kind, subject_id FROM blocks WHERE merchant_id = $1 AND block_id = $2")
async def block_of(db: Read, merchant_id: UUID, block_id: UUID) -> BlockOf:
    """Whom one that there is is about."""

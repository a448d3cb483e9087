"""Whom a merchant has blocked."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

_STANDING: Final = """
SELECT b.* FROM blocks b
WHERE b.merchant_id = $1 AND b.lifted_at IS NULL AND b.subject_id = ANY($2::uuid[]) ORDER BY b.kind
"""
_SUBJECTS: Final = """
SELECT o.pan_id AS card, p.payer_id AS customer FROM orders o
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
WHERE o.merchant_id = $1 AND o.order_id = $2
"""
_LIST: Final = """
SELECT b.*, o.external_id FROM blocks b
LEFT JOIN orders o ON o.merchant_id = b.merchant_id AND o.order_id = b.order_id
WHERE b.merchant_id = $1 AND b.lifted_at IS NULL ORDER BY b.block_id DESC LIMIT $2
"""


async def subjects_of_order(connection: asyncpg.Connection, merchant_id: UUID, order_id: UUID) -> dict[str, UUID]:
    """Kind -> whom a block of that kind would be about. Empty for an order that is none."""
    row = await connection.fetchrow(_SUBJECTS, merchant_id, order_id)
    return {kind: subject for kind, subject in (row or {}).items() if subject is not None}


async def standing_blocks(
    connection: asyncpg.Connection, merchant_id: UUID, subjects: Sequence[UUID]
) -> Sequence[Any]:
    """Those of the subjects that are blocked now."""
    return await connection.fetch(_STANDING, merchant_id, list(subjects))  # type: ignore[no-any-return]


async def list_blocks(connection: asyncpg.Connection, merchant_id: UUID, limit: int) -> Sequence[Any]:
    """All that stand, newest first, with the merchant's id of the order they were made on."""
    return await connection.fetch(_LIST, merchant_id, limit)  # type: ignore[no-any-return]

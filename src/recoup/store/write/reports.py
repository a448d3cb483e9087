"""The clock of a merchant's reconciliation reports, and the reports that it was told of."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

_BEGIN = """
INSERT INTO reconciliation_clocks (merchant_id, period_from) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true
"""
_LOCK = """
SELECT c.period_from, m.offset_us FROM reconciliation_clocks c JOIN merchants m USING (merchant_id)
WHERE c.merchant_id = $1 FOR UPDATE OF c
"""
_MOVE = "UPDATE reconciliation_clocks SET period_from = $2 WHERE merchant_id = $1"
_ADD = """
INSERT INTO reconciliation_reports (merchant_id, report_id, period_from, period_to, lines, differences, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def begin_clock(tx: asyncpg.Connection, merchant_id: UUID, period_from: datetime) -> bool:
    """False when it goes already."""
    return await tx.fetchval(_BEGIN, merchant_id, period_from) is not None


async def lock_clock(tx: asyncpg.Connection, merchant_id: UUID) -> asyncpg.Record | None:
    """`period_from`, and the merchant's `offset_us`."""
    return await tx.fetchrow(_LOCK, merchant_id)


async def move_clock(tx: asyncpg.Connection, merchant_id: UUID, period_from: datetime) -> None:
    await tx.execute(_MOVE, merchant_id, period_from)


async def add_report(tx: asyncpg.Connection, row: Mapping[str, Any]) -> None:
    names = ("merchant_id", "report_id", "period_from", "period_to", "lines", "differences", "created_at")
    await tx.execute(_ADD, *(row[name] for name in names))

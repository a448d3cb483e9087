"""Every version of what closed orders say about a merchant's advances, an asset at a time."""

from datetime import date
from typing import Any
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.insight.proofs.walk import STATEMENT_SECONDS
from recoup.store.statement import Read, Row


@MERCHANT.within(STATEMENT_SECONDS).statement(
    "SELECT DISTINCT asset FROM advance_bounds WHERE merchant_id = $1 ORDER BY asset"
)
async def assets_bounded(db: Read, merchant_id: UUID) -> list[str]:
    """Currencies of which there is a version."""


class KeptBounds(Row, frozen=True):
    """`tables`: whatever stands there."""

    version: int
    made_on: date
    until: date
    tables: dict[str, Any]


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT version, made_on, until, tables FROM advance_bounds
WHERE merchant_id = $1 AND asset = $2 AND version > $3 ORDER BY version LIMIT $4
""")
async def kept_bounds(db: Read, merchant_id: UUID, asset: str, after: int, limit: int) -> list[KeptBounds]:
    """The next versions, in their order."""

"""Who decides about new orders, and where the engine is stopped."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

# The merchant's newest line and those of its sites, however often each was changed.
NEWEST = """
(SELECT a.* FROM arm_settings a WHERE a.merchant_id = {merchant} AND a.site_id IS NULL ORDER BY a.version DESC LIMIT 1)
UNION ALL
SELECT a.* FROM sites t CROSS JOIN LATERAL (SELECT * FROM arm_settings a
  WHERE a.merchant_id = {merchant} AND a.site_id = t.site_id ORDER BY a.version DESC LIMIT 1) a
WHERE t.merchant_id = {merchant} AND t.retired_at IS NULL
"""
_SETTINGS = NEWEST.format(merchant="$1")
_STOPS = """
SELECT * FROM engine_stops WHERE ended_at IS NULL AND (merchant_id IS NULL OR merchant_id = $1) ORDER BY stopped_at
"""


async def arm_settings(connection: asyncpg.Connection, merchant_id: UUID) -> Sequence[asyncpg.Record]:
    """The newest line of the merchant and of each of its sites that ever had one."""
    return await connection.fetch(_SETTINGS, merchant_id)  # type: ignore[no-any-return]


async def standing_stops(connection: asyncpg.Connection, merchant_id: UUID | None) -> Sequence[asyncpg.Record]:
    """Those that hold for a merchant; None: those for all."""
    return await connection.fetch(_STOPS, merchant_id)  # type: ignore[no-any-return]

"""Who decides about new orders, and where the engine is stopped."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

_SETTINGS = """
SELECT DISTINCT ON (site_id) * FROM arm_settings WHERE merchant_id = $1 ORDER BY site_id, version DESC
"""
_STOPS = """
SELECT * FROM engine_stops WHERE ended_at IS NULL AND (merchant_id IS NULL OR merchant_id = $1) ORDER BY stopped_at
"""


async def arm_settings(connection: asyncpg.Connection, merchant_id: UUID) -> Sequence[asyncpg.Record]:
    """The newest line of the merchant and of each site that ever had one."""
    return await connection.fetch(_SETTINGS, merchant_id)  # type: ignore[no-any-return]


async def standing_stops(connection: asyncpg.Connection, merchant_id: UUID | None) -> Sequence[asyncpg.Record]:
    """Those that hold for a merchant; None: those for all."""
    return await connection.fetch(_STOPS, merchant_id)  # type: ignore[no-any-return]

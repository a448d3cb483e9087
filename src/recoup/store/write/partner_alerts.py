"""What a partner's people should hear of: written once, and told."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

_ADD: Final = """
INSERT INTO partner_alerts (partner_id, alert_id, kind, about, step, facts, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (partner_id, kind, about, step) DO NOTHING
"""
_UNTOLD: Final = """
SELECT a.partner_id, a.alert_id, a.kind, a.facts, p.name FROM partner_alerts a JOIN partners p USING (partner_id)
WHERE a.told_at IS NULL ORDER BY a.created_at LIMIT $1
"""
_TOLD: Final = "UPDATE partner_alerts SET told_at = coalesce(told_at, $3) WHERE partner_id = $1 AND alert_id = $2"


async def add_partner_alert(
    tx: asyncpg.Connection, partner_id: UUID, alert_id: UUID, kind: str, about: UUID, step: int, facts: dict[str, Any],
    at: datetime,
) -> None:  # fmt: skip
    """A second one of the same kind about the same thing and step is none."""
    await tx.execute(_ADD, partner_id, alert_id, kind, about, step, facts, at)


async def untold_alerts(connection: asyncpg.Connection, limit: int) -> list[asyncpg.Record]:
    """Of all partners, the oldest first, with the partner's name."""
    return await connection.fetch(_UNTOLD, limit)  # type: ignore[no-any-return]


async def partner_told(connection: asyncpg.Connection, partner_id: UUID, alert_id: UUID, at: datetime) -> None:
    await connection.execute(_TOLD, partner_id, alert_id, at)

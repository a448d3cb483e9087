"""Alerts to a partner's people: written once, then closed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.db.statement import HUB, Read, Row, Tx, Written


@HUB.statement("""
INSERT INTO partner_alerts (partner_id, alert_id, kind, about, step, facts, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (partner_id, kind, about, step) DO NOTHING
""")
async def add_partner_alert(
    db: Tx,
    partner_id: UUID,
    alert_id: UUID,
    kind: str,
    about: UUID,
    step: int,
    facts: dict[str, Any],
    at: datetime,
) -> None:
    """A second one of the same kind about the same thing and step is none."""


class PartnerAlert(Row):
    """`name`: the partner's."""

    partner_id: UUID
    alert_id: UUID
    kind: str
    facts: dict[str, Any]
    name: str


@HUB.statement("""
SELECT a.partner_id, a.alert_id, a.kind, a.facts, p.name FROM partner_alerts a
  JOIN partners p USING (partner_id)
WHERE a.notified_at IS NULL ORDER BY a.created_at LIMIT $1
""")
async def untold_alerts(db: Read, limit: int) -> list[PartnerAlert]:
    """Alerts of all partners not yet notified, the oldest first."""


@HUB.statement(
    "UPDATE partner_alerts SET notified_at = coalesce(notified_at, $3) WHERE partner_id = $1 AND "
    "alert_id = $2"
)
async def close_partner_alert(db: Tx, partner_id: UUID, alert_id: UUID, at: datetime) -> None: ...


@HUB.statement("""
DELETE FROM partner_alerts WHERE ctid IN (
  SELECT ctid FROM partner_alerts WHERE created_at < $1 AND notified_at IS NOT NULL LIMIT $2)
""")
async def forget_partner_alerts(db: Tx, before: datetime, limit: int) -> Written:
    """Notifications that were sent."""

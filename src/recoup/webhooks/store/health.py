"""Health of endpoints: what their breakers stand on."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from recoup.db.statement import DIRECTORY, Row, Tx
from recoup.kernel.filled import filled
from recoup.webhooks.rules.breaker import Health


class EndpointHealth(Row):
    endpoint_id: UUID
    failures: int
    failing_since: datetime | None
    last_error: str | None
    opened_at: datetime | None
    probes: int
    probe_at: datetime | None

    @classmethod
    def of(cls, endpoint_id: UUID, health: Health) -> "EndpointHealth":
        return filled(cls, health, endpoint_id=endpoint_id)

    @property
    def health(self) -> Health:
        return filled(Health, self)


@DIRECTORY.statement("""
SELECT endpoint_id, failures, failing_since, last_error, opened_at, probes, probe_at FROM endpoints
WHERE endpoint_id = ANY($1) AND (failures > 0 OR endpoint_id = ANY($2)) ORDER BY endpoint_id
  FOR UPDATE
""")
async def lock_health(
    db: Tx, endpoints: Sequence[UUID], failed: Sequence[UUID]
) -> list[EndpointHealth]:
    """Locks the health of endpoints that are not well, or that just failed. After the lanes."""


@DIRECTORY.statement("""
UPDATE endpoints e SET failures = i.failures, failing_since = i.failing_since,
  last_error = i.last_error,
  opened_at = i.opened_at, probes = i.probes, probe_at = i.probe_at
FROM jsonb_populate_recordset(NULL::endpoints, $1) AS i WHERE e.endpoint_id = i.endpoint_id
""")
async def set_health(db: Tx, rows: Sequence[EndpointHealth]) -> None:
    """Sets the endpoints' health as it is after the attempts."""

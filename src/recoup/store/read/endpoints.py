"""Webhook endpoints of a merchant or a partner: those of the rescue API, and the one of the stablecoin API."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from recoup.rules.messages.breaker import Health
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement

WAITING_MAX = 1_000


class EndpointRow(Row, frozen=True):
    """`own_key`, `webhook_key`: sealed; the second is the merchant's. `waiting`: events still to be delivered there, at
    most WAITING_MAX. `tried`: whether something was ever sent there."""

    endpoint_id: UUID
    url: str
    events: tuple[str, ...]
    format: str
    own_key: bytes | None
    state: str
    why: str | None
    created_at: datetime
    encrypt: bool
    failures: int
    failing_since: datetime | None
    last_error: str | None
    opened_at: datetime | None
    probes: int
    probe_at: datetime | None
    door: str
    rotated_at: datetime | None
    webhook_key: bytes | None
    previous_until: datetime | None
    tried: bool
    waiting: int

    @property
    def health(self) -> Health:
        return Health(self.failures, self.failing_since, self.last_error, self.opened_at, self.probes, self.probe_at)


@statement(
    MERCHANT,
    f"""
SELECT e.endpoint_id, e.url, e.events, e.format, e.own_key, e.state, e.why, e.created_at, e.encrypt, e.failures,
  e.failing_since, e.last_error, e.opened_at, e.probes, e.probe_at, e.door, e.rotated_at, m.webhook_key,
  CASE WHEN e.own_key IS NOT NULL THEN e.previous_until ELSE x.previous_until END AS previous_until,
  EXISTS (SELECT FROM delivery_tries t WHERE t.endpoint_id = e.endpoint_id) AS tried,
  (SELECT count(*) FROM (SELECT FROM lanes l JOIN feed f ON f.merchant_id = l.merchant_id
      AND f.subject_id = l.subject_id AND f.seq >= l.next_seq AND f.event = ANY(e.events)
    WHERE l.endpoint_id = e.endpoint_id AND l.due_at IS NOT NULL LIMIT {WAITING_MAX}) w) AS waiting
FROM endpoints e
LEFT JOIN merchants m ON m.merchant_id = e.merchant_id
LEFT JOIN webhook_key_overlaps x ON x.merchant_id = e.merchant_id AND x.door = e.door
WHERE (e.merchant_id = $1 OR e.partner_id = $1) AND e.state <> 'deleted' AND (e.door = 'rescue' OR $2)
ORDER BY e.created_at, e.endpoint_id
""",
)
async def list_endpoints(db: Read, owner_id: UUID, every_door: bool = False) -> list[EndpointRow]:
    """Those of a merchant, or of a partner. `every_door`: the stablecoin API's own among them."""


class Try(Row, frozen=True):
    """`event`: its name in the outbox, while that keeps it. `external_id`: of the order that it is about."""

    try_id: UUID
    merchant_id: UUID
    resent: bool
    subject_id: UUID
    seq: int
    event_id: UUID
    try_no: int
    at: datetime
    status: int | None
    error: str | None
    latency_ms: int
    answer: str
    result: Literal["delivered", "failed", "parked", "disabled"]
    is_sample: bool
    event: str | None
    external_id: str | None


@statement(
    MERCHANT,
    """
SELECT t.try_id, t.merchant_id, t.resent, t.subject_id, t.seq, t.event_id, t.try_no, t.at, t.status, t.error,
  t.latency_ms, t.answer, t.result,
  t.sample IS NOT NULL AS is_sample, coalesce(t.sample, b.event) AS event, o.external_id
FROM delivery_tries t
LEFT JOIN outbox b ON b.merchant_id = t.merchant_id AND b.subject_id = t.subject_id AND b.seq = t.seq
LEFT JOIN orders o ON o.merchant_id = t.merchant_id AND o.order_id = t.subject_id
WHERE t.endpoint_id = $1 AND t.try_id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY t.try_id DESC LIMIT $2
""",
)
async def list_tries(db: Read, endpoint_id: UUID, limit: int, before: UUID | None) -> list[Try]:
    """Newest first, older than `before`."""


class StablecoinRow(Row, frozen=True):
    endpoint_id: UUID
    url: str
    events: tuple[str, ...]
    encrypt: bool
    state: str


@statement(
    MERCHANT,
    """
SELECT endpoint_id, url, events, encrypt, state FROM endpoints
WHERE merchant_id = $1 AND door = 'stablecoin' AND state <> 'deleted'
""",
)
async def stablecoin_endpoint(db: Read, merchant_id: UUID) -> StablecoinRow | None:
    """The one of the stablecoin API."""


@statement(MERCHANT, "SELECT stablecoin_webhook_key FROM merchants WHERE merchant_id = $1")
async def stablecoin_webhook_key_of(db: Read, merchant_id: UUID) -> bytes | None:
    """Sealed."""


class SharedKeys(Row, frozen=True):
    """`key` signs for every endpoint of an API without one of its own; while it is kept, `previous_key` does so too,
    `previous_until` then. Both are sealed."""

    key: bytes | None = None
    previous_key: bytes | None = None
    previous_until: datetime | None = None


@statement(
    MERCHANT,
    """
SELECT CASE WHEN $2 = 'stablecoin' THEN m.stablecoin_webhook_key ELSE m.webhook_key END AS key, x.previous_key,
  x.previous_until
FROM merchants m LEFT JOIN webhook_key_overlaps x ON x.merchant_id = m.merchant_id AND x.door = $2
WHERE m.merchant_id = $1
""",
)
async def shared_keys(db: Read, merchant_id: UUID, door: str) -> SharedKeys | None:
    """Of a merchant."""

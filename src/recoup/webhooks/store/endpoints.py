"""Webhook endpoints of a merchant or a partner: those of the rescue API, and the one of the
stablecoin API. `owner_id`: of either."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row, Tx, columns_of
from recoup.db.table import Hex, insert_of, stored
from recoup.merchants.store.merchants import end_overlap, keep_overlap, save_shared_key
from recoup.orders.store.tries import NewTry
from recoup.webhooks.store.health import EndpointHealth

WAITING_MAX = 1_000


class EndpointState(EndpointHealth):
    """`waiting`: events still to be delivered there, at most WAITING_MAX. `tried`: whether
    something was ever sent there. `why`: a code of `endpoint_whys`. `previous_until`: until then
    what the key before it signs is good, too. `door`: which API manages it. `rotated_at`: when its
    own key was last replaced. `shared`: a partner's, whose merchants may be of several cells."""

    url: str
    events: tuple[str, ...]
    format: str
    state: str
    why: str | None
    created_at: datetime
    encrypt: bool
    door: str
    rotated_at: datetime | None
    previous_until: datetime | None
    tried: bool
    waiting: int
    shared: bool


class EndpointRow(EndpointState):
    """`own_key`, `webhook_key`: sealed; the second is the merchant's."""

    own_key: bytes | None
    webhook_key: bytes | None


@MERCHANT.statement(f"""
SELECT {columns_of(EndpointHealth, "e")}, e.url, e.events, e.format, e.state, e.why, e.created_at,
  e.encrypt, e.door,
  e.rotated_at,
  CASE WHEN e.own_key IS NOT NULL THEN e.previous_until ELSE x.previous_until END AS previous_until,
  EXISTS (SELECT FROM delivery_tries t WHERE t.endpoint_id = e.endpoint_id) AS tried,
  (SELECT count(*) FROM (SELECT FROM lanes l JOIN feed f ON f.merchant_id = l.merchant_id
      AND f.subject_id = l.subject_id AND f.seq >= l.next_seq AND f.event = ANY(e.events)
    WHERE l.endpoint_id = e.endpoint_id AND l.due_at IS NOT NULL LIMIT {WAITING_MAX}) w) AS waiting,
  e.partner_id IS NOT NULL AS shared, e.own_key, m.webhook_key
FROM endpoints e
LEFT JOIN merchants m ON m.merchant_id = e.merchant_id
LEFT JOIN webhook_key_overlaps x ON x.merchant_id = e.merchant_id AND x.door = e.door
WHERE (e.merchant_id = $1 OR e.partner_id = $1) AND e.state <> 'deleted' AND (e.door = 'rescue'
  OR $2)
ORDER BY e.created_at, e.endpoint_id
""")
async def list_endpoints(db: Read, owner_id: UUID, every_door: bool = False) -> list[EndpointRow]:
    """Endpoints of a merchant, or of a partner. `every_door`: the stablecoin API's own among
    them."""


class Try(NewTry, frozen=True):
    """`event`: its name in the outbox, while that keeps it. `external_id`: of the order that it is
    about."""

    is_sample: bool
    event: str | None
    external_id: str | None


@MERCHANT.statement(f"""
SELECT {columns_of(NewTry, "t")}, t.sample IS NOT NULL AS is_sample, coalesce(t.sample,
  b.event) AS event, o.external_id
FROM delivery_tries t
LEFT JOIN outbox b ON b.merchant_id = t.merchant_id AND b.subject_id = t.subject_id
  AND b.seq = t.seq
LEFT JOIN orders o ON o.merchant_id = t.merchant_id AND o.order_id = t.subject_id
WHERE t.endpoint_id = $1 AND t.try_id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY t.try_id DESC LIMIT $2
""")
async def list_tries(db: Read, endpoint_id: UUID, limit: int, before: UUID | None) -> list[Try]:
    """Newest first, older than `before`."""


class StablecoinRow(Row, frozen=True):
    endpoint_id: UUID
    url: str
    events: tuple[str, ...]
    encrypt: bool
    state: str


@MERCHANT.statement("""
SELECT endpoint_id, url, events, encrypt, state FROM endpoints
WHERE merchant_id = $1 AND door = 'stablecoin' AND state <> 'deleted'
""")
async def stablecoin_endpoint(db: Read, merchant_id: UUID) -> StablecoinRow | None:
    """The one of the stablecoin API."""


class SharedKeys(Row, frozen=True):
    """`key` signs for every endpoint of an API without one of its own; while it is kept,
    `previous_key` does so too, `previous_until` then. Both are sealed."""

    key: bytes | None = None
    previous_key: bytes | None = None
    previous_until: datetime | None = None


@MERCHANT.statement("""
SELECT CASE WHEN $2 = 'stablecoin' THEN m.stablecoin_webhook_key
  ELSE m.webhook_key END AS key, x.previous_key,
  x.previous_until
FROM merchants m LEFT JOIN webhook_key_overlaps x ON x.merchant_id = m.merchant_id AND x.door = $2
WHERE m.merchant_id = $1
""")
async def shared_keys(db: Read, merchant_id: UUID, door: str) -> SharedKeys | None:
    """Shared keys of a merchant."""


@stored("endpoints")
class NewEndpoint(Row, frozen=True):
    """A new endpoint of a merchant or of a partner. `own_key`: sealed; None: its merchant's key
    signs."""

    merchant_id: UUID | None
    partner_id: UUID | None
    endpoint_id: UUID
    url: str
    events: Sequence[str]
    format: str
    own_key: Hex | None
    created_at: datetime
    encrypt: bool


@DIRECTORY.statement(insert_of(NewEndpoint, single=True) + "RETURNING 1")
async def add_endpoint(db: Tx, row: NewEndpoint) -> None:
    """Raises: KeyTaken where another of its owner and dialect has the url."""


# A new address, or one that is switched on again, begins in good health.
@DIRECTORY.statement("""
UPDATE endpoints e SET url = i.url, events = i.events, format = i.format, state = i.state,
  why = i.why,
  encrypt = i.encrypt, failures = CASE WHEN w.anew THEN 0 ELSE e.failures END,
  failing_since = CASE WHEN NOT w.anew THEN e.failing_since END,
  last_error = CASE WHEN NOT w.anew THEN e.last_error END, opened_at = CASE
    WHEN NOT w.anew THEN e.opened_at END,
  probes = CASE WHEN w.anew THEN 0 ELSE e.probes END, probe_at = CASE
    WHEN NOT w.anew THEN e.probe_at END
FROM jsonb_populate_record(NULL::endpoints, $1) AS i, endpoints b,
  LATERAL (SELECT i.url <> b.url OR i.state <> b.state AS anew) w
WHERE e.endpoint_id = i.endpoint_id AND b.endpoint_id = i.endpoint_id
  AND $2 IN (e.merchant_id, e.partner_id)
  AND e.state <> 'deleted'
RETURNING e.endpoint_id
""")
async def change_endpoint(db: Tx, row: dict[str, Any], owner_id: UUID) -> bool:
    """`row` names its id, url, events, format, state, why and encrypt. False when it is not there.

    Raises: KeyTaken where another of its dialect has the url.
    """


async def delete_endpoint(db: Tx, owner_id: UUID, endpoint_id: UUID) -> bool:
    """Deletes an endpoint with what waits to be delivered to it. False when it is not there."""
    if not await _mark_deleted(db, owner_id, endpoint_id):
        return False
    await end_lanes(db, endpoint_id)
    return True


@DIRECTORY.statement("""
UPDATE endpoints SET state = 'deleted' WHERE endpoint_id = $2 AND $1 IN (merchant_id, partner_id)
  AND state <> 'deleted' RETURNING true
""")
async def _mark_deleted(db: Tx, owner_id: UUID, endpoint_id: UUID) -> bool:
    """Marks an endpoint as deleted; False when it is not there."""


@MERCHANT.statement("DELETE FROM lanes WHERE endpoint_id = $1 AND due_at IS NOT NULL")
async def end_lanes(db: Tx, endpoint_id: UUID) -> None: ...


@DIRECTORY.statement("""
INSERT INTO endpoints AS e (merchant_id, endpoint_id, url, events, format, created_at, encrypt,
  door)
VALUES ($1, $2, $3, $4, 'stablecoin', $5, $6, 'stablecoin')
ON CONFLICT (merchant_id) WHERE door = 'stablecoin' AND state <> 'deleted'
DO UPDATE SET url = EXCLUDED.url, events = EXCLUDED.events, encrypt = EXCLUDED.encrypt,
  state = 'active', why = NULL,
  failures = 0, failing_since = NULL, last_error = NULL, opened_at = NULL, probes = 0,
    probe_at = NULL
""")
async def put_stablecoin_endpoint(
    db: Tx,
    merchant_id: UUID,
    endpoint_id: UUID,
    url: str,
    events: Sequence[str],
    at: datetime,
    *,
    encrypt: bool,
) -> None:
    """The merchant's one endpoint of that dialect, changed in place; `endpoint_id` is for when
    there is none yet."""


@stored("delivery_tries")
class SampleTry(NewTry, frozen=True):
    """`sample`: the event's name."""

    sample: str


@MERCHANT.statement(insert_of(SampleTry, single=True) + "RETURNING 1")
async def add_sample_try(db: Tx, row: SampleTry) -> None:
    """Adds the outcome of a sample; no lane waits for it."""


# keys
# --------------------------------------------------------------------------------------------------


class KeyInUse(Row, frozen=True):
    """Sealed; None without one. `previous_until`: until then the one before it holds."""

    key: bytes | None
    previous_until: datetime | None


@DIRECTORY.statement("""
SELECT own_key AS key, previous_until FROM endpoints
WHERE endpoint_id = $1 AND $2 IN (merchant_id, partner_id) AND state <> 'deleted'
  AND door = 'rescue' FOR UPDATE
""")
async def lock_endpoint(db: Tx, endpoint_id: UUID, owner_id: UUID) -> KeyInUse | None:
    """The key of its own, if it has one."""


@DIRECTORY.statement(
    "SELECT 1 FROM endpoints WHERE endpoint_id = $1 AND $2 IN (merchant_id, partner_id) FOR UPDATE"
)
async def lock_owned(db: Tx, endpoint_id: UUID, owner_id: UUID) -> None:
    """Whichever API manages it: changes at once are made one after the other."""


async def lock_shared_key(db: Tx, merchant_id: UUID, door: str = "rescue") -> KeyInUse:
    """The merchant's key for this API."""
    return KeyInUse(
        await _lock_shared_key(db, merchant_id, door), await _overlap(db, merchant_id, door)
    )


@MERCHANT.statement("""
SELECT CASE WHEN $2 = 'stablecoin' THEN stablecoin_webhook_key ELSE webhook_key END FROM merchants
WHERE merchant_id = $1 FOR UPDATE
""")
async def _lock_shared_key(db: Tx, merchant_id: UUID, door: str) -> bytes | None:
    """Sealed."""


@MERCHANT.statement(
    "SELECT previous_until FROM webhook_key_overlaps WHERE merchant_id = $1 AND door = $2"
)
async def _overlap(db: Read, merchant_id: UUID, door: str) -> datetime | None:
    """Time until which the key before holds."""


@DIRECTORY.statement("""
UPDATE endpoints SET own_key = $2, previous_key = $3, previous_until = $4, rotated_at = $5,
  switched_at = NULL
WHERE endpoint_id = $1
""")
async def set_own_key(
    db: Tx,
    endpoint_id: UUID,
    sealed: bytes,
    previous: bytes | None,
    until: datetime | None,
    at: datetime,
) -> None:
    """Sets an endpoint's own key, with the key before it, while that holds."""


async def set_shared_key(
    db: Tx,
    merchant_id: UUID,
    sealed: bytes,
    previous: bytes | None,
    until: datetime | None,
    at: datetime,
    door: str = "rescue",
) -> None:
    """Sets the shared key under the merchant's lock."""
    await save_shared_key(db, merchant_id, sealed, door)
    if previous is None or until is None:
        await end_overlap(db, merchant_id, door)
    else:
        await keep_overlap(db, merchant_id, previous, until, at, door)

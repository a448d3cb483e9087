"""Partners, their keys, and which merchants are theirs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from recoup.db.statement import DIRECTORY, HUB, MERCHANT, Read, Row, Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.scope import PartnerScope
from recoup.merchants.store.merchants import ApiKey


@frozen
class Partner:
    """`calls_per_minute`: over all its merchants' keys and its own."""

    partner_id: UUID
    name: str
    state: str
    merchants_max: int
    calls_per_minute: int
    created_at: datetime


@DIRECTORY.statement("""
SELECT partner_id, name, state, merchants_max, calls_per_minute, created_at FROM partners
  WHERE partner_id = $1
""")
async def find_partner(db: Read, partner_id: UUID) -> Partner | None: ...


@DIRECTORY.statement("""
SELECT app_key, key_id, NULL::uuid AS merchant_id, secret_hash, scopes, partner_id,
  least(revoked_at, retires_at) AS ended_at FROM partner_keys
WHERE app_key = $1
""")
async def find_partner_key(db: Read, app_key: str) -> ApiKey | None:
    """Finds a partner's key; None for an unknown one; one that has ended says so."""


@DIRECTORY.statement("""
SELECT partner_id, name, state, merchants_max, calls_per_minute, created_at FROM partners
ORDER BY created_at, partner_id LIMIT $1
""")
async def list_partners(db: Read, limit: int) -> list[Partner]: ...


@DIRECTORY.statement(
    "SELECT EXISTS (SELECT FROM partner_merchants WHERE merchant_id = $2 AND partner_id = $1)"
)
async def is_own_merchant(db: Read, partner_id: UUID, merchant_id: UUID) -> bool: ...


@frozen
class Belongs:
    """Facts that the people database keeps of a merchant."""

    name: str
    partner_id: UUID | None
    partner_name: str | None


@frozen
class EarlierMerchant:
    """A merchant that its partner made before, and by what."""

    merchant_id: UUID
    external_id: str | None
    request_key: str | None
    input_mac: bytes | None


_WHO = """
SELECT m.name, p.partner_id, p.name AS partner_name FROM merchants m
LEFT JOIN partner_merchants o ON o.merchant_id = m.merchant_id
  LEFT JOIN partners p ON p.partner_id = o.partner_id
WHERE m.merchant_id = $1
"""


@MERCHANT.statement(_WHO)
async def who_is(db: Read, merchant_id: UUID) -> Belongs | None: ...


@MERCHANT.statement(f"{_WHO} FOR UPDATE OF m")
async def lock_who_is(db: Tx, merchant_id: UUID) -> Belongs | None:
    """Reads as `who_is`, and it stays so until the transaction ends."""


@DIRECTORY.statement("""
SELECT merchant_id, external_id, request_key, input_mac FROM partner_merchants
WHERE partner_id = $1 AND (request_key = $2 OR external_id = $3)
""")
async def made_before(
    db: Read, partner_id: UUID, request_key: str | None, external_id: str | None
) -> list[EarlierMerchant]:
    """Merchants made before, by the key of the request, by the partner's own id of the merchant, or
    one by each."""


@DIRECTORY.statement("SELECT count(*) FROM partner_merchants WHERE partner_id = $1")
async def count_merchants(db: Read, partner_id: UUID) -> int: ...


class WaitingHandover(NamedTuple):
    handover_id: UUID
    expires_at: datetime


# Later ones show keys that somebody made anew, and are for whom that person gave the link.
@MERCHANT.statement("""
SELECT handover_id, expires_at FROM handovers h
WHERE merchant_id = $1 AND sealed IS NOT NULL AND expires_at > $2 AND NOT EXISTS (SELECT
  FROM handovers e
  WHERE e.merchant_id = h.merchant_id AND (e.created_at, e.handover_id) < (h.created_at,
    h.handover_id))
""")
async def waiting_handover(db: Read, merchant_id: UUID, at: datetime) -> WaitingHandover | None:
    """The one that was made with the merchant, if nobody has opened it."""


class KeysHandover(Row):
    """`sealed`: nobody has opened it."""

    handover_id: UUID
    sealed: bool
    created_at: datetime
    expires_at: datetime
    old_keys_end: datetime
    request_mac: bytes


@MERCHANT.statement("""
SELECT handover_id, sealed IS NOT NULL AS sealed, created_at, expires_at, old_keys_end, request_mac
FROM handovers
WHERE merchant_id = $1 AND request_key = $2
""")
async def handover_by_key(db: Read, merchant_id: UUID, key: str) -> KeysHandover | None:
    """Handover of the keys that were made for this Idempotency-Key."""


@DIRECTORY.statement(
    "SELECT merchant_id FROM partner_merchants WHERE partner_id = $1 AND merchant_id = "
    "ANY($2::uuid[])"
)
async def own_merchants_among(db: Read, partner_id: UUID, mids: Sequence[UUID]) -> list[UUID]: ...


@DIRECTORY.statement("SELECT partner_id FROM heard_by_partners WHERE merchant_id = $1")
async def partner_of(db: Read, merchant_id: UUID) -> UUID | None: ...


@DIRECTORY.statement("""
SELECT partner_id, name, state, merchants_max, calls_per_minute, created_at FROM partners
  WHERE partner_id = $1
FOR UPDATE
""")
async def lock_partner(db: Tx, partner_id: UUID) -> Partner | None:
    """A flow that makes a merchant or a key holds its partner: they are made one by one."""


@DIRECTORY.statement("""
INSERT INTO partner_log (log_id, partner_id, merchant_id, happening, about, actor, request_id, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
""")
async def _add_line(
    db: Tx,
    log_id: UUID,
    partner_id: UUID,
    merchant_id: UUID | None,
    happening: str,
    about: dict[str, Any],
    actor: str,
    request_id: str,
    at: datetime,
) -> None: ...


async def note(
    db: Tx,
    scope: PartnerScope,
    happening: str,
    at: datetime,
    *,
    merchant_id: UUID | None = None,
    **about: Any,
) -> None:
    """Notes a happening, in the transaction that does it."""
    await _add_line(
        db,
        new_id(),
        scope.partner_id,
        merchant_id,
        happening,
        about,
        scope.actor.text(),
        scope.request_id,
        at,
    )


@DIRECTORY.statement("""
UPDATE partners SET state = coalesce($2, state), merchants_max = coalesce($3, merchants_max),
  calls_per_minute = coalesce($4, calls_per_minute) WHERE partner_id = $1
""")
async def change_partner(
    db: Tx,
    partner_id: UUID,
    *,
    state: str | None,
    merchants_max: int | None,
    calls_per_minute: int | None,
) -> None:
    """Changes a partner; what is None stays."""


@MERCHANT.statement("""
INSERT INTO handovers (merchant_id, handover_id, sealed, created_at, expires_at, request_key,
  request_mac, old_keys_end)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
""")
async def add_handover(
    db: Tx,
    merchant_id: UUID,
    handover_id: UUID,
    sealed: bytes,
    at: datetime,
    until: datetime,
    request_key: str | None,
    request_mac: bytes | None,
    old_keys_end: datetime | None,
) -> None:
    """`request_key`: its Idempotency-Key; `request_mac`: of the request, to recognise a repeat."""


# What is shown is gone by the same statement; of two at once the second waits and finds nothing.
@MERCHANT.statement("""
WITH waiting AS (
  SELECT sealed FROM handovers
  WHERE merchant_id = $1 AND handover_id = $2 AND sealed IS NOT NULL AND expires_at > $3 FOR UPDATE
)
UPDATE handovers h SET sealed = NULL, opened_at = $3, opened_request = $4 FROM waiting w
WHERE h.merchant_id = $1 AND h.handover_id = $2 RETURNING w.sealed
""")
async def open_handover(
    db: Tx, merchant_id: UUID, handover_id: UUID, at: datetime, request_id: str
) -> bytes | None:
    """Opens what was sealed, once; None when it is unknown, was seen or is over."""


@MERCHANT.statement(
    "UPDATE handovers SET sealed = NULL WHERE sealed IS NOT NULL AND expires_at <= $1"
)
async def forget_handovers(db: Tx, now: datetime) -> None:
    """Forgets what is sealed and can be opened no more."""


@DIRECTORY.statement("""
INSERT INTO partners (partner_id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
  RETURNING true
""")
async def add_partner(db: Tx, partner_id: UUID, name: str, at: datetime) -> bool:
    """Adds a partner once; a second time it changes nothing, and says False."""


@DIRECTORY.statement("""
INSERT INTO partner_merchants (merchant_id, partner_id, external_id, request_key, input_mac,
  created_at)
VALUES ($2, $1, $3, $4, $5, $6) ON CONFLICT (merchant_id) DO NOTHING
""")
async def add_partner_merchant(
    db: Tx,
    partner_id: UUID,
    merchant_id: UUID,
    *,
    external_id: str | None = None,
    request_key: str | None = None,
    input_mac: bytes | None = None,
    wall: datetime,
) -> None: ...


@HUB.statement("SELECT coalesce(max(number), 0) FROM partner_closers")
async def highest_partners_feed(db: Read) -> int: ...


@HUB.statement("UPDATE partner_closers SET number = greatest(number, $1)")
async def skip_partners_feed(db: Tx, until: int) -> None: ...


@HUB.statement("INSERT INTO partner_closers (partner_id) VALUES ($1) ON CONFLICT DO NOTHING")
async def begin_feed(db: Tx, partner_id: UUID) -> None: ...

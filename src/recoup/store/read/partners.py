"""Partners, and whose merchant is whose."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from recoup.store.homes import DIRECTORY, MERCHANT
from recoup.store.read.merchants import ApiKey
from recoup.store.statement import Read, Row, Tx, statement


@dataclass(frozen=True, slots=True)
class Partner:
    """`calls_per_minute`: over all its merchants' keys and its own."""

    partner_id: UUID
    name: str
    state: str
    merchants_max: int
    calls_per_minute: int
    created_at: datetime


@statement(
    DIRECTORY,
    """
SELECT partner_id, name, state, merchants_max, calls_per_minute, created_at FROM partners WHERE partner_id = $1
""",
)
async def find_partner(db: Read, partner_id: UUID) -> Partner | None: ...


@statement(
    DIRECTORY,
    """
SELECT app_key, key_id, NULL::uuid AS merchant_id, secret_hash, scopes, partner_id,
  least(revoked_at, retires_at) AS ended_at FROM partner_keys
WHERE app_key = $1
""",
)
async def find_partner_key(db: Read, app_key: str) -> ApiKey | None:
    """None for an unknown key; one that has ended says so."""


@statement(
    DIRECTORY,
    """
SELECT partner_id, name, state, merchants_max, calls_per_minute, created_at FROM partners
ORDER BY created_at, partner_id LIMIT $1
""",
)
async def list_partners(db: Read, limit: int) -> list[Partner]: ...


@statement(DIRECTORY, "SELECT EXISTS (SELECT FROM partner_merchants WHERE merchant_id = $2 AND partner_id = $1)")
async def is_own_merchant(db: Read, partner_id: UUID, merchant_id: UUID) -> bool: ...


@dataclass(frozen=True, slots=True)
class Belongs:
    """What the people database keeps of a merchant."""

    name: str
    partner_id: UUID | None
    partner_name: str | None


@dataclass(frozen=True, slots=True)
class EarlierMerchant:
    """A merchant that its partner made before, and by what."""

    merchant_id: UUID
    external_id: str | None
    request_key: str | None
    input_mac: bytes | None


_WHO = """
SELECT m.name, p.partner_id, p.name AS partner_name FROM merchants m
LEFT JOIN partner_merchants o ON o.merchant_id = m.merchant_id LEFT JOIN partners p ON p.partner_id = o.partner_id
WHERE m.merchant_id = $1
"""


@statement(MERCHANT, _WHO)
async def who_is(db: Read, merchant_id: UUID) -> Belongs | None: ...


@statement(MERCHANT, f"{_WHO} FOR UPDATE OF m")
async def lock_who_is(db: Tx, merchant_id: UUID) -> Belongs | None:
    """As `who_is`, and it stays so until the transaction ends."""


@statement(
    DIRECTORY,
    """
SELECT merchant_id, external_id, request_key, input_mac FROM partner_merchants
WHERE partner_id = $1 AND (request_key = $2 OR external_id = $3)
""",
)
async def made_before(
    db: Read, partner_id: UUID, request_key: str | None, external_id: str | None
) -> list[EarlierMerchant]:
    """By the key of the request, by the partner's own id of the merchant, or one by each."""


@statement(DIRECTORY, "SELECT count(*) FROM partner_merchants WHERE partner_id = $1")
async def count_merchants(db: Read, partner_id: UUID) -> int: ...


class WaitingHandover(NamedTuple):
    handover_id: UUID
    expires_at: datetime


# Later ones show keys that somebody made anew, and are for whom that person gave the link.
@statement(
    MERCHANT,
    """
SELECT handover_id, expires_at FROM handovers h
WHERE merchant_id = $1 AND sealed IS NOT NULL AND expires_at > $2 AND NOT EXISTS (SELECT FROM handovers e
  WHERE e.merchant_id = h.merchant_id AND (e.created_at, e.handover_id) < (h.created_at, h.handover_id))
""",
)
async def waiting_handover(db: Read, merchant_id: UUID, at: datetime) -> WaitingHandover | None:
    """The one that was made with the merchant, if nobody has opened it."""


class KeysHandover(Row, frozen=True):
    """`sealed`: nobody has opened it."""

    handover_id: UUID
    sealed: bool
    created_at: datetime
    expires_at: datetime
    old_keys_end: datetime
    request_mac: bytes


@statement(
    MERCHANT,
    """
SELECT handover_id, sealed IS NOT NULL AS sealed, created_at, expires_at, old_keys_end, request_mac
FROM handovers
WHERE merchant_id = $1 AND request_key = $2
""",
)
async def handover_by_key(db: Read, merchant_id: UUID, key: str) -> KeysHandover | None:
    """Of the keys that were made for this Idempotency-Key."""


@statement(
    DIRECTORY, "SELECT merchant_id FROM partner_merchants WHERE partner_id = $1 AND merchant_id = ANY($2::uuid[])"
)
async def own_merchants_among(db: Read, partner_id: UUID, mids: Sequence[UUID]) -> list[UUID]: ...


@statement(DIRECTORY, "SELECT partner_id FROM heard_by_partners WHERE merchant_id = $1")
async def partner_of(db: Read, merchant_id: UUID) -> UUID | None: ...

"""Transmissions: one set-based insert; those that touch a rescue also leave due work."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Row, Tx, statement
from recoup.store.table import stored

# What an erasure leaves of an outcome: numbers, and whether it was declined.
WITHOUT_TEXTS: Final = """coalesce((SELECT jsonb_object_agg(key, CASE jsonb_typeof(value) WHEN 'object'
  THEN value - '{reason,id,status}'::text[] WHEN 'string' THEN '""' ELSE value END) FROM jsonb_each(%s)), '{}')"""


@stored("transmissions")
class Transmission(Row, frozen=True):
    merchant_id: UUID
    transmit_id: UUID
    external_id: str
    transaction_id: str | None
    is_declined: bool
    is_mit: bool
    units: int
    asset: str
    code_source: str | None
    code: str | None
    bin: str | None
    last4: str | None
    payer_id: UUID | None
    transacted_at: datetime | None
    received_at: datetime
    facts: dict[str, Any]


class ReportedTransmission(Transmission, frozen=True):
    """With its payer, and when it is in the merchant's time."""

    email: str
    phone: str
    name: str
    payer_external_id: str
    business_at: datetime


@statement(MERCHANT, "SELECT transmit, touches FROM add_transmissions($1)")
async def add_transmissions(db: Tx, rows: Sequence[ReportedTransmission]) -> dict[UUID, bool]:
    """By transmit id: whether it touches an order that was sent to us."""


async def update_transmission(
    db: Tx, merchant_id: UUID, transmit_id: UUID, outcome: dict[str, Any], at: datetime
) -> bool | None:
    """What became of it since: whether a success turned into a decline, or the other way. None when there is no such
    transmission. No texts are kept of a payer who was erased after it came."""
    await _lock(db, merchant_id, transmit_id)
    return await _update(db, merchant_id, transmit_id, outcome, at)


@statement(MERCHANT, "SELECT FROM transmissions WHERE merchant_id = $1 AND transmit_id = $2 FOR UPDATE")
async def _lock(db: Tx, merchant_id: UUID, transmit_id: UUID) -> None:
    """Until an erasure that holds it is through."""


# After an erasure that held the row: a later statement sees it.
@statement(
    MERCHANT,
    f"""
WITH before AS (
  SELECT t.merchant_id, t.transmit_id, coalesce((t.outcome ->> 'is_declined')::boolean, t.is_declined) AS declined,
    EXISTS (SELECT FROM payer_looks l WHERE l.merchant_id = $1 AND l.payer_id = t.payer_id
      AND l.since > t.transmit_id) AS erased
  FROM transmissions t WHERE t.merchant_id = $1 AND t.transmit_id = $2
)
UPDATE transmissions t SET updated_at = $4,
  outcome = t.outcome || CASE WHEN b.erased THEN {WITHOUT_TEXTS % "$3::jsonb"} ELSE $3::jsonb END
FROM before b WHERE t.merchant_id = b.merchant_id AND t.transmit_id = b.transmit_id
RETURNING coalesce((t.outcome ->> 'is_declined')::boolean, t.is_declined) <> b.declined AS turned
""",
)
async def _update(db: Tx, merchant_id: UUID, transmit_id: UUID, outcome: dict[str, Any], at: datetime) -> bool | None:
    """Whether it turned."""


@statement(
    MERCHANT,
    """
INSERT INTO due_work (merchant_id, kind, subject_id, due_at) VALUES ($1, 'transmission', $2, $3)
ON CONFLICT (merchant_id, kind, subject_id) DO UPDATE SET due_at = EXCLUDED.due_at, lease_until = NULL
""",
)
async def look_again(db: Tx, merchant_id: UUID, transmit_id: UUID, at: datetime) -> None:
    """At what it means for rescues."""


@statement(
    MERCHANT,
    """
DELETE FROM due_work WHERE merchant_id = $1 AND kind = 'transmission' AND subject_id = $2 AND NOT EXISTS (
  SELECT FROM transmissions WHERE merchant_id = $1 AND transmit_id = $2 AND updated_at IS DISTINCT FROM $3)
""",
)
async def looked(db: Tx, merchant_id: UUID, transmit_id: UUID, updated_at: datetime | None) -> None:
    """`updated_at` as it was read: an update since is still to be looked at."""

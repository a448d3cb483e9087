"""Transmissions: one set-based insert; those that touch a rescue also leave due work."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Tx, statement

# What an erasure leaves of an outcome: numbers, and whether it was declined.
WITHOUT_TEXTS: Final = """coalesce((SELECT jsonb_object_agg(key, CASE jsonb_typeof(value) WHEN 'object'
  THEN value - '{reason,id,status}'::text[] WHEN 'string' THEN '""' ELSE value END) FROM jsonb_each(%s)), '{}')"""


@statement(
    MERCHANT,
    """
WITH input AS MATERIALIZED (
  SELECT i.*, EXISTS (SELECT FROM order_refs f WHERE f.merchant_id = i.merchant_id AND f.door = 'rescue'
      AND f.external_id = i.external_id)
    OR (NOT i.is_declined AND EXISTS (SELECT FROM order_payer p
      WHERE p.merchant_id = i.merchant_id AND p.payer_id = i.payer_id)) AS linked
  FROM jsonb_to_recordset($1::jsonb) AS i (merchant_id uuid, transmit_id uuid, external_id text, transaction_id text,
    is_declined boolean, is_mit boolean, units bigint, asset text, code_source text, code text, bin text, last4 text,
    payer_id uuid, transacted_at timestamptz, received_at timestamptz, facts jsonb, email text, phone text, name text,
    payer_external_id text, business_at timestamptz)
  WHERE i.transmit_id = ANY (ARRAY[i.transmit_id])  -- true; see `changes._FEW`
), kept AS (
  INSERT INTO transmissions (merchant_id, transmit_id, external_id, transaction_id, is_declined, is_mit, units, asset,
    code_source, code, bin, last4, payer_id, transacted_at, received_at, facts)
  SELECT merchant_id, transmit_id, external_id, transaction_id, is_declined, is_mit, units, asset, code_source, code,
    bin, last4, payer_id, transacted_at, received_at, facts
  FROM input
  ON CONFLICT DO NOTHING RETURNING transmit_id
), payer AS (
  INSERT INTO payers (merchant_id, payer_id, email, phone, name, external_id, first_seen_at)
  SELECT DISTINCT ON (merchant_id, payer_id) merchant_id, payer_id, email, phone, name, payer_external_id, business_at
  FROM input WHERE payer_id IS NOT NULL ORDER BY merchant_id, payer_id
  ON CONFLICT DO NOTHING
), due AS (
  INSERT INTO due_work (merchant_id, kind, subject_id, due_at)
  SELECT merchant_id, 'transmission', transmit_id, business_at FROM input JOIN kept USING (transmit_id) WHERE linked
)
SELECT transmit_id, linked FROM input
""",
)
async def add_transmissions(db: Tx, rows: Sequence[dict[str, Any]]) -> dict[UUID, bool]:
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
    """`updated_at` as it was read: what was told of it since is still to be looked at."""

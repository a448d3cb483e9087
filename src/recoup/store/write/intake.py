"""The coalesced admission of orders: one set-based statement, inserts only."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

# Writes nothing for a row whose key or order id is known, whose token is unknown (stablecoin orders have none), or
# whose merchant has changed since it was read: those get no line in the answer and take the slow way. When another
# batch wins a race between the two uniqueness checks, 1/0 undoes the statement, so that a key never stands without its
# order. Of one that is `decided` later in the same transaction, head and due work are written with what was decided.
_ADMIT = """
WITH input AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS i (
    merchant_id uuid, merchant_version int, order_id uuid, key text, input_mac bytea, answer jsonb, door text,
    kind text, order_type text, source text, external_id text, generation int, site_id uuid, campaign_id uuid,
    descriptor text, asset text, units bigint, amount_text text, token_id uuid, transaction_id text,
    placed_at timestamptz, expires_at timestamptz, facts jsonb, actor text, request_id text, recorded_at timestamptz,
    event_id uuid, event jsonb, due_at timestamptz, payer_id uuid, first_name text, last_name text, email text,
    phone text, ip text,
    billing jsonb, shipping jsonb, payer_external_id text, search text, stage text, happening text, status smallint,
    operation text, subject_kind text, due_kind text, attempt_id uuid, channel text,
    decided boolean, arm text, arm_version int)
  WHERE i.order_id = ANY (ARRAY[i.order_id])  -- true; see `changes._FEW`
), fresh AS MATERIALIZED (
  SELECT i.*, v.pan_id, v.last4, v.scheme, v.bin,
    CASE WHEN v.magic IS NOT NULL THEN md5(i.order_id::text || v.pan_id::text)::uuid ELSE v.pan_id END AS card_id
  FROM input i
  JOIN merchants m ON m.merchant_id = i.merchant_id AND m.version = i.merchant_version
  LEFT JOIN vault v ON v.merchant_id = i.merchant_id AND v.token_id = i.token_id
  WHERE (v.token_id IS NOT NULL OR i.kind = 'stable')
    AND NOT EXISTS (SELECT FROM requests r
      WHERE r.merchant_id = i.merchant_id AND r.operation = i.operation AND r.key = i.key)
    AND NOT EXISTS (SELECT FROM order_refs f WHERE f.merchant_id = i.merchant_id AND f.door = i.door
      AND f.external_id = i.external_id AND f.generation >= i.generation)
), gate AS (
  INSERT INTO requests (merchant_id, operation, key, input_mac, subject_id, state, answer, created_at)
  SELECT merchant_id, operation, key, input_mac, order_id, 'answered', answer, recorded_at
  FROM fresh
  ORDER BY merchant_id, key
  ON CONFLICT DO NOTHING RETURNING merchant_id, key
), refs AS (
  INSERT INTO order_refs (merchant_id, door, external_id, generation, order_id)
  SELECT f.merchant_id, f.door, f.external_id, f.generation, f.order_id FROM fresh f JOIN gate USING (merchant_id, key)
  ORDER BY 1, 2, 3
  ON CONFLICT DO NOTHING RETURNING merchant_id, order_id
), admitted AS MATERIALIZED (
  SELECT f.* FROM fresh f JOIN refs USING (merchant_id, order_id)
), log AS (
  INSERT INTO order_log (merchant_id, order_id, seq, happening, src, dst, body, actor, request_id, business_at,
    recorded_at)
  SELECT merchant_id, order_id, 1, happening, 'new', stage, '{}', actor, request_id, placed_at, recorded_at
  FROM admitted
), ord AS (
  INSERT INTO orders (merchant_id, order_id, stage, version, door, kind, external_id, generation, site_id,
    campaign_id, descriptor, asset, units, amount_text, token_id, card_id, pan_id, transaction_id, placed_at,
    expires_at, facts, arm, arm_version)
  SELECT merchant_id, order_id, stage, 1, door, kind, external_id, generation, site_id, campaign_id, descriptor, asset,
    units, amount_text, token_id, card_id, pan_id, transaction_id, placed_at, expires_at, facts,
    arm, arm_version
  FROM admitted
), head AS (
  INSERT INTO order_heads (merchant_id, order_id, placed_at, created_at, status, order_type, source, door, site_id,
    asset, units, expires_at, descriptor, campaign_id, decline_code, decline_source, card_scheme, card_bin)
  SELECT merchant_id, order_id, placed_at, CASE WHEN status <> 0 THEN placed_at END, status, order_type, source, door,
    site_id, asset, units, expires_at, descriptor, campaign_id, coalesce(facts -> 'decline' ->> 'code', ''),
    lower(coalesce(facts -> 'decline' ->> 'source', '')), coalesce(scheme, ''), coalesce(bin, '')
  FROM admitted WHERE decided IS NOT TRUE
), payer AS (
  INSERT INTO payers (merchant_id, payer_id, email, phone, name, external_id, first_seen_at)
  SELECT DISTINCT ON (merchant_id, payer_id) merchant_id, payer_id, email, phone, trim(first_name || ' ' || last_name),
    payer_external_id, placed_at
  FROM admitted WHERE payer_id IS NOT NULL ORDER BY merchant_id, payer_id
  ON CONFLICT DO NOTHING
), person AS (
  INSERT INTO order_payer (merchant_id, order_id, payer_id, first_name, last_name, email, phone, ip, billing, shipping)
  SELECT merchant_id, order_id, payer_id, first_name, last_name, email, phone, ip, billing, shipping FROM admitted
), search AS (
  INSERT INTO order_search (merchant_id, order_id, placed_at, text)
  SELECT merchant_id, order_id, placed_at, concat_ws(' ', search, last4) FROM admitted
), told AS (
  INSERT INTO outbox (merchant_id, subject_id, seq, subject_kind, event_id, event, body, business_at, recorded_at)
  SELECT merchant_id, order_id, 1, subject_kind, event_id, 'order.submitted', event, placed_at,
    recorded_at
  FROM admitted
), due AS (
  INSERT INTO due_work (merchant_id, kind, subject_id, due_at)
  SELECT merchant_id, due_kind, order_id, due_at FROM admitted WHERE decided IS NOT TRUE
), payment AS (  -- what a stablecoin order waits for
  INSERT INTO attempts (merchant_id, attempt_id, order_id, attempt_no, state, ladder, due_at, route, units, asset,
    initiator)
  SELECT merchant_id, attempt_id, order_id, 1, 'planned', 'payment', placed_at, channel, units, asset, 'payer'
  FROM admitted WHERE attempt_id IS NOT NULL
), paid AS (  -- a later success of the same payment that was transmitted first
  INSERT INTO due_work (merchant_id, kind, subject_id, due_at)
  SELECT a.merchant_id, 'transmission', t.transmit_id, a.placed_at
  FROM admitted a JOIN transmissions t ON t.merchant_id = a.merchant_id AND t.external_id = a.external_id
  WHERE t.transmit_id >= $2 AND NOT coalesce((t.outcome ->> 'is_declined')::boolean, t.is_declined)
    AND t.transacted_at > (a.facts -> 'decline' ->> 'at')::timestamptz
  ON CONFLICT DO NOTHING
)
SELECT a.order_id, a.card_id, a.pan_id, a.scheme, a.bin, w.whole
FROM (SELECT 1 / ((SELECT count(*) FROM gate) = (SELECT count(*) FROM refs))::int AS whole) w
LEFT JOIN admitted a ON w.whole = 1
"""


class Raced(Exception):
    """Another call took one of the keys or order ids in between; nothing was written."""


async def admit(
    connection: asyncpg.Connection, rows: Sequence[dict[str, Any]], recent: UUID
) -> dict[UUID, Mapping[str, Any]]:
    """Admits what is new; answers the orders that now exist, by id, each with its card.

    Transmissions from the id `recent` on are looked at for a success that came before its decline.

    Raises: Raced, with nothing written, when a race makes the set undecidable.
    """
    try:
        made = await connection.fetch(_ADMIT, rows, recent)
    except asyncpg.DivisionByZeroError:
        raise Raced from None
    return {row["order_id"]: row for row in made if row["order_id"] is not None}

"""Erasure of a person's data, in parts: beside their orders, what is searched by, and last who they are."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

# What remains to be searched by are references. Orders in the order of their ids; one part after the other.
_PART: Final = """
WITH part AS MATERIALIZED (
  SELECT p.merchant_id, p.order_id FROM order_payer p
  WHERE p.merchant_id = $1 AND p.payer_id = $2 AND p.order_id > $3 ORDER BY p.order_id LIMIT $4
), person AS (
  UPDATE order_payer p SET first_name = '', last_name = '', email = '', phone = '', ip = '', billing = NULL,
    shipping = NULL
  FROM part WHERE p.merchant_id = part.merchant_id AND p.order_id = part.order_id
), notes AS (
  UPDATE order_notes n SET text = '' FROM part
  WHERE n.merchant_id = part.merchant_id AND n.order_id = part.order_id AND n.text <> ''
), search AS (
  UPDATE order_search s SET text = lower(concat_ws(' ', nullif(o.external_id, ''), nullif(o.transaction_id, ''),
    nullif(o.facts ->> 'subject', ''), v.last4))
  FROM part JOIN orders o ON o.merchant_id = part.merchant_id AND o.order_id = part.order_id
  LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
  WHERE s.merchant_id = part.merchant_id AND s.order_id = part.order_id
)
SELECT count(*) AS orders, max(order_id::text)::uuid AS last FROM part
"""
_PAYER: Final = """
UPDATE payers SET email = NULL, phone = NULL, name = NULL, external_id = NULL WHERE merchant_id = $1 AND payer_id = $2
"""
_NOTE: Final = """
INSERT INTO person_log (merchant_id, line_id, payer_id, what, orders, actor, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def erase_part(
    connection: asyncpg.Connection, merchant_id: UUID, payer_id: UUID, after: UUID, limit: int
) -> tuple[int, UUID | None]:
    """How many orders' data went, and the last of them."""
    row = await connection.fetchrow(_PART, merchant_id, payer_id, after, limit)
    return row["orders"], row["last"]


async def erase_payer(connection: asyncpg.Connection, merchant_id: UUID, payer_id: UUID) -> None:
    """The row stays, for its id stands in what is never changed; nothing in it names anybody."""
    await connection.execute(_PAYER, merchant_id, payer_id)


async def note_person(
    connection: asyncpg.Connection, merchant_id: UUID, line_id: UUID, payer_id: UUID, what: str, orders: int,
    actor: str, at: datetime,
) -> None:  # fmt: skip
    await connection.execute(_NOTE, merchant_id, line_id, payer_id, what, orders, actor, at)

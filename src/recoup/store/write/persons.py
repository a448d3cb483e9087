"""Erasure of a person's data, in parts: beside their orders, what is searched by, and last who they are."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Row, Tx, statement
from recoup.store.write.transmissions import WITHOUT_TEXTS


class OrderPerson(Row, frozen=True):
    """Who the payer of an order is."""

    order_id: UUID
    first_name: str
    last_name: str
    email: str
    phone: str


# In the order of their ids. What is being written beside an order or a dispute waits for their rows or is waited for:
# a later statement sees it.
@statement(
    MERCHANT,
    """
SELECT p.order_id, p.first_name, p.last_name, p.email, p.phone
FROM order_payer p JOIN orders o USING (merchant_id, order_id)
WHERE p.merchant_id = $1 AND p.payer_id = $2 AND p.order_id > $3 ORDER BY p.order_id LIMIT $4 FOR UPDATE OF o
""",
)
async def _lock_orders(db: Tx, merchant_id: UUID, payer_id: UUID, after: UUID, limit: int) -> list[OrderPerson]: ...


@statement(
    MERCHANT,
    "SELECT FROM disputes WHERE merchant_id = $1 AND order_id = ANY($2::uuid[]) ORDER BY dispute_id FOR UPDATE",
)
async def _lock_disputes(db: Tx, merchant_id: UUID, order_ids: Sequence[UUID]) -> None: ...


async def lock_part(db: Tx, merchant_id: UUID, payer_id: UUID, after: UUID, limit: int) -> list[OrderPerson]:
    """Their next orders, and who they are there, until the transaction ends."""
    rows = await _lock_orders(db, merchant_id, payer_id, after, limit)
    await _lock_disputes(db, merchant_id, [row.order_id for row in rows])
    return rows


# Everything in words that stands beside these orders. What remains to be searched by are references.
@statement(
    MERCHANT,
    """
WITH person AS (
  UPDATE order_payer SET first_name = '', last_name = '', email = '', phone = '', ip = '', billing = NULL,
    shipping = NULL
  WHERE merchant_id = $1 AND order_id = ANY($2::uuid[])
), sent AS (
  UPDATE orders SET metadata = '{}',
    facts = facts - '{subject,description,metadata,return_url,cancel_url,sense_key,correlation_id}'::text[]
      || CASE WHEN facts #> '{decline,text}' IS NULL THEN '{}'
        ELSE jsonb_build_object('decline', facts -> 'decline' || '{"text": ""}') END || CASE WHEN facts ? 'items'
      THEN jsonb_build_object('items', (SELECT jsonb_agg(item - '{name,description}'::text[] ORDER BY n)
        FROM jsonb_array_elements(facts -> 'items') WITH ORDINALITY AS i (item, n))) ELSE '{}' END
  WHERE merchant_id = $1 AND order_id = ANY($2::uuid[])
), notes AS (
  UPDATE order_notes SET text = '' WHERE merchant_id = $1 AND order_id = ANY($2::uuid[]) AND text <> ''
), words AS (
  UPDATE order_words SET text = '' WHERE merchant_id = $1 AND order_id = ANY($2::uuid[]) AND text <> ''
), refunded AS (
  UPDATE refunds SET message = '', hand_note = left(hand_note, 0)
  WHERE merchant_id = $1 AND order_id = ANY($2::uuid[]) AND (message <> '' OR hand_note <> '')
), asked AS (
  UPDATE refund_requests SET message = '', reason = ''
  WHERE merchant_id = $1 AND order_id = ANY($2::uuid[]) AND (message <> '' OR reason <> '')
), evidence AS (
  UPDATE dispute_notes n SET text = '' FROM disputes d
  WHERE d.merchant_id = $1 AND d.order_id = ANY($2::uuid[])
    AND n.merchant_id = d.merchant_id AND n.dispute_id = d.dispute_id AND n.text <> ''
), files AS (
  UPDATE dispute_files n SET name = '', sha256 = '', sealed = NULL FROM disputes d
  WHERE d.merchant_id = $1 AND d.order_id = ANY($2::uuid[])
    AND n.merchant_id = d.merchant_id AND n.dispute_id = d.dispute_id AND n.sealed IS NOT NULL
), booked AS (
  UPDATE reconciliation_lines SET note = '' WHERE merchant_id = $1 AND order_id = ANY($2::uuid[]) AND note <> ''
), heard AS (
  UPDATE delivery_tries SET answer = '' WHERE merchant_id = $1 AND subject_id = ANY($2::uuid[]) AND answer <> ''
)
UPDATE order_search s SET text = lower(concat_ws(' ', nullif(o.external_id, ''), nullif(o.transaction_id, ''), v.last4))
FROM orders o LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
WHERE o.merchant_id = $1 AND o.order_id = ANY($2::uuid[])
  AND s.merchant_id = o.merchant_id AND s.order_id = o.order_id
""",
)
async def erase_part(db: Tx, merchant_id: UUID, order_ids: Sequence[UUID]) -> None:
    """Of orders that are locked."""


# Subscriptions go on under their ids and amounts. Of what was told of a transaction, and later about it, texts go. When
# they paid is known of what comes from now on.
@statement(
    MERCHANT,
    f"""
WITH subscribed AS (
  UPDATE subscriptions SET title = '', facts = '{{}}' WHERE merchant_id = $1 AND customer_id = $2
), looks AS (
  INSERT INTO payer_looks (merchant_id, payer_id, since) VALUES ($1, $2, $3)
  ON CONFLICT (merchant_id, payer_id) DO UPDATE SET at = '{{}}', answers = '{{}}', tries = '{{}}', orders = '{{}}',
    since = EXCLUDED.since
), told AS (
  UPDATE transmissions SET facts = facts - '{{source,type,processor,site_url,subscription}}'::text[],
    outcome = {WITHOUT_TEXTS % "outcome"}
  WHERE merchant_id = $1 AND payer_id = $2
)
UPDATE payers SET email = NULL, phone = NULL, name = NULL, external_id = NULL WHERE merchant_id = $1 AND payer_id = $2
""",
)
async def erase_payer(db: Tx, merchant_id: UUID, payer_id: UUID, since: UUID) -> None:
    """The row stays, for its id stands in what is never changed; nothing in it names anybody. What came before the id
    `since` is not counted for them any more."""


@statement(
    MERCHANT,
    """
INSERT INTO person_log (merchant_id, line_id, payer_id, what, orders, actor, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
""",
)
async def note_person(
    db: Tx, merchant_id: UUID, line_id: UUID, payer_id: UUID, what: str, orders: int, actor: str, at: datetime
) -> None: ...

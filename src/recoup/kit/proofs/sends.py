"""The sends that the network limits count: none without a cause, and the decline that came in
counted once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from recoup.db.statement import HUB, MERCHANT, Read, Row, columns_of
from recoup.kernel.ids import HIGHEST, LOWEST
from recoup.kit.proofs.walk import (
    STATEMENT_SECONDS,
    Difference,
    Differs,
    DiffersAt,
    Window,
    differences,
    not_archived,
    of_cell,
)

SENDS_MAX: Final = 5000


class CardSend(Row):
    """`imported`: out of a file of past attempts."""

    card_id: UUID
    send_id: UUID
    merchant_id: UUID
    order_id: UUID
    units: int
    currency: str
    at: datetime
    state: str
    declined: bool | None
    claimed: bool
    imported: bool


# Columns of theirs that proofs look at, of rows that come as JSON.
SENDS: Final = """jsonb_to_recordset({}) AS s (card_id uuid, send_id uuid, merchant_id uuid,
  order_id uuid,
  at timestamptz, state text, declined boolean, units bigint, currency text, claimed boolean)"""


async def decline_that_came_in(db: Read, window: Window) -> list[Difference]:
    cards = await _cards(db, *window)
    sends = await _sends_of(
        db, window.merchant_id, [card.order_id for card in cards], [card.card_id for card in cards]
    )
    given = [send.order_id for send in sends], [send.send_id for send in sends]
    return await differences(db, _came_in, window.merchant_id, *window, *given)


class _OrderCard(Row, frozen=True):
    order_id: UUID
    card_id: UUID


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT DISTINCT o.order_id, c.card_id FROM orders o
CROSS JOIN LATERAL unnest(o.card_id || o.cards_before) AS c (card_id)
WHERE o.merchant_id = $1 AND o.order_id > $2 AND o.order_id <= $3 AND o.kind <> 'stable'
  AND c.card_id IS NOT NULL
""")
async def _cards(db: Read, merchant_id: UUID, after: UUID, until: UUID) -> list[_OrderCard]: ...


class _OrderSend(Row, frozen=True):
    order_id: UUID
    send_id: UUID


@HUB.within(STATEMENT_SECONDS).statement("""
SELECT s.order_id, s.send_id FROM unnest($2::uuid[], $3::uuid[]) AS k (order_id, card_id)
JOIN network_sends s ON s.card_id = k.card_id AND s.order_id = k.order_id WHERE s.merchant_id = $1
""")
async def _sends_of(
    db: Read, merchant_id: UUID, orders: Sequence[UUID], cards: Sequence[UUID]
) -> list[_OrderSend]: ...


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT o.order_id, 'network sends of the decline that came in' AS field, v.expected::text,
  v.found::text
FROM orders o
LEFT JOIN (
  SELECT s.order_id, count(*)::int AS sends FROM unnest($4::uuid[], $5::uuid[]) AS s (order_id,
    send_id)
  WHERE NOT EXISTS (SELECT FROM attempts a WHERE a.merchant_id = $1 AND a.attempt_id = s.send_id)
    AND NOT EXISTS (SELECT FROM transmissions t WHERE t.merchant_id = $1
      AND t.transmit_id = s.send_id)
  GROUP BY 1
) s ON s.order_id = o.order_id
CROSS JOIN LATERAL (
  SELECT EXISTS (SELECT FROM order_log l WHERE l.merchant_id = o.merchant_id
    AND l.order_id = o.order_id
      AND l.decision_id IS NOT NULL)::int AS expected, coalesce(s.sends, 0) AS found
) v
WHERE o.merchant_id = $1 AND o.order_id > $2 AND o.order_id <= $3 AND o.kind <> 'stable'
  AND v.expected <> v.found
ORDER BY o.order_id LIMIT 1000
""")
async def _came_in(
    db: Read,
    merchant_id: UUID,
    after: UUID,
    until: UUID,
    orders: Sequence[UUID],
    sends: Sequence[UUID],
) -> list[Differs]: ...


class Send(NamedTuple):
    card_id: UUID
    send_id: UUID


FIRST: Final = Send(LOWEST, LOWEST)
_END: Final = Send(HIGHEST, HIGHEST)


async def sends_of_nothing(
    db: Read, merchant_id: UUID | None, kept_since: datetime, cell: int, after: Send
) -> tuple[list[Difference], Send | None]:
    """Proves the next sends over all cards, in the order of their ids; the last of them, None
    behind all. With a merchant only its sends are judged, else those of a cell's. `kept_since`:
    attempts of earlier imports are forgotten."""
    until = await _behind(db, *after, SENDS_MAX - 1)
    sends = await _between(db, *after, *(until or _END), merchant_id, cell)
    findings = await differences(
        db, _of_sends, merchant_id, [send for send in sends if not send.imported]
    )
    imported = [send for send in sends if send.imported]
    if imported:
        findings += await differences(db, _of_imported, merchant_id, imported, kept_since)
    return findings, until


@HUB.within(STATEMENT_SECONDS).statement("""
SELECT card_id, send_id FROM network_sends WHERE (card_id, send_id) > ($1, $2)
ORDER BY card_id, send_id OFFSET $3 LIMIT 1
""")
async def _behind(db: Read, card_id: UUID, send_id: UUID, sends: int) -> Send | None:
    """The send behind so many."""


@HUB.within(STATEMENT_SECONDS).statement(f"""
SELECT {columns_of(CardSend)}
FROM network_sends
WHERE (card_id, send_id) > ($1, $2) AND (card_id, send_id) <= ($3, $4) AND ($5::uuid IS NULL
  OR merchant_id = $5) AND {of_cell("network_sends", "$6")}
""")
async def _between(
    db: Read,
    card_id: UUID,
    send_id: UUID,
    last_card_id: UUID,
    last_send_id: UUID,
    merchant_id: UUID | None,
    cell: int,
) -> list[CardSend]: ...


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT s.merchant_id, s.order_id, v.field || ' of network send ' || s.send_id AS field, v.expected,
  v.found
FROM {SENDS.format("$1")}
LEFT JOIN orders o ON o.merchant_id = s.merchant_id AND o.order_id = s.order_id
LEFT JOIN attempts a ON a.merchant_id = s.merchant_id AND a.attempt_id = s.send_id
LEFT JOIN transmissions t ON t.merchant_id = s.merchant_id AND t.transmit_id = s.send_id
CROSS JOIN LATERAL (VALUES
  (1, 'order', s.order_id::text, o.order_id::text),
  (2, 'card', CASE WHEN s.card_id = ANY(o.cards_before) THEN s.card_id
    ELSE o.card_id END::text, s.card_id::text),
  (3, 'attempt', coalesce(a.order_id, o.order_id)::text, o.order_id::text),
  (4, 'cause', 'attempt, transmission or the decline that came in', CASE
    WHEN a.attempt_id IS NOT NULL
      OR t.transmit_id IS NOT NULL OR (s.state = 'sent' AND s.declined AND s.at <= o.placed_at)
      THEN 'attempt, transmission or the decline that came in' ELSE 'none' END),
  (5, 'units', CASE WHEN t.transmit_id IS NULL THEN coalesce(
      CASE WHEN s.units > a.units THEN (SELECT max(l.body ->> 'requested') FROM order_log l
        WHERE l.merchant_id = a.merchant_id AND l.order_id = a.order_id
          AND l.fact_id = a.attempt_id) END,
      coalesce(a.units, o.units)::text) || ' ' || o.asset END,
    CASE WHEN t.transmit_id IS NULL THEN s.units::text || ' ' || s.currency END),
  (6, 'claim', CASE WHEN a.attempt_id IS NOT NULL THEN 'false' END,
    CASE WHEN a.attempt_id IS NOT NULL THEN s.claimed::text END)
) v (no, field, expected, found)
WHERE v.expected IS DISTINCT FROM v.found AND {not_archived("s")}
ORDER BY s.card_id, s.send_id, v.no LIMIT 1000
""")
async def _of_sends(db: Read, sends: Sequence[CardSend]) -> list[DiffersAt]: ...


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT s.merchant_id, NULL::uuid AS order_id, v.field || ' of network send ' || s.send_id AS field,
  v.expected, v.found
FROM {SENDS.format("$1")}
LEFT JOIN imports i ON i.merchant_id = s.merchant_id AND i.import_id = s.order_id
LEFT JOIN imported_attempts a ON a.merchant_id = s.merchant_id AND a.send_id = s.send_id
CROSS JOIN LATERAL (VALUES
  (1, 'import', s.order_id::text, i.import_id::text),
  (2, 'cause', 'imported attempt', CASE WHEN a.send_id IS NOT NULL
    OR i.received_at < $2 THEN 'imported attempt'
    ELSE 'none' END),
  (3, 'card', coalesce(a.card_id, s.card_id)::text, s.card_id::text),
  (4, 'units', coalesce(a.units || ' ' || a.asset, s.units || ' ' || s.currency),
    s.units || ' ' || s.currency),
  (5, 'claim', 'true', s.claimed::text)
) v (no, field, expected, found)
WHERE v.expected IS DISTINCT FROM v.found
ORDER BY s.card_id, s.send_id, v.no LIMIT 1000
""")
async def _of_imported(
    db: Read, sends: Sequence[CardSend], kept_since: datetime
) -> list[DiffersAt]: ...


@HUB.within(STATEMENT_SECONDS).statement(f"""
SELECT {columns_of(CardSend, "s")}
FROM unnest($1::uuid[], $2::uuid[]) AS k (card_id, send_id)
JOIN network_sends s ON s.card_id = k.card_id AND s.send_id = k.send_id
""")
async def find_sends(db: Read, cards: Sequence[UUID], sends: Sequence[UUID]) -> list[CardSend]:
    """Sends of these pairs."""

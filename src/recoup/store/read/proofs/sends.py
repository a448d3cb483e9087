"""The sends that the network limits count: none without a cause, and the decline that came in counted once."""

from typing import Final, NamedTuple
from uuid import UUID

from recoup.kernel.ids import LOWEST
from recoup.store.homes import HUB
from recoup.store.read.proofs.walk import STATEMENT_SECONDS, Difference, DiffersAt, Window, differences, over_homes
from recoup.store.statement import Read, statement

SENDS_MAX: Final = 5000
_CAME_IN: Final = over_homes("""
SELECT o.order_id, 'network sends of the decline that came in' AS field, v.expected::text, v.found::text
FROM orders o
CROSS JOIN LATERAL (
  SELECT EXISTS (SELECT FROM order_log l WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id
      AND l.decision_id IS NOT NULL)::int AS expected,
    (SELECT count(*) FROM network_sends s WHERE s.card_id = ANY(o.card_id || o.cards_before)
      AND s.merchant_id = o.merchant_id AND s.order_id = o.order_id
      AND NOT EXISTS (SELECT FROM attempts a WHERE a.merchant_id = s.merchant_id AND a.attempt_id = s.send_id)
      AND NOT EXISTS (SELECT FROM transmissions t WHERE t.merchant_id = s.merchant_id AND t.transmit_id = s.send_id)
    )::int AS found
) v
WHERE o.merchant_id = $1 AND o.order_id > $2 AND o.order_id <= $3 AND o.kind <> 'stable' AND v.expected <> v.found
ORDER BY o.order_id LIMIT 1000
""")
_OF_SEND: Final = over_homes(
    """
SELECT s.merchant_id, s.order_id, v.field || ' of network send ' || s.send_id AS field, v.expected, v.found
FROM network_sends s
LEFT JOIN orders o ON o.merchant_id = s.merchant_id AND o.order_id = s.order_id
LEFT JOIN attempts a ON a.merchant_id = s.merchant_id AND a.attempt_id = s.send_id
LEFT JOIN transmissions t ON t.merchant_id = s.merchant_id AND t.transmit_id = s.send_id
CROSS JOIN LATERAL (VALUES
  (1, 'order', s.order_id::text, o.order_id::text),
  (2, 'card', CASE WHEN s.card_id = ANY(o.cards_before) THEN s.card_id ELSE o.card_id END::text, s.card_id::text),
  (3, 'attempt', coalesce(a.order_id, o.order_id)::text, o.order_id::text),
  (4, 'cause', 'attempt, transmission or the decline that came in', CASE WHEN a.attempt_id IS NOT NULL
      OR t.transmit_id IS NOT NULL OR (s.state = 'sent' AND s.declined AND s.at <= o.placed_at)
      THEN 'attempt, transmission or the decline that came in' ELSE 'none' END),
  (5, 'units', CASE WHEN t.transmit_id IS NULL THEN coalesce(a.units, o.units)::text || ' ' || o.asset END,
    CASE WHEN t.transmit_id IS NULL THEN s.units::text || ' ' || s.currency END),
  (6, 'claim', CASE WHEN a.attempt_id IS NOT NULL THEN 'false' END,
    CASE WHEN a.attempt_id IS NOT NULL THEN s.claimed::text END)
) v (no, field, expected, found)
WHERE (s.card_id, s.send_id) > ($1, $2) AND (s.card_id, s.send_id) <= ($3, $4)
  AND ($5::uuid IS NULL OR s.merchant_id = $5) AND v.expected IS DISTINCT FROM v.found
ORDER BY s.card_id, s.send_id, v.no LIMIT 1000
""",
    DiffersAt,
)


async def decline_that_came_in(db: Read, window: Window) -> list[Difference]:
    return await differences(db, _CAME_IN, window.merchant_id, *window)


async def sends_of_nothing(db: Read, merchant_id: UUID | None) -> list[Difference]:
    """Over all cards, in the order of their ids; with a merchant only its sends are judged."""
    found: list[Difference] = []
    last, after = await _last(db), Send(LOWEST, LOWEST)
    while last is not None and after < last:
        until = await _behind(db, *after, SENDS_MAX - 1) or last
        found += await differences(db, _OF_SEND, merchant_id, *after, *until, merchant_id)
        after = until
    return found


class Send(NamedTuple):
    card_id: UUID
    send_id: UUID


@statement(
    HUB,
    """
SELECT card_id, send_id FROM network_sends WHERE (card_id, send_id) > ($1, $2)
ORDER BY card_id, send_id OFFSET $3 LIMIT 1
""",
    seconds=STATEMENT_SECONDS,
)
async def _behind(db: Read, card_id: UUID, send_id: UUID, sends: int) -> Send | None:
    """So many sends."""


@statement(
    HUB,
    """
SELECT card_id, send_id FROM network_sends ORDER BY card_id DESC, send_id DESC LIMIT 1
""",
    seconds=STATEMENT_SECONDS,
)
async def _last(db: Read) -> Send | None:
    """Of all."""

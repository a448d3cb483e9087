"""The sends of an order's card, over all merchants, as the networks count them. Whose they were is for counting."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from recoup.store.read.evidence import CLAIMS_READ, SENDS_READ

_SENDS: Final = f"""
SELECT m.region, m.acceptor_id AS own_acceptor_id, v.scheme AS card_scheme, s.at, s.units, s.currency, s.initiator,
  s.acceptor_id, s.merchant_id, s.state, s.declined, s.visa_category, s.advice_code, s.scheme_code, s.klass,
  s.claimed
FROM orders o JOIN merchants m ON m.merchant_id = o.merchant_id
JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
LEFT JOIN LATERAL (
  (SELECT * FROM network_sends WHERE card_id = o.card_id AND NOT claimed AND state <> 'not_sent' AND at > $3
    ORDER BY at DESC LIMIT {SENDS_READ})
  UNION ALL (SELECT * FROM network_sends WHERE card_id = o.card_id AND claimed AND merchant_id = o.merchant_id
    AND state <> 'not_sent' AND at > $3 ORDER BY at DESC LIMIT {CLAIMS_READ})) s ON true
WHERE o.merchant_id = $1 AND o.order_id = $2
"""


async def card_sends(
    connection: asyncpg.Connection, merchant_id: UUID, order_id: UUID, since: datetime
) -> list[asyncpg.Record]:
    """None for an order without a card; one row without a send when there was none since."""
    return await connection.fetch(_SENDS, merchant_id, order_id, since)  # type: ignore[no-any-return]

"""Customers as a list: who came last stands first, each with how many orders they have and the newest of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from recoup.kernel.ids import HIGHEST
from recoup.rules.merchants.personal import person

COUNTED_MAX: Final = 1_000  # orders of one customer
CAP: Final = 10_001

# Who they are is what came with their newest order, else with what made them known.
_DRESS: Final = f"""
SELECT p.payer_id, p.first_seen_at,
  coalesce(nullif(trim(n.first_name || ' ' || n.last_name), ''), p.name, '') AS name,
  coalesce(nullif(n.email, ''), p.email, '') AS email, p.external_id,
  (SELECT count(*)::int FROM (SELECT FROM order_payer c WHERE c.merchant_id = p.merchant_id AND c.payer_id = p.payer_id
    LIMIT {COUNTED_MAX + 1}) AS few) AS orders,
  n.order_id, o.external_id AS order_reference, o.placed_at
FROM ({{page}}) AS p
LEFT JOIN LATERAL (SELECT * FROM order_payer l WHERE l.merchant_id = p.merchant_id AND l.payer_id = p.payer_id
  ORDER BY l.order_id DESC LIMIT 1) AS n ON true
LEFT JOIN orders o ON o.merchant_id = n.merchant_id AND o.order_id = n.order_id
ORDER BY p.first_seen_at DESC, p.payer_id DESC
"""
LIST: Final = _DRESS.format(page="""SELECT * FROM payers WHERE merchant_id = $1 AND (first_seen_at, payer_id) < ($2, $3)
  ORDER BY first_seen_at DESC, payer_id DESC LIMIT $4""")
_THESE: Final = _DRESS.format(page="SELECT * FROM payers WHERE merchant_id = $1 AND payer_id = ANY($2)")
_OF_ORDERS: Final = """
SELECT DISTINCT payer_id FROM order_payer WHERE merchant_id = $1 AND order_id = ANY($2) AND payer_id IS NOT NULL
"""
_COUNT: Final = "SELECT count(*) FROM (SELECT FROM payers WHERE merchant_id = $1 LIMIT $2) AS few"


class Place(NamedTuple):
    """In the list: what comes next is older."""

    first_seen_at: datetime
    payer_id: UUID


BEGIN: Final = Place(datetime(9999, 1, 1, tzinfo=UTC), HIGHEST)


async def list_customers(
    connection: asyncpg.Connection, merchant_id: UUID, after: Place, limit: int, *, clear: bool
) -> list[dict[str, Any]]:
    """Masked unless `clear`."""
    return _seen(await connection.fetch(LIST, merchant_id, *after, limit), clear=clear)


async def these_customers(
    connection: asyncpg.Connection, merchant_id: UUID, payer_ids: Sequence[UUID], *, clear: bool
) -> list[dict[str, Any]]:
    """In the order of the list, and as it shows them."""
    return _seen(await connection.fetch(_THESE, merchant_id, payer_ids), clear=clear)


async def customers_of(connection: asyncpg.Connection, merchant_id: UUID, order_ids: Sequence[UUID]) -> set[UUID]:
    return {row["payer_id"] for row in await connection.fetch(_OF_ORDERS, merchant_id, order_ids)}


async def count_customers(connection: asyncpg.Connection, merchant_id: UUID) -> tuple[int, bool]:
    """How many; not exact: at least so many."""
    found = await connection.fetchval(_COUNT, merchant_id, CAP)
    return min(found, CAP - 1), found < CAP


def _seen(rows: Sequence[asyncpg.Record], *, clear: bool) -> list[dict[str, Any]]:
    return [dict(row) if clear else person(row) for row in rows]

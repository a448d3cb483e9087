"""Customers as a list: who came last stands first, each with how many orders they have and the newest of them."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from msgspec.structs import asdict

from recoup.kernel.ids import HIGHEST
from recoup.rules.merchants.personal import person
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row

COUNTED_MAX: Final = 1_000  # orders of one customer
CAP: Final = 10_001


class Place(NamedTuple):
    """In the list: what comes next is older."""

    first_seen_at: datetime
    payer_id: UUID


BEGIN: Final = Place(datetime(9999, 1, 1, tzinfo=UTC), HIGHEST)


class ListedCustomer(Row, frozen=True):
    """`orders`: counted up to one more than COUNTED_MAX. `order_id`, `order_reference` and `placed_at`: of the newest.
    `external_id`: the merchant's own of them."""

    payer_id: UUID
    first_seen_at: datetime
    name: str
    email: str
    external_id: str | None
    orders: int
    order_id: UUID | None
    order_reference: str | None
    placed_at: datetime | None


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
LIST: Final = _DRESS.format(
    page="""SELECT * FROM payers WHERE merchant_id = $1 AND (first_seen_at, payer_id) < ($2, $3)
  ORDER BY first_seen_at DESC, payer_id DESC LIMIT $4"""
)


@MERCHANT.statement(LIST)
async def _list(
    db: Read, merchant_id: UUID, first_seen_at: datetime, payer_id: UUID, limit: int
) -> list[ListedCustomer]:
    """In the clear."""


async def list_customers(db: Read, merchant_id: UUID, after: Place, limit: int, *, clear: bool) -> list[ListedCustomer]:
    """Masked unless `clear`."""
    return _seen(await _list(db, merchant_id, *after, limit), clear=clear)


@MERCHANT.statement(_DRESS.format(page="SELECT * FROM payers WHERE merchant_id = $1 AND payer_id = ANY($2)"))
async def _these(db: Read, merchant_id: UUID, payer_ids: Collection[UUID]) -> list[ListedCustomer]:
    """In the clear."""


async def these_customers(
    db: Read, merchant_id: UUID, payer_ids: Collection[UUID], *, clear: bool
) -> list[ListedCustomer]:
    """In the order of the list, and as it shows them."""
    return _seen(await _these(db, merchant_id, payer_ids), clear=clear)


@MERCHANT.statement("""
SELECT DISTINCT payer_id FROM order_payer WHERE merchant_id = $1 AND order_id = ANY($2) AND payer_id IS NOT NULL
""")
async def _of_orders(db: Read, merchant_id: UUID, order_ids: Collection[UUID]) -> list[UUID]:
    """Each once."""


async def customers_of(db: Read, merchant_id: UUID, order_ids: Collection[UUID]) -> set[UUID]:
    """Whose orders these are."""
    return set(await _of_orders(db, merchant_id, order_ids))


@MERCHANT.statement(f"SELECT count(*) FROM (SELECT FROM payers WHERE merchant_id = $1 LIMIT {CAP}) AS few")
async def _count(db: Read, merchant_id: UUID) -> int:
    """At most CAP."""


async def count_customers(db: Read, merchant_id: UUID) -> tuple[int, bool]:
    """How many; not exact: at least so many."""
    found = await _count(db, merchant_id)
    return min(found, CAP - 1), found < CAP


def _seen(rows: list[ListedCustomer], *, clear: bool) -> list[ListedCustomer]:
    return rows if clear else [ListedCustomer(**person(asdict(row))) for row in rows]

"""Customers of one merchant: everything of one, and the list, who came last first. A customer is
the payer as the merchant names them: by its own id of them, else by their e-mail, keyed and
hashed."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from msgspec.structs import asdict, replace

from recoup.db.statement import MERCHANT, Read, Row, columns_of
from recoup.kernel.ids import HIGHEST
from recoup.kit.personal import DOTS, person
from recoup.orders.store.rows import ListedOrder, ModificationState
from recoup.rescue.store.transmissions import TransmittedPayment

EMAIL_ORDERS_MAX: Final = 2_000  # of one address: more are not looked through


class Customer(Row, frozen=True):
    """`external_id`: the merchant's own of them. `newest`: what came with their newest order that
    still has a name."""

    payer_id: UUID
    email: str | None
    phone: str | None
    name: str | None
    external_id: str | None
    first_seen_at: datetime
    newest: dict[str, Any] | None

    @property
    def known_email(self) -> str:
        """The email address by which the merchant knows them: as they were first named, else as
        their newest order has it."""
        return self.email or (self.newest or {}).get("email") or ""


@MERCHANT.statement("""
SELECT p.payer_id, p.email, p.phone, p.name, p.external_id, p.first_seen_at,
  (SELECT to_jsonb(o) FROM order_payer o WHERE o.merchant_id = p.merchant_id
    AND o.payer_id = p.payer_id
    AND (o.email <> '' OR o.first_name <> '' OR o.last_name <> '') ORDER BY o.order_id DESC
      LIMIT 1) AS newest
FROM payers p WHERE p.merchant_id = $1 AND p.payer_id = $2
""")
async def _find(db: Read, merchant_id: UUID, payer_id: UUID) -> Customer | None:
    """Finds a customer, unmasked."""


async def find_customer(
    db: Read, merchant_id: UUID, payer_id: UUID, *, clear: bool
) -> Customer | None:
    """Finds a customer, or None for nobody known. Masked unless `clear`."""
    customer = await _find(db, merchant_id, payer_id)
    return customer if clear or customer is None else Customer(**person(asdict(customer)))


class CustomerByEmail(Row, frozen=True):
    """A customer with their newest order that came with the address."""

    payer_id: UUID
    orders: int
    order_id: UUID
    external_id: str
    placed_at: datetime


# Whom orders name by an e-mail address: the merchant may know one person by several ids of its own.
@MERCHANT.statement("""
SELECT p.payer_id, p.orders, o.order_id, o.external_id, o.placed_at
FROM (SELECT payer_id, count(*) AS orders, (array_agg(order_id
  ORDER BY order_id DESC))[1] AS order_id
  FROM (SELECT payer_id, order_id FROM order_payer
    WHERE merchant_id = $1 AND lower(email) = $2 AND payer_id IS NOT NULL LIMIT $3) AS found
  GROUP BY payer_id) AS p
JOIN orders o ON o.merchant_id = $1 AND o.order_id = p.order_id
ORDER BY p.order_id DESC LIMIT $4
""")
async def _by_email(
    db: Read, merchant_id: UUID, email: str, orders_max: int, limit: int
) -> list[CustomerByEmail]:
    """Customers by an order's email address, in lower case."""


async def customers_by_email(
    db: Read, merchant_id: UUID, email: str, limit: int
) -> list[CustomerByEmail]:
    """The newest customers of whom an order came with this address; case counts not."""
    return await _by_email(db, merchant_id, email.lower(), EMAIL_ORDERS_MAX, limit)


# By what came first of them: a transmission alone leaves no order.
@MERCHANT.statement("""
SELECT payer_id FROM payers WHERE merchant_id = $1 AND lower(email) = $2 AND email <> '' LIMIT $3
""")
async def _payers_by_email(db: Read, merchant_id: UUID, email: str, limit: int) -> list[UUID]:
    """Customers by their own email address, in lower case."""


async def payers_by_email(db: Read, merchant_id: UUID, email: str, limit: int) -> set[UUID]:
    """Some of those who were first named with this address; case counts not."""
    return set(await _payers_by_email(db, merchant_id, email.lower(), limit))


class CustomerSum(Row, frozen=True):
    """Sums of a customer's orders in one currency."""

    asset: str
    orders: int
    paid: int
    paid_units: int
    refunded_units: int
    open: int


@MERCHANT.statement("""
SELECT h.asset, count(*) AS orders, count(*) FILTER (WHERE h.status IN (6, 7, 8)) AS paid,
  coalesce(sum(h.units) FILTER (WHERE h.status IN (6, 7, 8)), 0)::bigint AS paid_units,
  coalesce(sum(h.refunded_units), 0)::bigint AS refunded_units,
  count(*) FILTER (WHERE h.status IN (0, 1, 3, 4, 5)) AS open
FROM order_payer p JOIN order_heads h ON h.merchant_id = p.merchant_id AND h.order_id = p.order_id
WHERE p.merchant_id = $1 AND p.payer_id = $2 GROUP BY h.asset ORDER BY orders DESC, h.asset
""")
async def customer_sums(db: Read, merchant_id: UUID, payer_id: UUID) -> list[CustomerSum]:
    """Sums over all their orders, by currency."""


class CustomerOrder(ListedOrder):
    """`site`: its name."""

    status: int
    order_type: Literal["MIT", "CIT", "STABLE"]
    source: str
    refunded_units: int
    attempts: int
    amount_text: str
    kind: Literal["cit_web", "cit_callcenter", "mit_managed", "mit_sync", "stable"]
    site: str


@MERCHANT.statement("""
SELECT h.order_id, o.external_id, h.placed_at, h.units, h.asset, h.status, h.order_type, h.source,
  h.refunded_units,
  h.attempts, o.amount_text, o.kind, s.name AS site
FROM order_payer p
JOIN order_heads h ON h.merchant_id = p.merchant_id AND h.order_id = p.order_id
JOIN orders o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id
JOIN sites s ON s.merchant_id = h.merchant_id AND s.site_id = h.site_id
WHERE p.merchant_id = $1 AND p.payer_id = $2 AND p.order_id < $3
ORDER BY p.order_id DESC LIMIT $4
""")
async def customer_orders(
    db: Read, merchant_id: UUID, payer_id: UUID, before: UUID, limit: int
) -> list[CustomerOrder]:
    """Newest first, those with ids below `before`."""


class SentAttempt(Row, frozen=True):
    order_id: UUID
    attempt_no: int
    sent_at: datetime
    state: Literal["open", "approved", "declined", "unknown", "not_sent"]
    scheme_code: str | None
    processor_code: str | None
    card_last4: str | None
    units: int
    asset: str


@MERCHANT.statement("""
SELECT a.order_id, a.attempt_no, a.sent_at, a.state, a.scheme_code, a.processor_code, a.card_last4,
  a.units, a.asset
FROM attempts a WHERE a.merchant_id = $1 AND a.order_id = ANY($2::uuid[]) AND a.sent_at IS NOT NULL
ORDER BY a.sent_at DESC, a.attempt_id DESC
""")
async def attempts_of(
    db: Read, merchant_id: UUID, order_ids: Collection[UUID]
) -> list[SentAttempt]:
    """Attempts of these orders that were sent."""


class CustomerRefund(ModificationState):
    state: Literal["owed", "sent", "netted", "done", "stuck", "refused", "failed"]


@MERCHANT.statement("""
SELECT r.order_id, r.business_at, r.message, r.units, r.asset, r.state FROM modifications r
WHERE r.merchant_id = $1 AND r.order_id = ANY($2::uuid[]) AND r.kind IN ('refund', 'reversal')
ORDER BY r.business_at DESC, r.modification_id DESC
""")
async def _refunds(
    db: Read, merchant_id: UUID, order_ids: Collection[UUID]
) -> list[CustomerRefund]:
    """Refunds of these orders, unmasked."""


async def refunds_of(
    db: Read, merchant_id: UUID, order_ids: Collection[UUID], *, clear: bool
) -> list[CustomerRefund]:
    """Their reasons are people's words: masked unless `clear`."""
    rows = await _refunds(db, merchant_id, order_ids)
    return rows if clear else [replace(row, message=DOTS if row.message else "") for row in rows]


class CustomerTransmission(TransmittedPayment):
    """A transmission as the file of a customer's data has it."""

    transmit_id: UUID
    asset: str
    received_at: datetime


@MERCHANT.statement(f"""
SELECT {columns_of(CustomerTransmission)}
FROM transmissions WHERE merchant_id = $1 AND payer_id = $2 AND transmit_id < $4
  ORDER BY transmit_id DESC LIMIT $3
""")
async def transmissions_of(
    db: Read, merchant_id: UUID, payer_id: UUID, limit: int, before: UUID = HIGHEST
) -> list[CustomerTransmission]:
    """Newest first."""


class PersonLine(Row, frozen=True):
    what: Literal["exported", "erased"]
    orders: int
    actor: str
    recorded_at: datetime


@MERCHANT.statement("""
SELECT what, orders, actor, recorded_at FROM person_log WHERE merchant_id = $1 AND payer_id = $2
ORDER BY line_id DESC LIMIT 50
""")
async def person_log(db: Read, merchant_id: UUID, payer_id: UUID) -> list[PersonLine]:
    """The exports and erasures of their data, newest first."""


class OrderCount(NamedTuple):
    orders: int
    open: int


@MERCHANT.statement("""
SELECT count(*) AS orders, count(*) FILTER (WHERE h.status IN (0, 1, 3, 4, 5)) AS open
FROM order_payer p JOIN order_heads h ON h.merchant_id = p.merchant_id AND h.order_id = p.order_id
WHERE p.merchant_id = $1 AND p.payer_id = ANY($2::uuid[])
""")
async def count_orders_of(db: Read, merchant_id: UUID, payer_ids: Collection[UUID]) -> OrderCount:
    """All of theirs, and those that are open."""


COUNTED_MAX: Final = 1_000  # orders of one customer
CAP: Final = 10_001


class Place(NamedTuple):
    """Place in the list: what comes next is older."""

    first_seen_at: datetime
    payer_id: UUID


BEGIN: Final = Place(datetime(9999, 1, 1, tzinfo=UTC), HIGHEST)


class ListedCustomer(Row, frozen=True):
    """`orders`: counted up to one more than COUNTED_MAX. `order_id`, `order_reference` and
    `placed_at`: of the newest. `external_id`: the merchant's own of them."""

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
  (SELECT count(*)::int FROM (SELECT FROM order_payer c WHERE c.merchant_id = p.merchant_id
    AND c.payer_id = p.payer_id
    LIMIT {COUNTED_MAX + 1}) AS few) AS orders,
  n.order_id, o.external_id AS order_reference, o.placed_at
FROM ({{page}}) AS p
LEFT JOIN LATERAL (SELECT * FROM order_payer l WHERE l.merchant_id = p.merchant_id
  AND l.payer_id = p.payer_id
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
    """Lists customers, unmasked."""


async def list_customers(
    db: Read, merchant_id: UUID, after: Place, limit: int, *, clear: bool
) -> list[ListedCustomer]:
    """Masked unless `clear`."""
    return _seen(await _list(db, merchant_id, *after, limit), clear=clear)


@MERCHANT.statement(
    _DRESS.format(page="SELECT * FROM payers WHERE merchant_id = $1 AND payer_id = ANY($2)")
)
async def _these(db: Read, merchant_id: UUID, payer_ids: Collection[UUID]) -> list[ListedCustomer]:
    """Customers by their ids, unmasked."""


async def these_customers(
    db: Read, merchant_id: UUID, payer_ids: Collection[UUID], *, clear: bool
) -> list[ListedCustomer]:
    """Customers of these ids, in the order of the list, and as it shows them."""
    return _seen(await _these(db, merchant_id, payer_ids), clear=clear)


@MERCHANT.statement("""
SELECT DISTINCT payer_id FROM order_payer WHERE merchant_id = $1 AND order_id = ANY($2)
  AND payer_id IS NOT NULL
""")
async def _of_orders(db: Read, merchant_id: UUID, order_ids: Collection[UUID]) -> list[UUID]:
    """Each once."""


async def customers_of(db: Read, merchant_id: UUID, order_ids: Collection[UUID]) -> set[UUID]:
    """Customers whose orders these are."""
    return set(await _of_orders(db, merchant_id, order_ids))


@MERCHANT.statement(
    f"SELECT count(*) FROM (SELECT FROM payers WHERE merchant_id = $1 LIMIT {CAP}) AS few"
)
async def _count(db: Read, merchant_id: UUID) -> int:
    """Counts the merchant's customers, at most CAP."""


async def count_customers(db: Read, merchant_id: UUID) -> tuple[int, bool]:
    """Counts customers; a count that is not exact means at least so many."""
    count = await _count(db, merchant_id)
    return min(count, CAP - 1), count < CAP


def _seen(rows: list[ListedCustomer], *, clear: bool) -> list[ListedCustomer]:
    return rows if clear else [ListedCustomer(**person(asdict(row))) for row in rows]

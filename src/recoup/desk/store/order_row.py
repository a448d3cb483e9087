"""A line of a list: its fields, and how each is said in SQL of the heads `h`."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import field

from recoup.desk.store.columns import COLUMNS, OrderColumn, sql_of
from recoup.orders.store.rows import ListedOrder


class OrderRow(ListedOrder):
    """One order of a list.

    Times are business time; units the asset's smallest; `created_at` None while Draft; `sent_text`
    the amount of a stablecoin order as it was sent; `paid_units` what its payer paid, as far as it
    was not let go or given back. `decline_code`: that it came in with. `more`: what columns read
    for themselves.
    """

    site_id: UUID
    site_name: str
    created_at: datetime | None
    customer: str
    order_type: str
    source: str
    door: str
    descriptor: str
    status: int
    refunded_units: int
    attempts: int
    expires_at: datetime | None
    next_attempt_at: datetime | None
    reason: str | None
    attention: str | None
    disputed: bool
    sent_text: str | None
    decline_code: str
    card_scheme: str
    paid_units: int
    more: Mapping[str, Any] = field(default_factory=dict)

    def of(self, column: OrderColumn) -> object:
        """What it has in a column."""
        values = [
            self.more[name] if name in self.more else getattr(self, name) for name in column.needs
        ]
        return column.value(*values) if column.value else values[0]

    @property
    def paid_otherwise(self) -> bool:
        """True when something was paid, and another amount than was due, or after the order's
        end."""
        return self.paid_units > 0 and (self.paid_units != self.units or self.status == 2)


_PAID: Final = """
CASE WHEN h.status IN (0, 5) THEN 0 ELSE coalesce((SELECT sum(r.units)::bigint FROM modifications r
    WHERE r.merchant_id = h.merchant_id AND r.order_id = h.order_id AND r.kind = 'capture'
      AND r.state = 'done'), (
  coalesce((SELECT sum(a.units) FROM attempts a
    WHERE a.merchant_id = h.merchant_id AND a.order_id = h.order_id AND a.state = 'approved'), 0)
  - coalesce((SELECT sum(r.units) FROM modifications r WHERE r.merchant_id = h.merchant_id
    AND r.order_id = h.order_id
    AND r.kind IN ('void', 'reversal') AND r.state NOT IN ('refused', 'failed')), 0))::bigint) END
"""
_SOURCE: Final = """
CASE WHEN h.order_type = 'STABLE' AND h.source = '' THEN coalesce((SELECT max(a.route)
  FROM attempts a
  WHERE a.merchant_id = h.merchant_id AND a.order_id = h.order_id), '') ELSE h.source END
"""
# What every row has.
FIELDS: Final[dict[str, str]] = {
    "order_id": "h.order_id", "external_id": "o.external_id", "site_id": "h.site_id",
    "site_name": "coalesce(t.name, '')", "created_at": "h.created_at", "placed_at": "h.placed_at",
    "customer": "coalesce(trim(p.first_name || ' ' || p.last_name), '')",
    "order_type": "h.order_type",
    "source": _SOURCE, "door": "h.door", "descriptor": "o.descriptor", "status": "h.status",
    "asset": "h.asset",
    "units": "h.units", "refunded_units": "h.refunded_units", "attempts": "h.attempts",
    "expires_at": "h.expires_at",
    "next_attempt_at": "h.next_attempt_at", "reason": "h.reason", "attention": "h.attention",
    "disputed": "h.disputed", "sent_text": "CASE WHEN h.order_type = 'STABLE' THEN o.amount_text "
                                           "END",
    "decline_code": "h.decline_code", "card_scheme": "h.card_scheme", "paid_units": _PAID,
}  # fmt: skip
_JOINS: Final = {
    "o": "JOIN orders o ON o.merchant_id = h.merchant_id AND o.order_id = h.order_id",
    "t": "LEFT JOIN sites t ON t.merchant_id = h.merchant_id AND t.site_id = h.site_id",
    "v": "LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id",
    "p": "LEFT JOIN order_payer p ON p.merchant_id = h.merchant_id AND p.order_id = h.order_id",
}


def rows_of(source: str, fields: Iterable[str], otherwise: Mapping[str, str]) -> str:
    """A statement for these fields of `source`, which is called `h`; reads no table that they do
    not need.

    The fields are of every row, or of columns. `otherwise`: those that are said in another way.
    """
    known = {**FIELDS, **sql_of(COLUMNS), **otherwise}
    columns = [f"{known[name]} AS {name}" for name in fields]
    text = " ".join(columns)
    needed = {alias for alias in _JOINS if re.search(rf"\b{alias}\.", text)}
    needed |= {"o"} if "v" in needed else set()  # a card is found by its order's token
    joins = [join for alias, join in _JOINS.items() if alias in needed]
    return f"SELECT {', '.join(columns)} FROM {source} {' '.join(joins)} "  # noqa: S608

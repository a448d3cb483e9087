"""What a file of the list says in each of its columns: exact decimals, moments with the zone's offset, whole ids."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from recoup.doors.portal.orders.times import Times
from recoup.doors.portal.words import STATUSES, channel_word
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import shown
from recoup.rules.money.cells import Number
from recoup.rules.stable.channels import CHANNELS
from recoup.store.read.orders import OrderRow


class Cell(NamedTuple):
    """`name` in JSON, `heading` in tables."""

    name: str
    heading: str
    value: Callable[[OrderRow], Any]


def cells(columns: tuple[str, ...], times: Times) -> list[Cell]:
    """In the order of the columns; the currency stands behind the first amount."""
    found: list[Cell] = []
    for column in columns:
        found += _cells(column, times)
    first = next((at for at, cell in enumerate(found) if cell.name in ("amount", "refund_amount")), None)
    if first is not None:
        found.insert(first + 1, Cell("currency", "Currency", lambda row: row.asset))
    return found


def _cells(column: str, times: Times) -> list[Cell]:
    def at(name: str, heading: str) -> Cell:
        def value(row: OrderRow) -> str | None:
            moment = getattr(row, name)
            return times.file(moment) if moment else None

        return Cell(name, f"{heading} ({times.name})", value)

    return {
        "order_id": [Cell("order_id", "Order Id", lambda row: str(row.order_id))],
        "external": [Cell("external_order_id", "External order", lambda row: row.external_id)],
        "site": [Cell("site_id", "Site Id", lambda row: str(row.site_id)),
                 Cell("site", "Site", lambda row: row.site_name)],
        "created": [at("created_at", "Created")], "placed": [at("placed_at", "Placed")],
        "customer": [Cell("customer", "Customer", lambda row: row.customer)],
        "type": [Cell("type", "MIT / CIT", lambda row: channel_word(row.order_type, row.source))],
        "descriptor": [Cell("descriptor", "Descriptor", lambda row: row.descriptor)],
        "status": [Cell("status", "Status", lambda row: STATUSES[row.status].word)],
        "amount": [Cell("amount", "Amount", lambda row: _decimal(row, row.units))],
        "refunded": [Cell("refund_amount", "Refund amount", lambda row: _decimal(row, row.refunded_units))],
        "attempts": [Cell("attempts", "Attempts", lambda row: row.attempts)],
        "expires": [at("expires_at", "Expires")],
        "channel": [Cell("channel", "Channel", channel_of)],
    }[column]  # fmt: skip


def channel_of(row: OrderRow) -> str:
    """The way of a stablecoin payment, empty until its payer chose one; all others are cards."""
    if row.order_type != "STABLE":
        return "Card"
    return CHANNELS[row.source].name if row.source in CHANNELS else row.source


def _decimal(row: OrderRow, units: int) -> Number:
    return _number(units, row.asset, row.sent_text)


@lru_cache(4_096)  # prices repeat, and most orders have nothing refunded
def _number(units: int, asset: str, like: str | None) -> Number:
    return Number(shown(units, asset, like) if asset in EXPONENTS else str(units))

"""What a file of the list says in each of its columns: exact decimals, moments with the zone's offset, whole ids.

A cell is made of some fields of the row and of nothing else: what somebody may not see is kept from a file here.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from recoup.kernel.cached import cached
from recoup.kernel.money import EXPONENTS, shown
from recoup.kit import personal
from recoup.kit.lists.table import Cell
from recoup.orders.rules.words import STATUS_WORDS, card_scheme_word, channel_word, reason_word
from recoup.stablecoin.rules.channels import CHANNELS


def cells(columns: Sequence[str], zone: str, *, masked: bool = False) -> list[Cell]:
    """In the order of the columns; the currency stands behind the first amount. `masked`: names are, and the file says
    so."""
    found: list[Cell] = []
    moment = moment_text(zone)
    for column in columns:
        for cell in _CELLS[column]:
            dated = cell.kind == "moment"
            found.append(cell._replace(value=moment, heading=f"{cell.heading} ({zone})") if dated else cell)
    first = next((at for at, cell in enumerate(found) if cell.kind == "number"), None)
    if first is not None:
        found.insert(first + 1, Cell("currency", "Currency", ("asset",)))
    return [_MASKED if masked and cell.name == "customer" else cell for cell in found]


def needs_of(column: str) -> tuple[str, ...]:
    """The fields of a row that its cells are made of."""
    return tuple(name for cell in _CELLS[column] for name in cell.needs)


def moment_text(zone: str) -> Callable[[datetime | None], str | None]:
    """ISO 8601 with the zone's offset, to the second."""
    there = ZoneInfo(zone)

    def text(moment: datetime | None) -> str | None:
        return moment.astimezone(there).isoformat(timespec="seconds") if moment is not None else None

    return text


@cached(4_096)  # prices repeat, and most orders have nothing refunded
def _decimal(units: int, asset: str, like: str | None) -> str:
    return shown(units, asset, like) if asset in EXPONENTS else str(units)


def _booked(units: int | None, asset: str, like: str | None) -> str | None:
    """Of what the ledger says; nothing before it says anything."""
    return _decimal(units, asset, like) if units is not None else None


def _of_ledger(name: str, heading: str, units: str) -> Cell:
    return Cell(name, heading, (units, "asset", "sent_text"), _booked, "number")


def _amount(name: str, heading: str, units: str) -> Cell:
    return Cell(name, heading, (units, "asset", "sent_text"), _decimal, "number")


def way_of(order_type: str, source: str) -> str:
    """The way of a stablecoin payment, empty until its payer chose one; all others are cards."""
    if order_type != "STABLE":
        return "Card"
    return CHANNELS[source].name if source in CHANNELS else source


_MASKED: Final = Cell("customer_masked", "Customer (masked)", ("customer",), personal.name, "text")
_CELLS: Final[dict[str, tuple[Cell, ...]]] = {
    "order_id": (Cell("order_id", "Order Id", ("order_id",)),),
    "external": (Cell("external_order_id", "External order", ("external_id",), None, "text"),),
    "site": (Cell("site_id", "Site Id", ("site_id",)), Cell("site", "Site", ("site_name",), None, "text")),
    "created": (Cell("created_at", "Created", ("created_at",), None, "moment"),),
    "placed": (Cell("placed_at", "Placed", ("placed_at",), None, "moment"),),
    "customer": (Cell("customer", "Customer", ("customer",), None, "text"),),
    "type": (Cell("type", "MIT / CIT", ("order_type", "source"), channel_word),),
    "descriptor": (Cell("descriptor", "Descriptor", ("descriptor",), None, "text"),),
    "status": (Cell("status", "Status", ("status",), STATUS_WORDS.__getitem__),),
    "amount": (_amount("amount", "Amount", "units"),),
    "refunded": (_amount("refund_amount", "Refund amount", "refunded_units"),),
    "paid": (_amount("paid_amount", "Paid", "paid_units"),),
    "attempts": (Cell("attempts", "Attempts", ("attempts",)),),
    "expires": (Cell("expires_at", "Expires", ("expires_at",), None, "moment"),),
    "channel": (Cell("channel", "Channel", ("order_type", "source"), way_of, "text"),),
    "reason": (Cell("reason", "Reason", ("reason",), reason_word),),
    "code": (Cell("decline_code", "Decline code", ("decline_code",), None, "text"),),
    "card": (
        Cell("card_brand", "Card brand", ("card_scheme",), card_scheme_word),
        Cell("last4", "Last four", ("last4",)),
    ),
    "approved": (Cell("approved_at", "Approved", ("approved_at",), None, "moment"),),
    "fee": (_of_ledger("service_fee", "Service fee", "fee_units"),),
    "net": (_of_ledger("net", "Net", "net_units"),),
    "settlement": (Cell("settlement_id", "Settlement", ("settlement",)),),
}

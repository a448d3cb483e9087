"""The columns of the orders list, one declaration each: page, files and SQL follow."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from recoup.desk.store.order_cursor import OrderBy
from recoup.kernel.cached import cached
from recoup.kernel.money import EXPONENTS, shown
from recoup.kit import personal
from recoup.kit.lists.table import Cell
from recoup.kit.lists.table import Kind as CellKind
from recoup.orders.rules.words import STATUS_WORDS, card_scheme_word, channel_word, reason_word
from recoup.stablecoin.rules.channels import CHANNELS

Kind = Literal["id", "text", "word", "count", "time", "money"]
_CELL_KINDS: Final[dict[Kind, CellKind]] = {
    "id": "plain", "text": "text", "word": "plain", "count": "plain", "time": "moment",
    "money": "number",
}  # fmt: skip


class OrderColumn(NamedTuple):
    """One column. The page shows it by the macro of its name in cells.html, else of its `kind`.

    `fields` are of `OrderRow`; empty for those of `sql`, which are read for this column alone, of
    the heads `h`. `value` makes a text of them. `file`: its name in JSON, the first field's if
    empty; `cells`: what a file has instead. `shown`: on the page and in files, in files only, or
    where somebody asks for it. `sort`: the order that its header switches to. `width`: a class of
    orders.css; `place`, `label`: a phone's card has it there, and with its heading.
    """

    name: str
    heading: str
    kind: Kind
    fields: tuple[str, ...] = ()
    sql: Mapping[str, str] = {}
    value: Callable[..., str | None] | None = None
    file: str = ""
    cells: tuple[Cell, ...] = ()
    shown: Literal["page", "files", "asked"] = "files"
    hint: str = ""
    sort: OrderBy | None = None
    width: str = "w-chan"
    place: str = "m"
    label: bool = True

    @property
    def is_number(self) -> bool:
        return self.kind in ("money", "count")

    @property
    def needs(self) -> tuple[str, ...]:
        return self.fields or tuple(self.sql)

    def of_file(self) -> tuple[Cell, ...]:
        """What a file says: exact decimals, moments with the zone's offset, whole ids.

        A cell is made of its fields alone: what somebody may not see is kept from it here.
        """
        name, kind = self.file or self.needs[0], _CELL_KINDS[self.kind]
        needs, value = self.needs, self.value
        if self.kind == "money":
            needs, value = (*needs, "asset", "sent_text"), _decimal
        return self.cells or (Cell(name, self.heading, needs, value, kind),)


def way_of(order_type: str, source: str) -> str:
    """The way of a stablecoin payment, empty until its payer chose one; all others are cards."""
    if order_type != "STABLE":
        return "Card"
    return CHANNELS[source].name if source in CHANNELS else source


@cached(4_096)  # prices repeat, and most orders have nothing refunded
def _decimal(units: int | None, asset: str, like: str | None) -> str | None:
    """None before the ledger says anything."""
    if units is None:
        return None
    return shown(units, asset, like) if asset in EXPONENTS else str(units)


_APPROVED: Final = """
(SELECT max(l.business_at) FROM order_log l
  WHERE l.merchant_id = h.merchant_id AND l.order_id = h.order_id
    AND l.dst = 'completed' AND l.src <> l.dst)
"""
_ENTRIES: Final = """
(SELECT -sum(e.units)::bigint FROM postings g JOIN entries e ON e.merchant_id = g.merchant_id
    AND e.posting_id = g.posting_id
  WHERE g.merchant_id = h.merchant_id AND g.order_id = h.order_id AND {})
"""
_SETTLEMENT: Final = """
(SELECT s.batch_id::text FROM postings g JOIN settlement_lines s ON s.merchant_id = g.merchant_id
    AND s.posting_id = g.posting_id
  WHERE g.merchant_id = h.merchant_id AND g.order_id = h.order_id ORDER BY s.batch_id DESC LIMIT 1)
"""
_COLUMNS: Final = (
    OrderColumn(
        "order_id", "Order id", "id", ("order_id",), shown="page", width="w-id", place="o",
        label=False, cells=(Cell("order_id", "Order Id", ("order_id",)),),
    ),
    OrderColumn(
        "external", "External order", "text", ("external_id",), file="external_order_id",
        shown="page", hint="Your own identifier", width="w-ext",
    ),
    OrderColumn(
        "site", "Site", "text", ("site_name",), shown="page", hint="Website of the payment",
        width="w-site",
        cells=(
            Cell("site_id", "Site Id", ("site_id",)),
            Cell("site", "Site", ("site_name",), None, "text"),
        ),
    ),
    OrderColumn(
        "created", "Created", "time", ("created_at",), shown="page", sort="created",
        width="w-date", hint="When processing started; empty for a draft",
    ),
    OrderColumn(
        "placed", "Placed", "time", ("placed_at",), shown="page", sort="placed",
        width="w-sort", hint="When it was received",
    ),
    OrderColumn(
        "customer", "Customer", "text", ("customer",), shown="page", width="w-cust",
        place="c", label=False,
    ),
    OrderColumn(
        "type", "MIT / CIT", "word", ("order_type", "source"), value=channel_word,
        file="type", shown="page", hint="Merchant initiated or customer initiated",
        width="w-type", place="k", label=False,
    ),
    OrderColumn(
        "descriptor", "Descriptor", "text", ("descriptor",), shown="page", width="w-desc",
        hint="Text on the customer's statement",
    ),
    OrderColumn(
        "status", "Status", "word", ("status",), value=STATUS_WORDS.__getitem__, shown="page",
        width="w-st",
    ),
    OrderColumn(
        "amount", "Amount", "money", ("units",), file="amount", shown="page", sort="amount",
        width="w-amt", hint="By number; choose a currency to compare",
    ),
    OrderColumn(
        "refunded", "Refund amount", "money", ("refunded_units",), file="refund_amount",
        shown="page", hint="Refunded to the customer", width="w-ref",
    ),
    OrderColumn(
        "paid", "Paid", "money", ("paid_units",), file="paid_amount", shown="asked",
        width="w-amt", hint="Paid by the customer so far; may differ from the amount",
    ),
    OrderColumn(
        "attempts", "Attempts", "count", ("attempts",), shown="asked",
        hint="Number of attempts sent", width="w-att", place="n",
    ),
    OrderColumn(
        "expires", "Expires", "time", ("expires_at",), shown="asked", sort="expires",
        width="w-date", place="x", hint="When it ends without an approval",
    ),
    OrderColumn(
        "channel", "Channel", "text", ("order_type", "source"), value=way_of, file="channel",
        shown="asked", hint="Card, or stablecoin channel",
    ),
    OrderColumn(
        "reason", "Reason", "word", ("reason",), value=reason_word,
        hint="Why it ended without a payment",
    ),
    OrderColumn(
        "code", "Decline code", "text", ("decline_code",), hint="Code of the first decline",
    ),
    OrderColumn(
        "card", "Card", "text", ("card_scheme",), sql={"last4": "coalesce(v.last4, '')"},
        hint="Brand and last four",
        cells=(
            Cell("card_brand", "Card brand", ("card_scheme",), card_scheme_word),
            Cell("last4", "Last four", ("last4",)),
        ),
    ),
    OrderColumn(
        "approved", "Approved", "time", sql={"approved_at": _APPROVED},
        hint="When it was approved", width="w-date",
    ),
    OrderColumn(
        "fee", "Service fee", "money",
        sql={"fee_units": _ENTRIES.format("e.account = 'fees'")}, file="service_fee",
        hint="Booked so far", width="w-amt",
    ),
    OrderColumn(
        "net", "Net", "money",
        sql={"net_units": _ENTRIES.format("e.account = 'merchant_payable'")}, file="net",
        hint="Owed or paid to you, from the ledger", width="w-amt",
    ),
    OrderColumn(
        "settlement", "Settlement", "id", sql={"settlement": _SETTLEMENT},
        file="settlement_id", hint="Latest settlement of the order", width="w-id",
    ),
)  # fmt: skip
COLUMNS: Final[dict[str, OrderColumn]] = {column.name: column for column in _COLUMNS}
DEFAULT: Final = tuple(column.name for column in COLUMNS.values() if column.shown == "page")
IN_FILES: Final = tuple(column.name for column in COLUMNS.values() if column.shown != "asked")
_MASKED: Final = Cell("customer_masked", "Customer (masked)", ("customer",), personal.name, "text")


def sql_of(columns: Iterable[str]) -> dict[str, str]:
    """What is read for these columns alone, and its SQL."""
    return {field: sql for name in columns for field, sql in COLUMNS[name].sql.items()}


def cells_of(columns: Sequence[str], zone: str, *, masked: bool = False) -> list[Cell]:
    """A file's cells in the order of the columns; the currency stands behind the first amount.

    `masked`: names are, and the file says so.
    """
    cells: list[Cell] = []
    moment = moment_text(zone)
    for cell in (cell for name in columns for cell in COLUMNS[name].of_file()):
        if cell.kind == "moment":
            cell = cell._replace(value=moment, heading=f"{cell.heading} ({zone})")
        cells.append(cell)
    first = next((at for at, cell in enumerate(cells) if cell.kind == "number"), None)
    if first is not None:
        cells.insert(first + 1, Cell("currency", "Currency", ("asset",)))
    return [_MASKED if masked and cell.name == "customer" else cell for cell in cells]


def moment_text(zone: str) -> Callable[[datetime | None], str | None]:
    """ISO 8601 with the zone's offset, to the second."""
    there = ZoneInfo(zone)

    def text(moment: datetime | None) -> str | None:
        return moment.astimezone(there).isoformat(timespec="seconds") if moment else None

    return text

"""The list's columns: those of every order desk, in their order, and more to choose."""

from typing import Final, NamedTuple

from recoup.rules.lists.cells import needs_of
from recoup.store.lists.order_cursor import OrderBy
from recoup.store.lists.order_row import SEPARATE_FIELDS


class Column(NamedTuple):
    """`css` is the width's class; `sort` the order that its header switches to. `dated`: its header says the zone."""

    name: str
    heading: str
    css: str
    hint: str = ""
    sort: OrderBy | None = None
    dated: bool = False
    number: bool = False


COLUMNS: Final[dict[str, Column]] = {
    column.name: column
    for column in (
        Column("order_id", "Order Id", "w-id"),
        Column("external", "External order", "w-ext", "Your own identifier"),
        Column("site", "Site Id", "w-site", "Website of the payment"),
        Column("created", "Created", "w-date", "When processing started; empty for a draft", "created", True),
        Column("placed", "Placed", "w-sort", "When it was received", "placed", True),
        Column("customer", "Customer", "w-cust"),
        Column("type", "MIT / CIT", "w-type", "Merchant initiated or customer initiated"),
        Column("descriptor", "Descriptor", "w-desc", "Text on the customer's statement"),
        Column("status", "Status", "w-st"),
        Column("amount", "Amount", "w-amt", "By number; choose a currency to compare", "amount", number=True),
        Column("refunded", "Refund amount", "w-ref", "Refunded to the customer", number=True),
        Column("paid", "Paid", "w-amt", "Paid by the customer so far; may differ from the amount", number=True),
        Column("attempts", "Attempts", "w-att", "Number of attempts sent", number=True),
        Column("expires", "Expires", "w-date", "When it ends without an approval", "expires", True),
        Column("channel", "Channel", "w-chan", "Card, or stablecoin channel"),
        Column("reason", "Reason", "w-chan", "Why it ended without a payment"),
        Column("code", "Decline code", "w-chan", "Code of the first decline"),
        Column("card", "Card", "w-chan", "Brand and last four"),
        Column("approved", "Approved", "w-date", "When it was approved", dated=True),
        Column("fee", "Service fee", "w-amt", "Booked so far", number=True),
        Column("net", "Net", "w-amt", "Owed or paid to you, from the ledger", number=True),
        Column("settlement", "Settlement", "w-id", "Latest settlement of the order"),
    )
}
_SEPARATE: Final = {
    name: [field for field in needs_of(name) if field in SEPARATE_FIELDS] for name in COLUMNS
}  # column -> fields that are read for it alone
_FILE: Final = ("reason", "code", *(name for name, fields in _SEPARATE.items() if fields))
_CHOSEN: Final = ("paid", "attempts", "expires", "channel", *_FILE)
DEFAULT: Final = tuple(name for name in COLUMNS if name not in _CHOSEN)
IN_FILES: Final = (*DEFAULT, *_FILE)


def of_file(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Those that somebody chose; instead of the usual ones those that an accountant needs, too."""
    return IN_FILES if columns == DEFAULT else columns


def fields_of(columns: tuple[str, ...]) -> tuple[str, ...]:
    """What is read for these columns alone."""
    return tuple(field for name in columns for field in _SEPARATE[name])

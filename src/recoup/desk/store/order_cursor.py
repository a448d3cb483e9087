"""The orders in which lists come, and the place in one where a page begins. Each order has an index
of its own."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from recoup.desk.store.order_filter import Arguments
from recoup.kernel.frozen import frozen

OrderBy = Literal["placed", "created", "amount", "expires"]
# An order without a created date comes as the oldest, one without an end as the last to end.
ORDERS: Final[dict[tuple[OrderBy, bool], str]] = {
    ("placed", True): "h.placed_at DESC, h.order_id DESC",
    ("placed", False): "h.placed_at, h.order_id",
    ("created", True): "h.created_at DESC NULLS LAST, h.order_id DESC",
    ("created", False): "h.created_at NULLS FIRST, h.order_id",
    ("amount", True): "h.units DESC, h.order_id DESC",
    ("amount", False): "h.units, h.order_id",
    ("expires", True): "h.expires_at DESC NULLS FIRST, h.order_id DESC",
    ("expires", False): "h.expires_at NULLS LAST, h.order_id",
}
# order -> its column, and its letter in a cursor
COLUMNS: Final[dict[OrderBy, tuple[str, str]]] = {
    "placed": ("placed_at", ""), "created": ("created_at", "c"), "amount": ("units", "a"),
    "expires": ("expires_at", "e"),
}  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS_MAX: Final = 2**63 - 1


@frozen
class Cursor:
    """The row a page begins behind, and which way it goes from there. `key` is the row's value in
    the list's order."""

    back: bool
    key: datetime | int | None
    order_id: UUID
    by: OrderBy = "placed"

    def text(self) -> str:
        key: Any = self.key
        if isinstance(key, datetime):
            key = (key - _EPOCH) // timedelta(microseconds=1)
        letter = COLUMNS[self.by][1]
        return (
            f"{'p' if self.back else 'n'}{letter}{'' if key is None else key}.{self.order_id.hex}"
        )


def cursor_behind(row: Any, by: OrderBy, *, back: bool = False) -> Cursor:
    return Cursor(back, getattr(row, COLUMNS[by][0]), row.order_id, by)


def parse_cursor(text: str, by: OrderBy = "placed") -> Cursor | None:
    """Reads a cursor; None for anything that `Cursor.text` did not make for a list in this
    order."""
    letter = COLUMNS[by][1]
    head, dot, order = text[1:].partition(".")
    if (
        text[:1] not in ("n", "p")
        or len(text) > 80
        or not text.isascii()
        or not dot
        or not head.startswith(letter)
    ):
        return None
    number = head[len(letter) :]
    try:
        return Cursor(text[0] == "p", _key(number, by), UUID(hex=order), by)
    except (ValueError, OverflowError):
        return None


def _key(number: str, by: OrderBy) -> datetime | int | None:
    if not number and by in ("created", "expires"):
        return None
    if not number.lstrip("-").isdigit():
        raise ValueError
    if by != "amount":
        return _EPOCH + timedelta(microseconds=int(number))
    units = int(number)
    if abs(units) > _UNITS_MAX:
        raise ValueError
    return units


def branches(cursor: Cursor, descending: bool, args: Arguments) -> list[list[str]]:
    """The rows behind the cursor, as one or two sets of conditions that each follow the index: rows
    without a value in the list's order stand before or after all others."""
    column, sign = f"h.{COLUMNS[cursor.by][0]}", "<" if descending else ">"
    nulls_last = {"created": descending, "expires": not descending}.get(cursor.by)
    if cursor.key is None:
        same = [f"{column} IS NULL", f"h.order_id {sign} {args.add(cursor.order_id)}"]
        return [same] if nulls_last else [same, [f"{column} IS NOT NULL"]]
    behind = [
        f"({column}, h.order_id) {sign} ({args.add(cursor.key)}, {args.add(cursor.order_id)})"
    ]
    return [behind, [f"{column} IS NULL"]] if nulls_last else [behind]

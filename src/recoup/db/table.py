"""A table's row, said once: what is inserted, and what is set anew where the row stands already, is
made of its fields.

    @stored("card_blocks", "card_id", "block_id")
    class CardBlock(Row, frozen=True):
        card_id: UUID
        block_id: UUID
        reason: str
        until: Mutable[datetime | None]

Rows come as one JSON: `insert_of(CardBlock)` is the INSERT of an array of them, its parameter $1.
In JSON a bytea is text: `Hex`.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, NewType, TypeVar, get_origin, get_type_hints

from msgspec import convert

from recoup.db.statement import Row
from recoup.kernel.frozen import frozen

T = TypeVar("T")
R = TypeVar("R", bound=type[Row])
_MUTABLE: Final = "mutable"
Mutable = Annotated[T, _MUTABLE]
Hex = NewType("Hex", str)


def hex_of(value: bytes) -> Hex:
    return Hex("\\x" + value.hex())


@frozen
class Table:
    """`mutable`: the columns that an upsert sets anew."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    mutable: tuple[str, ...]


TABLES: Final[dict[type[Row], Table]] = {}


def stored(table: str, *key: str) -> Callable[[R], R]:
    """The class names columns of this table; `key`: what an upsert finds its row by."""

    def declare(row: R) -> R:
        hints = get_type_hints(row, include_extras=True)
        mutable = tuple(name for name, hint in hints.items() if _is_mutable(hint))
        TABLES[row] = Table(table, key, row.__struct_fields__, mutable)
        return row

    return declare


def _is_mutable(hint: Any) -> bool:
    return get_origin(hint) is Annotated and _MUTABLE in hint.__metadata__


def insert_of(row: type[Row], source: str = "$1", *, single: bool = False) -> str:
    """`source`: the JSON array of its rows, or the JSON of a `single` row."""
    return _insert(
        TABLES[row], "", source, "jsonb_populate_record" if single else "jsonb_populate_recordset"
    )


def upsert_of(row: type[Row], source: str = "$1", **otherwise: str) -> str:
    """`otherwise`: what a column is set to, where it is not simply the new value; `before` is the
    row that stands."""
    table = TABLES[row]
    anew = ", ".join(
        f"{name} = {otherwise.get(name, f'EXCLUDED.{name}')}" for name in table.mutable
    )
    return (
        f"{_insert(table, ' AS before', source)}ON CONFLICT ({', '.join(table.key)}) DO UPDATE "
        f"SET {anew}\n"
    )


def _insert(table: Table, alias: str, source: str, rows: str = "jsonb_populate_recordset") -> str:
    columns = ", ".join(table.columns)
    return f"""
INSERT INTO {table.name}{alias} ({columns})
SELECT {columns} FROM {rows}(NULL::{table.name}, {source})
"""


def listed(value: object, kind: type[T]) -> list[T]:
    """Reads a list of JSON: texts become the dates and ids that the kind declares. New objects each
    time, for orders change them."""
    return convert(value, list[kind]) if value else []  # type: ignore[valid-type]

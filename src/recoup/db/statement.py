"""A statement is a function: its signature says what the SQL takes and gives, and one test holds
every statement to the real schema.

    @MERCHANT.statement(
        "SELECT order_id FROM modifications WHERE merchant_id = $1 AND modification_id = $2"
    )
    async def order_of_refund(db: Read, merchant_id: UUID, modification_id: UUID) -> UUID | None:
        "The order that it belongs to."

What follows `db` is $1, $2, … in order; a NamedTuple is as many as its fields. The annotation of
the result says which result that is:

| annotation | result |
|---|---|
| `None` | none |
| `Written` | the number of rows that were written |
| `bool` | whether a row came with a first column that is true |
| `X`, `X \\| None` | the first column of the first row; without `\\| None` a row has to come |
| `R`, `R \\| None` | the first row: R is a `Row`, dataclass or NamedTuple of the columns in order |
| `list[X]`, `list[R]` | every row |
| `dict[K, X]`, `dict[K, R]` | every row by its first column; X is the second, R the whole row |

`Kept` is a sentence, as a parameter and as a column (`kernel/kept_sentence.py`); `list[Kept]` is a
JSON array of them. `dict[str, Any]` is one JSON value. An Enum, a tuple or a frozenset is made of
what the driver gives; a list of rows, as the column of one, is made of JSON, and so is a row there.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache, cached_property, partial, reduce, update_wrapper
from operator import or_
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    NewType,
    ParamSpec,
    Protocol,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from recoup.kernel.frozen import frozen
from recoup.kernel.kept_sentence import MARK, keep, kept

P = ParamSpec("P")
R = TypeVar("R")
Make = Callable[[Any], Any]
Sql = str | Callable[[], str]

Written = NewType("Written", int)


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Row(msgspec.Struct, frozen=True):
    """Columns of a result, in order; never changed."""


class Read(Protocol):
    """A connection that is read from."""

    async def fetch(self, query: str, *args: object, **options: Any) -> Any: ...
    async def fetchrow(self, query: str, *args: object, **options: Any) -> Any: ...
    async def fetchval(self, query: str, *args: object, **options: Any) -> Any: ...


class ReadConnection(Read, Protocol):
    """A connection of a door, held for several statements."""

    def transaction(
        self, *, isolation: str | None = None, readonly: bool = False
    ) -> AbstractAsyncContextManager[object]: ...


class Tx(Read, Protocol):
    """A connection that is written to, inside a transaction of a flow."""

    async def execute(self, query: str, *args: object, **options: Any) -> str: ...


class Connection(Tx, ReadConnection, Protocol):
    """A connection of a flow."""


class Declare(Protocol):
    def __call__(
        self, function: Callable[P, Awaitable[R]], /
    ) -> Callable[P, Coroutine[Any, Any, R]]: ...


class Home(Enum):
    """Home of each table: a home is a schema, the value its name. On one machine all homes are one
    database, but for people; a statement stays inside one, so that homes can move to machines of
    their own.

    | home | what | keys |
    |---|---|---|
    | MERCHANT | what belongs to merchants, of whom a cell holds many | `merchant_id` first |
    | HUB | what is counted over merchants: cards and their sends, partners' feeds | its own |
    | DIRECTORY | whose a key or an id is, models; others' statements may read it | its own |
    | CHAIN | what was read of chains and sent to them, of all merchants | `chain` first |
    | PEOPLE | users, memberships and sessions: a database of its own | its own |

    Statements name tables without a schema: each connection says `search_path`. What is created
    without one is a cell's. Further cells are `cell_2`, …, with the same tables.
    """

    MERCHANT = "cell"
    HUB = "hub"
    DIRECTORY = "directory"
    CHAIN = "chain"
    PEOPLE = "public"

    def statement(self, sql: Sql) -> Declare:
        """Declares the function below as a statement on this home's tables."""
        return statement(self, sql)

    def within(self, seconds: float) -> "Slow":
        """Home of statements that may take this long, and no longer."""
        return Slow(self, seconds)


MERCHANT: Final = Home.MERCHANT
HUB: Final = Home.HUB
DIRECTORY: Final = Home.DIRECTORY
CHAIN: Final = Home.CHAIN
PEOPLE: Final = Home.PEOPLE

# In public: people's tables in their database, elsewhere which migrations were applied, and
# extensions.
FIRST_CELL: Final = 1


def schema_of_cell(cell: int) -> str:
    return MERCHANT.value if cell == FIRST_CELL else f"{MERCHANT.value}_{cell}"


def search_path(cell: int = FIRST_CELL) -> str:
    """Schemas in which a connection to this cell's node finds its tables."""
    return ", ".join([schema_of_cell(cell), *(home.value for home in Home if home is not MERCHANT)])


SEARCH_PATH: Final = search_path()


@dataclass(frozen=True)
class Statement:
    function: Callable[..., Any]
    home: Home
    whole: Callable[[], str]

    @property
    def name(self) -> str:
        return f"{self.function.__module__}.{self.function.__name__}"

    @property
    def sql(self) -> str:
        return self.whole()

    @cached_property
    def _signature(self) -> tuple[dict[str, Any], list[str]]:
        return get_type_hints(self.function), list(inspect.signature(self.function).parameters)

    @property
    def reads(self) -> bool:
        hints, (db, *_) = self._signature
        return hints[db] is Read

    @property
    def takes(self) -> dict[str, Any]:
        """The parameters' types by name."""
        hints, (_, *names) = self._signature
        return dict(pair for name in names for pair in _parameters(name, hints[name]))

    @property
    def gives(self) -> tuple[tuple[str | None, Any], ...]:
        """The columns' types, with the names of a row's fields."""
        return _result(self._signature[0]["return"])[0]


STATEMENTS: Final[list[Statement]] = []


def statement(home: Home, sql: Sql, *, seconds: float | None = None) -> Declare:
    """`sql`: a function where features add to it. `seconds`: the longest that it may take."""
    whole = cache(sql) if callable(sql) else partial(str, sql)

    def declare(function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        STATEMENTS.append(Statement(function, home, whole))
        ready = cache(
            partial(_ready, function, whole, seconds)
        )  # a process runs few of those that it declares

        def call(db: Any, *args: Any, **named: Any) -> Any:
            return ready()(db, *args, **named)

        return update_wrapper(call, function)  # type: ignore[return-value]

    return declare


def _ready(
    function: Callable[..., Any], whole: Callable[[], str], seconds: float | None
) -> Callable[..., Any]:
    """Runs it."""
    signature, written = inspect.signature(function), get_type_hints(function, include_extras=True)
    names = list(signature.parameters)[1:]
    spreads = any(hasattr(written[name], "_fields") for name in names)
    _, method, finish = _result(written["return"])
    count, options = len(names), {} if seconds is None else {"timeout": seconds}
    keeps = [
        (at, keeper) for at, name in enumerate(names) if (keeper := _each_kept(written[name], keep))
    ]

    async def call(db: Any, *args: Any, **named: Any) -> Any:
        if named or len(args) != count:
            bound = signature.bind(db, *args, **named)
            bound.apply_defaults()
            args = tuple(bound.arguments.values())[1:]
        if spreads:
            args = tuple(_spread(args))
        if keeps:
            args = _converted(args, keeps)
        return finish(await getattr(db, method)(whole(), *args, **options))

    return call


def _parameters(name: str, kind: Any) -> Iterator[tuple[str, Any]]:
    """The SQL parameters that an argument is."""
    if not hasattr(kind, "_fields"):
        yield name, kind
        return
    for field, its in get_type_hints(kind).items():
        yield from _parameters(f"{name}.{field}", its)


def _spread(args: Iterable[Any]) -> Iterator[Any]:
    for arg in args:
        yield from _spread(arg) if hasattr(arg, "_fields") else (arg,)


@frozen
class Slow:
    home: Home
    seconds: float

    def statement(self, sql: Sql) -> Declare:
        return statement(self.home, sql, seconds=self.seconds)


Columns = tuple[tuple[str | None, Any], ...]


def _result(annotation: Any) -> tuple[Columns, str, Make]:
    """The columns that are needed, the driver's method that fetches them, and what is made of its
    answer."""
    kind, optional = without_none(annotation)
    origin, of = get_origin(kind), get_args(kind)
    if kind in _WITHOUT_COLUMNS and not optional:
        return (), *_WITHOUT_COLUMNS[kind]
    if origin is list:
        gives, make = _maker(of[0])
        return gives, "fetch", lambda records: [make(record) for record in records]
    if origin is dict and kind != dict[str, Any]:
        key = _at(0, of[0])
        gives, make = (
            _maker(of[1]) if is_row(of[1]) else (((None, of[0]), (None, of[1])), _at(1, of[1]))
        )
        return gives, "fetch", lambda records: {key(record): make(record) for record in records}
    gives, make = _maker(kind)

    def first(record: Any) -> Any:
        if record is None and not optional:
            raise LookupError(f"A row of {kind} has to come, and none did.")
        return None if record is None else make(record)

    return gives, "fetchrow", first


_WITHOUT_COLUMNS: Final[dict[Any, tuple[str, Make]]] = {
    NoneType: ("execute", lambda tag: None),
    Written: ("execute", lambda tag: int(tag.rpartition(" ")[2])),
    bool: ("fetchval", bool),
}


def without_none(kind: Any) -> tuple[Any, bool]:
    """The annotation without `None`, and whether it had one."""
    if get_origin(kind) not in (Union, UnionType):
        return kind, False
    rest = [arg for arg in get_args(kind) if arg is not NoneType]
    return reduce(or_, rest), len(rest) < len(get_args(kind))


def is_row(kind: Any) -> bool:
    return isinstance(kind, type) and (
        issubclass(kind, msgspec.Struct)
        or is_dataclass(kind)
        or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )


def maker_of(row: type[R]) -> Callable[[Any], R]:
    """Makes such rows of the records of a statement that is put together at run time."""
    return _maker(row)[1]


def _maker(kind: Any) -> tuple[Columns, Make]:
    """The columns and maker of a row's type, or of one value's."""
    if not is_row(kind):
        return ((None, kind),), _at(0, kind)
    hints = get_type_hints(kind)
    columns = tuple((name, hints[name]) for name in _fields(kind))
    written = get_type_hints(kind, include_extras=True)
    special = [
        (at, made)
        for at, (name, _) in enumerate(columns)
        if (made := _made_of(written[name])) is not None
    ]
    if not special:
        return columns, lambda record: kind(*record)

    def convert(record: Any) -> Any:
        return kind(*_converted(record, special))

    return columns, convert


def _converted(values: Iterable[Any], makes: Iterable[tuple[int, Make]]) -> tuple[Any, ...]:
    """The values with those at some places made anew."""
    made = list(values)
    for at, make in makes:
        if made[at] is not None:
            made[at] = make(made[at])
    return tuple(made)


def _at(place: int, kind: Any) -> Make:
    made = _made_of(kind)
    if made is None:
        return lambda record: record[place]
    return lambda record: None if record[place] is None else made(record[place])


def _made_of(kind: Any) -> Make | None:
    if made := _each_kept(kind, kept):
        return made
    plain = without_none(get_args(kind)[0] if get_origin(kind) is Annotated else kind)[0]
    if isinstance(plain, type) and issubclass(plain, Enum):
        return plain
    origin = get_origin(plain)
    if is_row(plain) or origin is list and is_row(get_args(plain)[0]):
        return lambda value: msgspec.convert(value, plain)
    return origin if origin in (tuple, frozenset) else None


def _each_kept(kind: Any, convert: Callable[[str], str]) -> Make | None:
    """The maker of what `convert` makes of a `Kept` or of each in a list or a dict; None for any
    other annotation."""
    plain = without_none(kind)[0]
    if get_origin(plain) is Annotated and MARK in plain.__metadata__:
        return convert
    if get_origin(plain) in (list, Sequence) and (each := _each_kept(get_args(plain)[0], convert)):
        return lambda values: [each(value) for value in values]
    if get_origin(plain) is dict and (make := _each_kept(get_args(plain)[1], convert)):
        return lambda values: {name: make(value) for name, value in values.items()}
    return None


def columns_of(row: Any, table: str = "", /, **made: str) -> str:
    """A SELECT's list: the row's fields, as columns of `table`; `made`: the expressions of those
    that are none."""
    columns = {name: f"{table}.{name}" if table else name for name in _fields(row)}
    return ", ".join(
        f"{made[name]} AS {name}" if name in made else column for name, column in columns.items()
    )


def _fields(row: Any) -> tuple[str, ...]:
    if issubclass(row, msgspec.Struct):
        return tuple(row.__struct_fields__)
    return (
        tuple(row._fields) if issubclass(row, tuple) else tuple(field.name for field in fields(row))
    )

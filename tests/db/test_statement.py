"""A declared statement runs its SQL with its parameters in order and gives what its annotation
says."""

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest
from tests.databases import empty
from tests.db.test_statements import complaints, named
from tests.rings import each

from recoup.db.server import ServerAddress
from recoup.db.statement import MERCHANT, STATEMENTS, Read, Row, Tx, Written, statement


class State(Enum):
    OPEN = "open"


class Both(Row, frozen=True):
    state: State
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    a: int
    b: str | None


class Triple(NamedTuple):
    a: int
    b: int
    c: int


class Fake:
    """Gives these records, and keeps what was run."""

    def __init__(self, *records: tuple[Any, ...], tag: str = "UPDATE 3") -> None:
        self.records, self.tag, self.ran = records, tag, tuple[Any, ...]()

    async def fetch(self, sql: str, *args: Any, **options: Any) -> Any:
        self.ran = args, options
        return self.records

    async def fetchrow(self, sql: str, *args: Any, **options: Any) -> Any:
        self.ran = args, options
        return self.records[0] if self.records else None

    async def fetchval(self, sql: str, *args: Any, **options: Any) -> Any:
        return self.records[0][0] if self.records else None

    async def execute(self, sql: str, *args: Any, **options: Any) -> str:
        self.ran = args, options
        return self.tag


@each(
    ("kind", "records", "result"),
    [
        (int, [(7, 8)], 7),
        (int | None, [], None),
        (int | None, [(None,)], None),
        (State, [("open",)], State.OPEN),
        (bool, [], False),
        (bool, [(True,)], True),
        (bool, [(False,)], False),
        (bool | None, [], None),
        (bool | None, [(False,)], False),
        (Written, [], 3),
        (None, [], None),
        (Pair, [(1, "x")], Pair(1, "x")),
        (Pair | None, [], None),
        (Triple, [(1, 2, 3)], Triple(1, 2, 3)),
        (Both, [("open", ["a", "b"])], Both(State.OPEN, ("a", "b"))),
        (list[int], [(1,), (2,)], [1, 2]),
        (list[Pair], [(1, None)], [Pair(1, None)]),
        (dict[int, str], [(1, "x"), (2, "y")], {1: "x", 2: "y"}),
        (dict[int, Pair], [(1, "x")], {1: Pair(1, "x")}),
        (dict[str, Any], [({"a": 1},)], {"a": 1}),
    ],
)
def test_the_annotation_says_what_comes(
    kind: Any, records: list[tuple[Any, ...]], result: object
) -> None:
    async def read(db: Tx) -> Any: ...

    read.__annotations__["return"] = kind
    assert asyncio.run(statement(MERCHANT, "SELECT 1")(read)(Fake(*records))) == result
    STATEMENTS.pop()


@pytest.fixture
def named_statement() -> Any:
    async def read(db: Read, a: int, b: str = "there", *, c: int | None = None) -> list[int]: ...

    yield statement(MERCHANT, "SELECT $1::int, $2::text, $3::int", seconds=2.0)(read)
    STATEMENTS.pop()


def test_parameters_go_in_the_signatures_order(named_statement: Any) -> None:
    for call, ran in (
        (lambda db: named_statement(db, 1, "x", c=5), (1, "x", 5)),
        (lambda db: named_statement(db, c=5, a=1), (1, "there", 5)),
        (lambda db: named_statement(db, 1), (1, "there", None)),
    ):
        fake = Fake((1,))
        asyncio.run(call(fake))
        assert fake.ran == (ran, {"timeout": 2.0})


def test_a_named_tuple_is_as_many_parameters_as_its_fields_at_any_depth() -> None:
    class Nested(NamedTuple):
        place: Triple
        last: int

    async def read(db: Read, first: int, nested: Nested) -> list[int]: ...

    call, fake = statement(MERCHANT, "SELECT $1")(read), Fake((1,))
    declared = STATEMENTS.pop()
    given = Nested(Triple(*range(2, 2 + len(Triple._fields))), 9)
    asyncio.run(call(fake, 1, given))
    assert fake.ran[0] == (1, *given.place, 9)
    assert list(declared.takes) == [
        "first",
        *(f"nested.place.{name}" for name in Triple._fields),
        "nested.last",
    ]


def test_a_row_that_has_to_come_and_does_not_is_an_error() -> None:
    async def read(db: Read) -> Pair: ...

    with pytest.raises(LookupError):
        asyncio.run(statement(MERCHANT, "SELECT 1")(read)(Fake()))
    STATEMENTS.pop()


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("SELECT merchant_id, name FROM sites WHERE merchant_id = $1", "parameter name"),
        ("SELECT merchant_id FROM sites WHERE merchant_id = $1", "1 columns"),
        (
            "SELECT merchant_id, site_id FROM sites WHERE merchant_id = $1",
            "where the field name is",
        ),
        (
            "SELECT merchant_id, version AS name FROM merchants WHERE merchant_id = $1",
            "the signature says",
        ),
    ],
)
def test_a_signature_that_says_something_else_is_found(
    server: ServerAddress, sql: str, complaint: str
) -> None:
    class Site(Row, frozen=True):
        merchant_id: UUID
        name: str

    async def read(db: Read, name: str) -> list[Site]: ...

    read.__annotations__["return"] = list[Site]
    statement(MERCHANT, sql)(read)
    one = STATEMENTS.pop()

    async def found() -> list[str]:
        connection = await asyncpg.connect(await empty(server, "world", f"wrong_{abs(hash(sql))}"))
        try:
            return complaints(one, await connection.prepare(sql))
        finally:
            await connection.close()

    assert any(complaint in line for line in asyncio.run(found()))


def test_tables_and_writes_are_read_from_the_sql() -> None:
    seen = named(
        "WITH a AS (SELECT FROM orders FOR UPDATE) SELECT FROM a JOIN api_keys USING (merchant_id)"
    )
    assert (seen.tables - seen.ctes, seen.modifies) == ({"orders", "api_keys"}, 1)

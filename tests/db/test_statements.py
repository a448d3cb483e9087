"""Every declared statement is prepared on the real schema: its parameters and columns are what its
signature says, it stays in its home, and what only reads says so.
"""

import asyncio
from collections.abc import AsyncIterable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, NewType, get_args, get_origin
from uuid import UUID

import asyncpg
import pglast
import pytest
from pglast import ast
from pglast.visitors import Skip, Visitor
from tests.databases import empty
from tests.declared import homes
from tests.rings import each
from tests.subjects import modules_of

from recoup.db.server import ServerAddress
from recoup.db.statement import DIRECTORY, PEOPLE, STATEMENTS, Home, Statement, is_row, without_none

every = list(modules_of("store"))

PLAIN: Mapping[str, type] = {
    "uuid": UUID,
    "text": str,
    "varchar": str,
    "name": str,
    "bpchar": str,
    "char": str,
    "int2": int,
    "int4": int,
    "int8": int,
    "oid": int,
    "bool": bool,
    "bytea": bytes,
    "timestamptz": datetime,
    "date": date,
    "time": time,
    "interval": timedelta,
    "numeric": Decimal,
    "float4": float,
    "float8": float,
}
LISTS = (list, tuple, set, frozenset, Sequence, Collection, Iterable, AsyncIterable)
WRITING = (ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.MergeStmt)
OURS = {None, *(home.value for home in Home)}
WRITES_OF_THE_DIRECTORY = {
    "insight.store.issuers.count_issuers"
}  # what all merchants' cards tell of an issuer, rounded
BY_DATABASE = sorted({"people" if one.home is PEOPLE else "world" for one in STATEMENTS})


def fits(annotation: Any, kind: str) -> bool:
    """Whether a value of this PostgreSQL type is what the annotation says."""
    plain = without_none(annotation)[0]
    plain = plain.__supertype__ if isinstance(plain, NewType) else plain
    if kind.endswith("[]"):
        return get_origin(plain) in LISTS and fits(get_args(plain)[0], kind[:-2])
    if kind in ("json", "jsonb"):
        return (
            plain is Any
            or plain is object
            or get_origin(plain) in (dict, list, Mapping, Sequence)
            or is_row(plain)
        )
    if get_origin(plain) is Literal:
        return {type(one) for one in get_args(plain)} == {PLAIN.get(kind)}
    if isinstance(plain, type) and issubclass(plain, Enum):
        return {type(one.value) for one in plain} == {PLAIN.get(kind)}
    return bool(plain is PLAIN.get(kind))


def complaints(one: Statement, prepared: Any) -> list[str]:
    taken = [f"{p.name}" for p in prepared.get_parameters()]
    found = (
        []
        if len(taken) == len(one.takes)
        else [f"{len(taken)} parameters, the signature has {len(one.takes)}"]
    )
    for (name, annotation), kind in zip(one.takes.items(), taken, strict=False):
        if not fits(annotation, kind):
            found.append(f"parameter {name}: {kind}, the signature says {annotation}")
    columns = prepared.get_attributes()
    if one.gives and len(columns) != len(one.gives):
        found.append(f"{len(columns)} columns, {len(one.gives)} expected")
    for column, (name, annotation) in zip(columns, one.gives, strict=False):
        if name is not None and column.name != name:
            found.append(f"column {column.name} stands where the field {name} is")
        if not fits(annotation, column.type.name):
            found.append(
                f"column {column.name}: {column.type.name}, the signature says {annotation}"
            )
    return found


class _Named(Visitor):  # type: ignore[misc]
    """Tables that are named, and whether anything is written or locked."""

    def __init__(self) -> None:
        self.tables, self.ctes, self.modifies = set[str](), set[str](), 0
        self.written = list[str]()

    def visit_RangeVar(self, _: Any, node: Any) -> None:  # noqa: N802
        if node.schemaname in OURS:
            self.tables.add(node.relname)

    def visit_CommonTableExpr(self, _: Any, node: Any) -> None:  # noqa: N802
        self.ctes.add(node.ctename)

    def visit_LockingClause(self, _: Any, __: Any) -> Any:  # noqa: N802
        self.modifies += 1
        return Skip  # it names aliases

    def visit(self, _: Any, node: Any) -> None:
        if isinstance(node, WRITING):
            self.modifies += 1
            self.written.append(node.relation.relname)


def named(sql: str) -> _Named:
    visitor = _Named()
    visitor(pglast.parse_sql(sql))
    return visitor


@pytest.mark.parametrize("database", BY_DATABASE)
def test_a_statement_is_what_its_signature_says(server: ServerAddress, database: str) -> None:
    assert asyncio.run(_complaints(server, database)) == {}


async def _complaints(server: ServerAddress, database: str) -> dict[str, list[str]]:
    connection = await asyncpg.connect(await empty(server, database, f"prepared_{database}"))
    wrong = dict[str, list[str]]()
    try:
        for one in STATEMENTS:
            if (one.home is PEOPLE) == (database == "people"):
                try:
                    found = complaints(one, await connection.prepare(one.sql))
                except asyncpg.PostgresError as error:
                    found = [str(error)]
                if found:
                    wrong[one.name] = found
    finally:
        await connection.close()
    return wrong


@each("one", STATEMENTS)
def test_a_statement_stays_in_its_home(server: ServerAddress, one: Statement) -> None:
    seen = named(one.sql)
    database = "people" if one.home is PEOPLE else "world"
    assert homes(server, database, seen.tables - seen.ctes) <= {one.home, DIRECTORY}
    assert not one.reads or not seen.modifies, "what takes a `Read` connection only reads"


def test_a_statement_writes_one_table_of_its_own_home(server: ServerAddress) -> None:
    """Several writes are a function's, one after the other."""
    several, elsewhere = set[str](), set[str]()
    for one in STATEMENTS:
        tables = named(one.sql).written
        database = "people" if one.home is PEOPLE else "world"
        if len(tables) > 1:
            several.add(one.name.removeprefix("recoup."))
        if homes(server, database, tables) - {one.home}:
            elsewhere.add(one.name.removeprefix("recoup."))
    assert several == set()
    assert elsewhere == WRITES_OF_THE_DIRECTORY

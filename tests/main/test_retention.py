"""How long each table's rows live is said once, and by what they end; the schema agrees."""

import asyncio
import re
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from tests.databases import drop, empty
from tests.subjects import modules_of

from recoup.db.server import ServerAddress
from recoup.db.statement import STATEMENTS, Home
from recoup.db.upkeep import RETAIN
from recoup.kit.retention import GOOD, ORDER, STANDS, Line, name_of
from recoup.main.retention import PEOPLE, of_world

every = list(modules_of("store"))

WORLD = of_world()
LINES = {"world": WORLD, "people": PEOPLE}
_TABLES = """
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
  AND relnamespace::regnamespace::text = ANY($1)
"""
_OURS = "SELECT proname, prosrc FROM pg_proc WHERE pronamespace::regnamespace::text = ANY($1)"
DELETED = re.compile(r"\bDELETE FROM (?:ONLY )?(?:\w+\.)?(\w+)")


def asked(server: ServerAddress, database: str) -> tuple[set[str], dict[str, str]]:
    """The tables, and the text of each function."""

    async def run() -> tuple[set[str], dict[str, str]]:
        name, homes = f"r_{uuid4().hex[:12]}", [home.value for home in Home]
        connection = await asyncpg.connect(await empty(server, database, name))
        try:
            tables: Any = await connection.fetch(_TABLES, homes)
            functions: Any = await connection.fetch(_OURS, homes)
        finally:
            await connection.close()
            await drop(server, name)
        return {row[0] for row in tables}, {row[0]: row[1] for row in functions}

    return asyncio.run(run())


@pytest.mark.parametrize("database", LINES)
def test_each_table_has_a_line_and_each_line_a_table(server: ServerAddress, database: str) -> None:
    tables, functions = asked(server, database)
    said = [line.table for line in LINES[database]]
    assert sorted(said) == sorted(set(said)), "one line a table"
    assert not tables - set(said), "how long do their rows live? recoup/main/retention.py"
    assert not set(said) - tables, "these are no tables any more"
    ends = {end for line in LINES[database] for end in line.ends if "." not in end}
    assert not ends - functions.keys(), "these are no functions of the database"
    if database == "world":
        gone = {table for text in functions.values() for table in DELETED.findall(text)}
        assert not gone & _endless(LINES[database]), "a function deletes their rows"


def test_what_a_statement_deletes_is_not_said_to_live_for_good() -> None:
    gone = {table for one in STATEMENTS for table in DELETED.findall(one.sql)}
    assert len(gone) > 30
    assert not gone & (_endless(WORLD) | _endless(PEOPLE))


def test_what_upkeep_forgets_ends_the_rows_of_a_line() -> None:
    ends = {end for line in WORLD for end in line.ends}
    assert not {name_of(retention.forget) for retention in RETAIN} - ends


def _endless(lines: tuple[Line, ...]) -> set[str]:
    return {line.table for line in lines if line.how_long in (GOOD, ORDER, STANDS)}

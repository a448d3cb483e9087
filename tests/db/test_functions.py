"""What is held of a statement is held of each statement in a function, too: its home, and one table
written by each."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pglast
from tests.db.test_statements import named
from tests.declared import homes
from tests.rings import each

from recoup.db.migrate import schema_sql
from recoup.db.server import ServerAddress
from recoup.db.statement import DIRECTORY, MERCHANT, STATEMENTS, Home

CREATE = re.compile(r"^CREATE FUNCTION (?:(\w+)\.)?(\w+)\((.*?)^END \$\$;$", re.S | re.M)
FOUND = list(CREATE.finditer(schema_sql("world")))
SOURCES = {match[2]: match[0] for match in FOUND}
FUNCTIONS = {match[2]: Home(match[1] or MERCHANT.value) for match in FOUND}


def queries(node: Any) -> Iterator[str]:
    """The statements of a function; expressions are none."""
    if isinstance(node, dict):
        query = node.get("PLpgSQL_expr", {}).get("query", "")
        if query.lstrip().upper().startswith(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")):
            yield query
        elif "ARRAY(SELECT" in query:
            yield f"SELECT {query.partition(':=')[2]}"
        for one in node.values():
            yield from queries(one)
    elif isinstance(node, list):
        for one in node:
            yield from queries(one)


def test_every_function_has_a_home_and_somebody_who_calls_it() -> None:
    assert len(FUNCTIONS) == len(FOUND) >= 11
    called = {name: [one for one in STATEMENTS if f"{name}(" in one.sql] for name in FUNCTIONS}
    for name, statements in called.items():
        assert statements, name
        assert {(one.home, one.reads) for one in statements} == {(FUNCTIONS[name], False)}, name


@each("name", sorted(FUNCTIONS))
def test_a_function_stays_in_its_home_and_each_statement_writes_one_table(
    server: ServerAddress, name: str
) -> None:
    found = list(queries(json.loads(pglast.parser.parse_plpgsql_json(SOURCES[name]))))
    assert len(found) > 1
    for sql in found:
        seen = named(sql)
        tables = seen.written
        assert homes(server, "world", seen.tables - seen.ctes) <= {FUNCTIONS[name], DIRECTORY}, sql
        assert len(tables) <= 1, sql
        assert homes(server, "world", tables) <= {FUNCTIONS[name]}, sql

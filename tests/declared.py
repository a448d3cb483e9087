"""The SQL of a declared statement, the homes of tables, and the plans of the statements in a
function, for tests."""

import asyncio
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import asyncpg
from tests.databases import drop, empty

from recoup.db.server import ServerAddress
from recoup.db.statement import STATEMENTS, Home

_HOMES = """
SELECT relname::text, relnamespace::regnamespace::text FROM pg_class
WHERE relnamespace = ANY(current_schemas(false)::regnamespace[]) AND relkind IN ('r', 'p', 'v')
"""

COSTS = re.compile(r"  \(cost=[^)]*\)")
EXPLAINED = """
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on;
  SET client_min_messages = log
"""


def homes(server: ServerAddress, database: str, tables: Iterable[str]) -> set[Home]:
    """In whose schemas they are; PostgreSQL's own are in none. `database`: "world" or "people"."""
    known = _homes(server, database)
    return {known[table] for table in tables if not table.startswith("pg_")}


@cache
def _homes(server: ServerAddress, database: str) -> Mapping[str, Home]:
    async def told() -> Mapping[str, Home]:
        name = f"h_{uuid.uuid4().hex[:12]}"
        connection = await asyncpg.connect(await empty(server, database, name))
        try:
            return {table: Home(schema) for table, schema in await connection.fetch(_HOMES)}
        finally:
            await connection.close()
            await drop(server, name)

    return asyncio.run(told())


def sql_of(function: Callable[..., Any]) -> str:
    return next(
        one.sql for one in STATEMENTS if one.name == f"{function.__module__}.{function.__name__}"
    )


async def plans_inside(connection: asyncpg.Connection, call: str) -> str:
    """How the statements of the function that is called find their rows; nothing is kept of what it
    does."""
    plans = list[str]()
    await connection.execute(EXPLAINED)
    connection.add_log_listener(lambda _, message: plans.append(COSTS.sub("", message.message)))
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(call)
    finally:
        await transaction.rollback()
        await connection.execute("RESET client_min_messages")
    return "\n".join(plans)

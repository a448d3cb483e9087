"""Further cells of a world: the same tables as the first one's, in a schema of their own. They are
made by the same scripts, of which a cell takes what is no other home's."""

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from recoup.db.connect import connect
from recoup.db.statement import FIRST_CELL, MERCHANT, Home, Read, schema_of_cell, search_path

_LISTED: Final = "SELECT cell FROM directory.cells WHERE cell > 1 ORDER BY cell"
_HAS_LIST: Final = "SELECT to_regclass('directory.cells') IS NOT NULL"
# Names that a script says without a schema although they are no cell's.
_ELSEWHERE: Final = """
SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY($1) AND c.relkind IN ('r', 'p', 'v', 'i', 'I')
"""
_OTHERS: Final = [home.value for home in Home if home is not MERCHANT]
_OF_OTHERS: Final = re.compile(rf"(?:{'|'.join(_OTHERS)})\.")
_TARGET: Final = re.compile(
    r"(?:CREATE\s+(?:OR\s+REPLACE\s+)?(?:UNLOGGED\s+)?(?:TABLE|VIEW|FUNCTION|TYPE|DOMAIN)"
    r"(?:\s+IF\s+NOT\s+EXISTS)?"
    r"|(?:ALTER|DROP)\s+(?:TABLE|VIEW|FUNCTION|TYPE|DOMAIN|INDEX(?:\s+CONCURRENTLY)?)"
    r"(?:\s+IF\s+EXISTS)?(?:\s+ONLY)?"
    r"|CREATE\s+(?:UNIQUE\s+)?INDEX\b[^(]*?\bON(?:\s+ONLY)?"
    r"|CREATE\s+(?:CONSTRAINT\s+)?TRIGGER\b.*?\bON"
    r"|INSERT\s+INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM)\s+([\w.]+)",
    re.DOTALL,
)
_OF_THE_CELL: Final = re.compile(r"\bSCHEMA cell\b")


async def further_cells(connection: Read) -> list[int]:
    """Cells beside the first one."""
    if not await connection.fetchval(_HAS_LIST):
        return []
    return [row["cell"] for row in await connection.fetch(_LISTED)]


async def elsewhere(connection: asyncpg.Connection) -> Collection[str]:
    """Names of what other homes have."""
    return {row[0] for row in await connection.fetch(_ELSEWHERE, _OTHERS)}


def statements(script: str) -> Iterator[str]:
    """Parts of a script, each whole with its body between `$$`, without comments."""
    statement = ""
    for part in script.split(";\n"):
        statement += part + ";\n"
        if statement.count("$$") % 2:
            continue
        kept = "\n".join(line for line in statement.splitlines() if not line.startswith("--"))
        if kept.strip(" ;\n"):
            yield kept
        statement = ""


def of_cell(script: str, cell: int, names: Collection[str]) -> Iterator[str]:
    """Statements of a script that a further cell runs, too. `names`: of what other homes have."""
    for statement in statements(script):
        found = _TARGET.match(statement.lstrip())
        target = found[1].removeprefix(f"{MERCHANT.value}.") if found else ""
        if _OF_OTHERS.match(target) or target in names:
            continue
        yield _OF_THE_CELL.sub(f"SCHEMA {schema_of_cell(cell)}", statement)


async def run_in_cell(connection: asyncpg.Connection, script: str, cell: int) -> None:
    """Runs it in an open transaction, after the first cell's run."""
    names = await elsewhere(connection)
    await connection.execute(f"SET LOCAL search_path = {search_path(cell)}")
    for statement in of_cell(script, cell, names):
        await connection.execute(statement)
    await connection.execute(f"SET LOCAL search_path = {search_path(FIRST_CELL)}")


_HAS_NODES: Final = "SELECT to_regclass('pg_catalog.pg_dist_node') IS NOT NULL"
_NODE: Final = """
SELECT n.nodename || ':' || n.nodeport FROM pg_dist_shard s
JOIN pg_dist_placement p ON p.shardid = s.shardid JOIN pg_dist_node n ON n.groupid = p.groupid
WHERE s.logicalrelid = to_regclass($1) AND n.noderole = 'primary' LIMIT 1
"""


async def addresses(dsn: str) -> dict[int, str]:
    """Cell -> address of the server that has it: on Citus the node that owns its tables. Raises:
    what the driver does."""
    connection = await connect(dsn)
    try:
        cells = [FIRST_CELL, *await further_cells(connection)]
        return {cell: at_node(dsn, await node_of(connection, cell)) for cell in cells}
    finally:
        await connection.close()


async def node_of(connection: Read, cell: int) -> str | None:
    """The node of Citus that owns a cell's tables, as host:port; None: it is on no Citus."""
    if not await connection.fetchval(_HAS_NODES):
        return None
    return await connection.fetchval(_NODE, f"{schema_of_cell(cell)}.cell_mark")  # type: ignore[no-any-return]


def at_node(dsn: str, node: str | None) -> str:
    """The same database and log-in on another server; None: on the same."""
    if node is None:
        return dsn
    parts = urlsplit(dsn)
    log_in = parts.netloc.rpartition("@")[0]
    kept = [pair for pair in parse_qsl(parts.query) if pair[0] not in ("host", "port")]
    netloc = f"{log_in}@{node}" if log_in else node
    return urlunsplit(parts._replace(netloc=netloc, query=urlencode(kept)))


async def list_cell(connection: asyncpg.Connection, cell: int, now: datetime) -> None:
    """Lets merchants come to a cell; those from before are the first one's."""
    await connection.execute(
        "INSERT INTO merchants_cells (merchant_id, cell) SELECT merchant_id, 1 FROM cell.merchants "
        "ON CONFLICT DO NOTHING"
    )
    await connection.execute(
        "INSERT INTO cells (cell, added_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", cell, now
    )

"""Numbered SQL files are the way to the schema; `schema/` is the schema to read. A test proves the two equal."""

from importlib.resources import files

import asyncpg

from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks

LOCK = 7_301_842_001  # keeps two starting processes apart; correctness rests on the table's primary key


def sources(database: str) -> list[tuple[int, str, str]]:
    """(number, name, SQL) of each migration of `world` or `people`, in order."""
    found = []
    for entry in sorted((files("recoup.store") / "migrations" / database).iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".sql"):
            found.append((int(entry.name[:4]), entry.name, entry.read_text()))
    return found


def schema_sql(database: str, lifecycle_check: str) -> str:
    """The whole schema as one script, the lifecycle's CHECK filled in."""
    parts = []
    for entry in sorted((files("recoup.store") / "schema" / database).iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".sql"):
            parts.append(entry.read_text().replace("{{lifecycle}}", lifecycle_check))
    return "\n".join(parts)


async def create_database(admin_dsn: str, name: str) -> None:
    """Creates the role and the database when they are missing."""
    connection = await asyncpg.connect(admin_dsn, timeout=10)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = 'recoup_app'"):
            try:
                await connection.execute("CREATE ROLE recoup_app NOLOGIN")
            except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                pass  # another process was faster
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            try:
                await connection.execute(f'CREATE DATABASE "{name}"')
            except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                pass
    finally:
        await connection.close()


async def migrate(dsn: str, database: str, *, world: str | None = None) -> int:
    """Applies what is missing, each file in its own transaction; answers the schema's number.

    Raises: Problem(unavailable) when the database belongs to another world or to a newer Recoup.
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        if int(connection.get_server_version().major) < 15:
            raise Problem("unavailable", "Recoup needs PostgreSQL 15 or newer.",
                          cure="Point it at a newer server, or leave the setting out: one is embedded.")  # fmt: skip
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (number int PRIMARY KEY, name text, at timestamptz)"
        )
        done = {r["number"] for r in await connection.fetch("SELECT number FROM schema_migrations")}
        files_ = sources(database)
        newest = files_[-1][0]
        if done and max(done) > newest:
            raise Problem("unavailable", f"The {database} database is newer ({max(done)}) than this Recoup ({newest}).",
                          cure="Start it with that Recoup or a newer one.")  # fmt: skip
        for number, name, sql in files_:
            if number in done:
                continue
            async with connection.transaction():
                await connection.execute(sql)
                await connection.execute(
                    "INSERT INTO schema_migrations VALUES ($1, $2, $3)", number, name, Clocks().wall()
                )
        if world is not None:
            await _claim_world(connection, world)
        return newest
    finally:
        await connection.close()


async def _claim_world(connection: asyncpg.Connection, world: str) -> None:
    await connection.execute(
        "INSERT INTO world (name, epoch, created_at) VALUES ($1, 1, $2) ON CONFLICT DO NOTHING",
        world,
        Clocks().wall(),
    )
    name = await connection.fetchval("SELECT name FROM world")
    if name != world:
        raise Problem("unavailable", f"This database holds the world {name!r}, not {world!r}; check the settings.",
                      cure="Point the world's own setting at it: see docs/settings.md.")  # fmt: skip

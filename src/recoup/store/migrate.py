"""Migrations of a database. Until 0.1.0 is tagged there is one, `0001`, which is the schema as `schema/` has it.

A migration that was applied is never changed again: the database keeps its checksum.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import asyncpg

from recoup.core.kit.feature import features
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.rules.order.lifecycle import check_sql
from recoup.store.connect import connect
from recoup.store.roles import ensure_roles
from recoup.store.versions import Schema, held_up_by, others, schema_by

LOCK: Final = 7_301_842_001  # keeps two starting processes apart; correctness rests on the table's primary key
WAIT_SECONDS_MAX: Final = 900.0  # for another process that migrates
LOCK_TIMEOUT_SECONDS: Final = 3  # a statement that waits longer for a table would hold up everyone behind it
LOCK_TRIES: Final = 20
_ANEW: Final = "Start anew with an empty data folder or database, or go on with the commit that made this one."
CONCURRENTLY: Final = "-- concurrently\n"  # the first line of a file whose statements want no transaction
# Databases of the first commits have no checksums.
_APPLIED: Final = """
SELECT number, name, to_jsonb(m) ->> 'checksum' AS checksum FROM schema_migrations m ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_of(database: str) -> list[Migration]:
    """The migrations of `world` or `people`, in order."""
    named = "".join(f" +{one.name}" for one in features())
    return [Migration(1, f"0001_schema{named}", schema_sql(database))]


def schema_of(database: str) -> Schema:
    """What this release takes the `world` or `people` database to be."""
    return _schema(migrations_of(database))


def _schema(migrations: Sequence[Migration]) -> Schema:
    return schema_by([(one.number, one.checksum) for one in migrations])


def schema_sql(database: str) -> str:
    """The whole schema as one script: the core's tables, then those of features, then what is granted of them. The
    lifecycle's CHECK and the kinds of alerts are filled in."""
    folder = files("recoup.store") / "schema" / database
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    own = [entry.read_text(encoding="utf-8") for entry in found]
    added = [(one.folder / "schema.sql").read_text(encoding="utf-8") for one in features() if one.tables]
    alerts = "".join(f", '{kind}'" for one in features() for kind in one.notifies)
    whole = [*own[:-1], *(added if database == "world" else ()), own[-1]]
    return "\n".join(whole).replace("{{lifecycle}}", check_sql()).replace("{{alerts}}", alerts)


async def create_database(admin_dsn: str, name: str, log_in: str | None = None) -> None:
    """Creates the application's roles and the database when they are missing. `log_in`: the application's own.

    Raises: Problem(unavailable) when that wants an administrator.
    """
    connection = await connect(admin_dsn)
    try:
        await ensure_roles(connection, log_in)
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            try:
                await connection.execute(f'CREATE DATABASE "{name}"')
            except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                pass
    finally:
        await connection.close()


async def migrate(
    dsn: str, database: str, *, world: str | None = None, migrations: Sequence[Migration] | None = None
) -> int:
    """Applies what is missing, in order, each file in its own transaction; answers the schema's newest number. A lower
    number than the newest may be missing, where two branches were merged.

    Raises: Problem(unavailable) when the database belongs to another world, to a newer Recoup or to one from before
    0.1.0, when an applied file has another text now, or when processes of another release are connected.
    """
    wanted = migrations_of(database) if migrations is None else migrations
    connection = await connect(dsn)
    try:
        if int(connection.get_server_version().major) < 15:
            raise Problem(
                "unavailable",
                "Recoup needs PostgreSQL 15 or newer.",
                cure="Point it at a newer server, or leave the setting out: one is embedded.",
            )
        await _alone(connection)
        await _keep_record(connection)
        missing = await missing_of(connection, database, wanted)
        for migration in missing:
            await _apply(connection, database, migration, _schema(wanted))
        if world is not None:
            await _claim_world(connection, world)
        return wanted[-1].number
    finally:
        await connection.close()


async def check_migrated(dsn: str, database: str) -> list[Migration]:
    """What is missing, for a log-in that may not migrate. Raises: Problem(unavailable) as `migrate` does."""
    connection = await connect(dsn)
    try:
        return await missing_of(connection, database, migrations_of(database))
    except asyncpg.UndefinedTableError:
        return migrations_of(database)
    finally:
        await connection.close()


async def _alone(connection: asyncpg.Connection) -> None:
    """Asks again and again: one that waited in a statement would hold up an index that is built concurrently."""
    for _ in range(int(WAIT_SECONDS_MAX / 0.1)):
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            return
        await asyncio.sleep(0.1)
    raise Problem(
        "unavailable",
        f"Another process has been migrating this database for {WAIT_SECONDS_MAX:.0f} s.",
        cure="Wait until it is through, or see what it waits for in pg_stat_activity.",
    )


async def _keep_record(connection: asyncpg.Connection) -> None:
    """Which files were applied, with their checksums. Only who owns the schema writes here."""
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        await connection.execute(
            "CREATE TABLE schema_migrations (number int PRIMARY KEY, name text, at timestamptz, checksum text NOT NULL)"
        )


async def missing_of(connection: asyncpg.Connection, database: str, wanted: Sequence[Migration]) -> list[Migration]:
    """What is still to be applied. Raises: Problem(unavailable) when what was applied is not what is wanted."""
    rows = await connection.fetch(_APPLIED)
    by_number = {migration.number: migration for migration in wanted}
    for row in rows:
        known = by_number.get(row["number"])
        if known and known.number == 1 and known.checksum != row["checksum"]:
            if known.name != row["name"] and row["name"].startswith("0001_schema"):
                message = f"The {database} database was made with other features: {row['name']}, not {known.name}."
                raise Problem("unavailable", message, cure="Name in the setting `features` those that made it.")
            message = f"The {database} database has a schema from before 0.1.0, from which no migration leads here."
            raise Problem("unavailable", message, cure=_ANEW)
        if known is None:
            message = f"The {database} database is newer than this Recoup, which has no migration {row['name']}."
            raise Problem("unavailable", message, cure="Start it with the Recoup that made it, or a newer one.")
        if known.checksum != row["checksum"]:
            message = f"The migration {known.name} is not the text that was applied to the {database} database."
            raise Problem("unavailable", message, cure="Restore the file: a change of the schema is a new file.")
    applied = {row["number"] for row in rows}
    return [migration for migration in wanted if migration.number not in applied]


async def others_beside(dsn: str, database: str) -> list[str]:
    """Connections of processes of other releases."""
    connection = await connect(dsn)
    try:
        return await others(connection, schema_of(database))
    finally:
        await connection.close()


async def _refuse_others(connection: asyncpg.Connection, schema: Schema) -> None:
    if found := await others(connection, schema):
        raise held_up_by(found)


async def _apply(connection: asyncpg.Connection, database: str, migration: Migration, schema: Schema) -> None:
    """Again and again while a table that it needs is in use: in between, those who use it go on."""
    for left in range(LOCK_TRIES - 1, -1, -1):
        try:
            if migration.sql.startswith(CONCURRENTLY):
                await _refuse_others(connection, schema)
                await _apply_concurrently(connection, migration)
                return
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
                await connection.execute("LOCK TABLE schema_migrations")  # who connects now waits, see `versions.greet`
                await _refuse_others(connection, schema)
                await connection.execute(migration.sql)
                await _note(connection, migration)
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if not left:
                message = f"The migration {migration.name} of the {database} database waits for a table in use: {error}"
                raise Problem("unavailable", message, cure="Start it again when less is going on.") from error
            await asyncio.sleep(0.5)


async def _apply_concurrently(connection: asyncpg.Connection, migration: Migration) -> None:
    """Statement by statement. A second run after one that was broken off begins at the first: each says IF EXISTS."""
    statement = ""
    for part in migration.sql.split(";\n"):
        statement += part + ";\n"
        if statement.count("$$") % 2:  # within DO $$ … $$
            continue
        if any(line.strip(" ;") and not line.startswith("--") for line in statement.splitlines()):
            await connection.execute(statement)
        statement = ""
    await _note(connection, migration)


async def _note(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO schema_migrations (number, name, at, checksum) VALUES ($1, $2, $3, $4)",
        migration.number,
        migration.name,
        Clocks().wall(),
        migration.checksum,
    )


async def _claim_world(connection: asyncpg.Connection, world: str) -> None:
    await connection.execute(
        "INSERT INTO world (name, epoch, created_at) VALUES ($1, 1, $2) ON CONFLICT DO NOTHING", world, Clocks().wall()
    )
    name = await connection.fetchval("SELECT name FROM world")
    if name != world:
        raise Problem(
            "unavailable",
            f"This database holds the world {name!r}, not {world!r}; check the settings.",
            cure="Point the world's own setting at it: see docs/settings.md.",
        )

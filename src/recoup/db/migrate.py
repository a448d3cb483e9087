"""Migrations of a database. `0001` is the schema as 0.1.0 had it, once `make freeze` has kept it;
until then it is the schema as `schema/` has it. A package's feature has migrations of its own,
numbered from 1.

A migration that was released or applied is never changed again: `released.txt` and the database
keep its checksum.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg

from recoup.db.cells import elsewhere, further_cells, of_cell, run_in_cell, statements
from recoup.db.connect import connect
from recoup.db.roles import ensure_roles
from recoup.db.statement import schema_of_cell, search_path
from recoup.db.versions import Key, Schema, held_up_by, others, schema_by
from recoup.kernel.feature import LIST, Feature, Place, features
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks

# keeps two starting processes apart; correctness rests on the table's primary key
LOCK: Final = 7_301_842_001
WAIT_SECONDS_MAX: Final = 900.0  # for another process that migrates
LOCK_TIMEOUT_SECONDS: Final = (
    3  # a statement that waits longer for a table would hold up everyone behind it
)
LOCK_TRIES: Final = 20
_ANEW: Final = (
    "Start anew with an empty data folder or database, or go on with the commit that made this one."
)
# Comments at a file's head. `-- beside`: it only adds, so that the former release may go on; `--
# concurrently`: its statements want no transaction.
BESIDE: Final = "-- beside"
CONCURRENTLY: Final = "-- concurrently"
FIRST: Final[Key] = ("", 1)
BESIDE_LOCK_SECONDS, BESIDE_LOCK_TRIES = (
    0.3,
    200,
)  # calls that wait behind it keep their two seconds
FOLDER: Final = Path(__file__).parent
RELEASED: Final = "released.txt"  # as sha256sum prints it
# Databases of the first commits have neither features nor checksums.
_APPLIED: Final = """
SELECT coalesce(to_jsonb(m) ->> 'feature', '') AS feature, number, name,
  to_jsonb(m) ->> 'checksum' AS checksum,
  coalesce(to_jsonb(m) ->> 'beside', 'false')::boolean AS beside
FROM schema_migrations m ORDER BY 1, 2
"""


class SchemaMark(NamedTuple):
    """A mark in the schema's files that a room fills in. `names`: what of it a feature adds."""

    mark: str
    text: Callable[[], str]
    names: Callable[[Feature], Iterable[str]]


SCHEMA_MARK: Final = Place[SchemaMark]("schema_mark")


@dataclass(frozen=True)
class Migration:
    """`feature`: the package's that brings it; empty for Recoup's own."""

    number: int
    name: str
    sql: str
    feature: str = ""

    @property
    def key(self) -> Key:
        return self.feature, self.number

    @cached_property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @cached_property
    def _head(self) -> list[str]:
        return list(takewhile(lambda line: line.startswith("--"), self.sql.splitlines()))

    @property
    def is_beside(self) -> bool:
        return BESIDE in self._head

    @property
    def is_concurrent(self) -> bool:
        return CONCURRENTLY in self._head


def migrations_of(database: str) -> list[Migration]:
    """The migrations of `world` or `people`: Recoup's own, then those of packages' features, each
    in order.

    Raises: Problem(unavailable) when a released file has another text.
    """
    migrations = read_migrations(FOLDER / "migrations" / database)
    if not [migration for migration in migrations if migration.number == 1]:
        migrations.insert(0, Migration(1, "0001_schema.sql", schema_sql(database)))
    if database == "world":
        migrations += [
            migration
            for feature in features()
            if feature not in own_features()
            for migration in added_by(feature)
        ]
    return migrations


def read_migrations(folder: Path, feature: str = "") -> list[Migration]:
    """Reads the migrations of a folder. Raises: Problem(unavailable) when a released one was
    changed."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}
    every = [Migration(int(name[:4]), name, sql, feature) for name, sql in texts.items()]
    released = folder / RELEASED
    known = (
        dict(line.split()[::-1] for line in released.read_text().splitlines())
        if released.exists()
        else {}
    )
    sums = {migration.name: migration.checksum for migration in every}
    for name in (name for name, checksum in known.items() if sums.get(name) != checksum):
        message = f"The migration {name} of {folder.name} is not the text that was released."
        raise Problem("unavailable", message, cure="Install Recoup anew.")
    return every


def own_features() -> tuple[Feature, ...]:
    """Features in the tree, whose tables stand in Recoup's own migrations."""
    return tuple(import_module(LIST).FEATURES)


def added_by(feature: Feature) -> list[Migration]:
    """Migrations of a package's feature: its folder `migrations`, or its `schema.sql` alone.
    Raises: Problem(unavailable)."""
    for word in (word for mark in SCHEMA_MARK for word in mark.names(feature)):
        if "." not in word:  # by name the schema knows those of the tree only
            cure = f"Install a release that names it {feature.name}.{word}."
            raise Problem(
                "unavailable",
                f"The feature {feature.name} brings {word}, without a dot.",
                cure=cure,
            )
    if feature.folder is not None and (folder := feature.folder / "migrations").is_dir():
        return read_migrations(folder, feature.name)
    return [Migration(1, "schema.sql", _text(feature), feature.name)] if feature.tables else []


def _text(feature: Feature) -> str:
    assert feature.folder is not None, f"{feature.name} has tables and no folder"
    return (feature.folder / "schema.sql").read_text(encoding="utf-8")


def schema_of(database: str) -> Schema:
    """The schema that this release takes the `world` or `people` database to have."""
    return _schema(migrations_of(database))


def _schema(migrations: Sequence[Migration]) -> Schema:
    return schema_by(
        (migration.key, migration.checksum, migration.is_beside) for migration in migrations
    )


def schema_sql(database: str) -> str:
    """The whole schema as one script: the core's tables, then those of features in the tree, then
    what is granted of them. Marks are filled in."""
    own = [
        path.read_text(encoding="utf-8")
        for path in sorted((FOLDER / "schema" / database).glob("*.sql"))
    ]
    added = [_text(feature) for feature in own_features() if feature.tables]
    whole = [*own[:-1], *(added if database == "world" else ()), own[-1]]
    text = "\n".join(whole)
    for mark in SCHEMA_MARK:
        text = text.replace(mark.mark, mark.text())
    return text


async def create_database(admin_dsn: str, name: str, log_in: str | None = None) -> None:
    """Creates the application's roles and the database when they are missing. `log_in`: the
    application's own.

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
    dsn: str,
    database: str,
    *,
    world: str | None = None,
    migrations: Sequence[Migration] | None = None,
    beside: bool = False,
) -> None:
    """Applies what is missing, in order, each file in its own transaction. A lower number than the
    newest may be missing, where two branches were merged. `beside`: only what comes before the
    first that stops the former release.

    Raises: Problem(unavailable) when the database belongs to another world, to a newer Recoup or to
    one from before 0.1.0, when an applied file has another text now, or when processes of another
    release are connected.
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
        for migration in (
            takewhile(lambda migration: migration.is_beside, missing) if beside else missing
        ):
            await _apply(connection, database, migration, _schema(wanted))
        if world is not None:
            await _claim_world(connection, world)
    finally:
        await connection.close()


async def add_cell(dsn: str) -> int:
    """Makes the next cell of a migrated world, without partitions, unless it was made before;
    answers its number. Merchants come to it once `list_cell` says so. Raises: Problem(unavailable)
    as `migrate` does."""
    connection = await connect(dsn)
    try:
        await _alone(connection)
        if missing := await missing_of(connection, "world", migrations_of("world")):
            raise Problem(
                "unavailable",
                f"The database lacks {missing[0].name}.",
                cure="Run `recoup schema apply`.",
            )
        cell: int = 1 + await connection.fetchval("SELECT coalesce(max(cell), 1) FROM cells")
        schema = schema_of_cell(cell)
        if await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", schema):
            return cell
        scripts = [schema_sql("world")]
        for feature in features():
            if feature not in own_features():
                scripts += [migration.sql for migration in added_by(feature)]
        async with connection.transaction():
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            for script in scripts:
                await run_in_cell(connection, script, cell)
        return cell
    finally:
        await connection.close()


async def check_migrated(
    dsn: str, database: str, *, migrations: Sequence[Migration] | None = None
) -> Sequence[Migration]:
    """Finds the missing migrations, for a log-in that may not migrate. Raises: Problem(unavailable)
    as `migrate` does."""
    wanted = migrations_of(database) if migrations is None else migrations
    connection = await connect(dsn)
    try:
        return await missing_of(connection, database, wanted)
    except asyncpg.UndefinedTableError:
        return wanted
    finally:
        await connection.close()


async def _alone(connection: asyncpg.Connection) -> None:
    """Asks again and again: one that waited in a statement would hold up an index that is built
    concurrently."""
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
    """Makes the record of which files were applied, with their checksums. Only who owns the schema
    writes here."""
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        await connection.execute(
            "CREATE TABLE schema_migrations (feature text, number int, name text NOT NULL, at "
            "timestamptz NOT NULL,"
            " checksum text NOT NULL, beside boolean NOT NULL, PRIMARY KEY (feature, number))"
        )


async def missing_of(
    connection: asyncpg.Connection, database: str, wanted: Sequence[Migration]
) -> list[Migration]:
    """Migrations still to be applied. Raises: Problem(unavailable) when what was applied is not
    what is wanted."""
    rows = await connection.fetch(_APPLIED)
    wanted_by_key = {migration.key: migration for migration in wanted}
    for row in rows:
        known = wanted_by_key.get((row["feature"], row["number"]))
        if known is None and row["beside"]:
            continue
        if known is None and row["feature"]:
            message = f"The {database} database was made with the feature {row['feature']}."
            raise Problem("unavailable", message, cure="Name it in the setting `features`.")
        if known is None:
            message = (
                f"The {database} database is newer than this Recoup, which has no migration "
                f"{row['name']}."
            )
            raise Problem(
                "unavailable",
                message,
                cure="Start it with the Recoup that made it, or a newer one.",
            )
        if known.checksum == row["checksum"]:
            continue
        if known.key == FIRST:
            message = (
                f"The {database} database has a schema from before 0.1.0, from which no "
                f"migration leads here."
            )
            raise Problem("unavailable", message, cure=_ANEW)
        message = (
            f"The migration {known.name} is not the text that was applied to the {database} "
            f"database."
        )
        raise Problem(
            "unavailable", message, cure="Restore the file: a change of the schema is a new file."
        )
    applied = {(row["feature"], row["number"]) for row in rows}
    return [migration for migration in wanted if migration.key not in applied]


async def others_beside(dsn: str, database: str) -> list[str]:
    """Connections of processes of other releases."""
    connection = await connect(dsn)
    try:
        return await others(connection, schema_of(database))
    finally:
        await connection.close()


async def _refuse_others(connection: asyncpg.Connection, schema: Schema) -> None:
    if sessions := await others(connection, schema):
        raise held_up_by(sessions)


async def _apply(
    connection: asyncpg.Connection, database: str, migration: Migration, schema: Schema
) -> None:
    """Applies a migration, again and again while a table that it needs is in use: in between, those
    who use it go on."""
    beside = migration.is_beside
    seconds, tries = (
        (BESIDE_LOCK_SECONDS, BESIDE_LOCK_TRIES) if beside else (LOCK_TIMEOUT_SECONDS, LOCK_TRIES)
    )
    for left in range(tries - 1, -1, -1):
        try:
            if migration.is_concurrent:
                if not beside:
                    await _refuse_others(connection, schema)
                await _apply_concurrently(connection, migration)
                return
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = '{seconds * 1000:.0f}ms'")
                if not beside:  # who connects now waits, see `versions.greet`
                    await connection.execute("LOCK TABLE schema_migrations")
                    await _refuse_others(connection, schema)
                await connection.execute(migration.sql)
                for cell in await further_cells(connection):
                    await run_in_cell(connection, migration.sql, cell)
                await _note(connection, migration)
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if not left:
                message = (
                    f"The migration {migration.name} of the {database} database waits for a "
                    f"table in use: {error}"
                )
                raise Problem(
                    "unavailable", message, cure="Start it again when less is going on."
                ) from error
            await asyncio.sleep(0.5)


async def _apply_concurrently(connection: asyncpg.Connection, migration: Migration) -> None:
    """Statement by statement. A second run after one that was broken off begins at the first: each
    says IF EXISTS."""
    for statement in statements(migration.sql):
        await connection.execute(statement)
    for cell in await further_cells(connection):
        await connection.execute(f"SET search_path = {search_path(cell)}")
        for statement in of_cell(migration.sql, cell, await elsewhere(connection)):
            await connection.execute(statement)
        await connection.execute(f"SET search_path = {search_path()}")
    await _note(connection, migration)


async def _note(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO schema_migrations (feature, number, name, at, checksum, beside) VALUES ($1, "
        "$2, $3, $4, $5, $6)",
        *migration.key,
        migration.name,
        Clocks().wall(),
        migration.checksum,
        migration.is_beside,
    )


async def _claim_world(connection: asyncpg.Connection, world: str) -> None:
    await connection.execute(
        "INSERT INTO world (name, epoch, created_at) VALUES ($1, 1, $2) ON CONFLICT DO NOTHING",
        world,
        Clocks().wall(),
    )
    name = await connection.fetchval("SELECT name FROM world")
    if name != world:
        raise Problem(
            "unavailable",
            f"This database holds the world {name!r}, not {world!r}; check the settings.",
            cure="Point the world's own setting at it: see docs/settings.md.",
        )

"""`recoup schema`: what an administrator prepares, what the owner applies, what the application
finds."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any, Final, TypeVar

import asyncpg
import click

from recoup.db.connect import SESSION, connect
from recoup.db.migrate import check_migrated
from recoup.db.operation.citus import gather, spread
from recoup.db.operation.partitions import read_days_left
from recoup.db.pool import Database
from recoup.db.roles import ADMINISTRATORS_SQL, APP, POOLED_SQL, READ, owns_schema
from recoup.db.upgrade import stop_seconds
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.kit.cli.command import DataDir, Printed
from recoup.kit.cli.parameters import Option
from recoup.kit.retention import Line
from recoup.main.backup.copies import age_seconds
from recoup.main.databases import (
    Databases,
    check_clock,
    check_installed,
    has_live,
    prepare,
    upgrade_steps,
    used_databases,
)
from recoup.main.settings import Settings, load_settings
from recoup.merchants.cli import verb

T = TypeVar("T")
DAYS_LEFT_MIN = 3
COPY_AGE_SECONDS_MAX: Final = 3600


@click.group()
def schema() -> None:
    """Sets up and checks the databases: schema, roles and partitions."""


@verb(schema)
def sql(
    *, pooled: Annotated[bool, "What a PgBouncer (RECOUP_POOLER_URL) wants besides."] = False
) -> str:
    """Prints the SQL that an administrator runs once: roles and databases."""
    if not pooled:
        return ADMINISTRATORS_SQL.removesuffix("\n")
    settings = (
        f"ALTER ROLE {role} SET {name} = {value};\n"
        for role in (APP, READ)
        for name, value in SESSION.items()
    )
    return (POOLED_SQL + "".join(settings)).removesuffix("\n")


@verb(schema)
def apply(
    *,
    data_dir: DataDir = None,
    copied: Annotated[
        bool,
        Option("You made a copy of all databases within the hour.", "--copy-made-by-me"),
    ] = False,
) -> str:
    """Migrates and creates partitions, as the schema's owner. Says before what stops Recoup, and
    for how long; that wants a copy of the last hour. Running it again changes nothing."""
    settings = load_settings(data_dir=data_dir)
    _with_databases(settings, lambda databases: _apply(settings, databases, copied=copied))
    return "The schema is up to date."


@verb(schema)
def check(*, data_dir: DataDir = None) -> None:
    """Checks every database as the application's role; exits with 1 if something is missing."""
    settings = load_settings(data_dir=data_dir)
    check_installed(settings)
    checks = _with_databases(settings, checked_databases)
    for database, what, trouble in checks:
        click.echo(f"{database:8} {what:11} {trouble or 'ok'}")
    wrong = [f"{database}: {trouble}" for database, _, trouble in checks if trouble]
    if wrong:
        raise Problem("unavailable", wrong[0], cure="See docs/operate.md.")


@verb(schema)
def citus(
    *,
    data_dir: DataDir = None,
    undo: Annotated[bool, "Takes everything back to the coordinator."] = False,
) -> str:
    """Lays the worlds' tables out over the nodes of a Citus, while doors and workers are stopped.
    Running it again goes on where it ended, and takes what an upgrade added."""
    _with_databases(load_settings(data_dir=data_dir), lambda found: _lay_out(found, undo=undo))
    return "Everything is on the coordinator." if undo else "The worlds are on their nodes."


@verb(schema, json="Output as one JSON array.")
def retention() -> Printed:
    """Lists how long the rows of each table live, and what ends them."""
    from recoup.main.retention import PEOPLE, of_world

    rows = [
        (database, *line)
        for database, lines in (("world", of_world()), ("people", PEOPLE))
        for line in sorted(lines)
    ]
    return Printed(
        [dict(zip(("database", *Line._fields), row, strict=True)) for row in rows],
        (
            f"{database:7} {table:24} {how_long}" + (f" ({', '.join(ends)})" if ends else "")
            for database, table, how_long, ends in rows
        ),
    )


async def _apply(settings: Settings, databases: Databases, *, copied: bool) -> None:
    live = await has_live(databases)
    steps = await upgrade_steps(
        databases, ("people", "sandbox", "live") if live else ("people", "sandbox")
    )
    for step in steps:
        click.echo(step.sentence())
    if seconds := stop_seconds(steps):
        click.echo(f"Recoup stands still for about {seconds:.0f} s. The way back is the copy.")
        if live and not copied:
            _check_copy(settings)
    elif steps:
        click.echo("Nothing stops. The way back is the former release.")
    await prepare(databases, upgrading=True)


async def _lay_out(databases: Databases, *, undo: bool) -> None:
    worlds = ("sandbox", "live") if await has_live(databases) else ("sandbox",)
    for world in worlds:
        connection = await connect(databases.owned(world))
        try:
            async for step in gather(connection) if undo else spread(connection):
                click.echo(f"{world}: {step}")
        finally:
            await connection.close()


def _check_copy(settings: Settings) -> None:
    """Raises: Problem(unavailable) where `recoup backup check` knows no copy that is young
    enough."""
    age = age_seconds(settings.data_dir, Clocks().wall())
    if age is None or age > COPY_AGE_SECONDS_MAX:
        said = "No copy of the databases is known."
        if age is not None and math.isfinite(age):
            said = f"The last copy is {age / 3600:.1f} hours old."
        cure = (
            "Make one, see docs/backup.md; add --copy-made-by-me if `recoup backup check` does "
            "not know it."
        )
        raise Problem("unavailable", said, cure=cure)


def _with_databases(settings: Settings, work: Callable[[Databases], Coroutine[Any, Any, T]]) -> T:
    with used_databases(settings) as databases:
        return asyncio.run(work(databases))


async def checked_databases(databases: Databases) -> list[tuple[str, str, str]]:
    """Database, what was looked at, what is wrong with it (empty: nothing)."""
    checks = []
    for name in ("people", "sandbox", "live"):
        if name == "live" and not await has_live(databases):
            continue
        async for what, trouble in _checks(databases, name):
            checks.append((name, what, trouble))
    return checks


async def _checks(databases: Databases, name: str) -> AsyncIterator[tuple[str, str]]:
    dsn, kind = getattr(databases, name), "people" if name == "people" else "world"
    yield "owner", await _said(lambda: _owner(databases.owned(name)))
    yield "migrations", await _said(lambda: _migrations(databases.owned(name), kind))
    db = await Database(dsn, size=1, name="recoup-schema").open()
    try:
        yield "role", await _said(lambda: _role(db))
        if kind == "world":
            yield "partitions", await _said(lambda: _partitions(db))
            yield "clock", await _said(lambda: check_clock(dsn))
    finally:
        await db.close()


async def _said(look: Callable[[], Any]) -> str:
    try:
        return await look() or ""
    except Problem as problem:
        return problem.sentence()
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return f"{error}"


async def _owner(dsn: str) -> str:
    connection = await connect(dsn)
    try:
        log_in = await connection.fetchval("SELECT current_user::text")
        if await owns_schema(connection):
            return ""
        return (
            f"{log_in} does not own the schema, so it cannot migrate or create partitions. Set "
            f"owner_database_user."
        )
    finally:
        await connection.close()


async def _migrations(dsn: str, kind: str) -> str:
    missing = await check_migrated(dsn, kind)
    if not missing:
        return ""
    return (
        f"{len(missing)} are missing, starting with {missing[0].name}. Run `recoup schema apply`."
    )


async def _role(db: Database) -> str:
    """A connection says by itself when it is not the application's role."""
    async with db.connection() as connection:
        if await owns_schema(connection):
            return (
                "recoup_app owns the schema and could rewrite what was written. Give it to "
                "another role."
            )
    async with db.read():
        return ""


async def _partitions(db: Database) -> str:
    async with db.connection() as connection:
        left = await read_days_left(
            connection, await connection.fetchval("SELECT clock_timestamp()")
        )
    table, days = min(left.items(), key=lambda pair: pair[1])
    return (
        f"{table} has partitions for {days:.0f} more days. Run a worker, or `recoup schema apply`, "
        f"as the owner."
        if days < DAYS_LEFT_MIN
        else ""
    )

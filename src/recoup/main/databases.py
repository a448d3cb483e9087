"""Databases and where they are: the embedded server, or addresses that were given; created and
migrated on request."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

import asyncpg
import structlog

from recoup.db.connect import POOLER, connect
from recoup.db.migrate import check_migrated, create_database, migrate, others_beside
from recoup.db.pool import Database, is_away
from recoup.db.roles import ensure_roles, owns_schema
from recoup.db.server import EmbeddedServer
from recoup.db.server.address import same_folder
from recoup.db.server.cluster import cluster_folder
from recoup.db.upgrade import Step, steps_of
from recoup.db.upkeep import keep_up, may_keep_up
from recoup.db.versions import held_up_by
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, in_words
from recoup.kernel.time import SKEW_SECONDS_MAX, Clocks, DatabaseClocks
from recoup.kit.beside import beside
from recoup.main.settings import Settings
from recoup.outside.keys.files import FILE_NAME as KEYS
from recoup.outside.keys.secret_files import FILE

EVERY_SECONDS: Final = 60.0
log = structlog.get_logger()


@asynccontextmanager
async def watched(db: Database, clocks: DatabaseClocks, process: str) -> AsyncIterator[None]:
    """Lets the clocks follow the database's while it is open. A database that is away at the start
    is measured later. Raises: Problem(unavailable) when the clocks are too far apart at the
    start."""
    try:
        await db.measure()
    except Problem as problem:
        if not is_away(problem):
            log.warning("clock not measured", process=process, error=in_words(problem))
    else:
        _refuse(clocks)
    async with beside(_follow(db, clocks, process)):
        yield


async def check_clock(dsn: str, machine: Clocks | None = None) -> None:
    """Raises: Problem(unavailable) when the database's clock is too far away; what asyncpg
    raises."""
    clocks = DatabaseClocks(machine)
    connection = await connect(dsn)
    try:
        started = clocks.monotonic()
        clocks.measured(
            await connection.fetchval("SELECT clock_timestamp()"), started, clocks.monotonic()
        )
    finally:
        await connection.close()
    _refuse(clocks)


def _refuse(clocks: DatabaseClocks) -> None:
    ahead = clocks.ahead_seconds
    if _is_skewed(clocks):
        where = "ahead of" if ahead > 0 else "behind"
        message = f"This machine's clock is {abs(ahead):.1f} s {where} the database's."
        raise Problem(
            "unavailable", message, cure="Set both machines' clocks by NTP, then start again."
        )


def _is_skewed(clocks: DatabaseClocks) -> bool:
    """True when the clocks are apart for certain: an answer that took seconds says less than one
    that came at once."""
    return abs(clocks.ahead_seconds) - clocks.unsure_seconds > SKEW_SECONDS_MAX


async def _follow(db: Database, clocks: DatabaseClocks, process: str) -> None:
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            await db.measure()
        except Exception as error:  # noqa: BLE001
            # without it the clocks would stay as they are, and no log line
            if not is_away(error):
                log.warning("clock not measured", process=process, error=in_words(error))
            continue
        if _is_skewed(clocks):
            log.warning("clock skew", process=process, ahead_seconds=round(clocks.ahead_seconds, 1))


_NAMES = {"people": "recoup_people", "sandbox": "recoup_sandbox", "live": "recoup_live"}
_NEEDED = ("people", "sandbox")
OTHERS_END_SECONDS = 5
_SIMULATED = ("issuer", "mock_channel", "mailbox")
_USE = """
GRANT USAGE ON SCHEMA {schema} TO recoup_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO recoup_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO recoup_app;
"""


@frozen
class Databases:
    """DSNs as the application logs in; `server` is ours when embedded. `live`: where it is or would
    be; empty: nowhere. `owner`: name and password of the log-in that owns the schema, where that is
    another one."""

    people: str
    sandbox: str
    admin: str | None
    server: EmbeddedServer | None
    live: str = ""
    owner: tuple[str, str] | None = None

    def owned(self, name: str) -> str:
        """The DSN of `people`, `sandbox`, `live` or `admin` by which the schema's owner logs in."""
        dsn: str = getattr(self, name) or ""
        return _with_log_in(dsn, *self.owner) if self.owner and dsn else dsn


@contextmanager
def used_databases(settings: Settings) -> Iterator[Databases]:
    """Databases for one verb: an embedded server that is started for it stops with it."""
    databases = find_databases(settings)
    try:
        yield databases
    except asyncpg.InvalidCatalogNameError as error:  # of verbs that make none
        raise unprepared(error) from error
    finally:
        if databases.server is not None:
            databases.server.stop()


def check_installed(settings: Settings) -> None:
    """Raises: Problem(not_found) where the embedded server would be made anew, to look at nothing.
    One that was lost is told of elsewhere."""
    embedded = not (settings.sandbox_database_url or settings.database_url)
    if embedded and not cluster_folder(settings.data_dir).exists():
        check_not_lost(settings.data_dir)
        message = f"There is no installation in {settings.data_dir}."
        raise Problem(
            "not_found", message, cure="Set --data-dir, or create an installation with `recoup up`."
        )


def find_databases(settings: Settings) -> Databases:
    """Starts, or attaches to, the embedded server where an address is missing. From the main thread
    only."""
    given = {name: _address(settings, name) for name in _NAMES}
    if all(given[name] for name in _NEEDED):
        admin = with_name(settings.database_url, "postgres") if settings.database_url else None
        owner = (settings.owner_database_user, settings.owner_database_password)
        return Databases(
            given["people"],
            given["sandbox"],
            admin,
            None,
            given["live"],
            owner if owner[0] else None,
        )
    check_not_lost(settings.data_dir)
    server = EmbeddedServer(settings.data_dir)
    address = server.start()
    dsns = {name: given[name] or address.dsn(database) for name, database in _NAMES.items()}
    return Databases(dsns["people"], dsns["sandbox"], address.dsn("postgres"), server, dsns["live"])


def at_databases(settings: Settings, databases: Databases) -> dict[str, str]:
    """The environment of a process that uses these databases. An address that stands in a file it
    reads by itself, so that a successor logs in with what the file says then."""
    environment = dict(os.environ)
    for name in _NAMES:
        setting = f"{name}_database_url"
        origin = settings.origins.get(setting if getattr(settings, setting) else "database_url", "")
        if not origin.startswith("file "):
            environment.pop(f"RECOUP_{setting.upper()}{FILE}", None)
            environment[f"RECOUP_{setting.upper()}"] = getattr(databases, name)
    return environment


def is_embedded(dsn: str, data_dir: Path) -> bool:
    """True when it is the embedded server's address, also in a process that was given it."""
    host = parse_qs(urlsplit(dsn).query).get("host", [""])[0]
    return (
        bool(host)
        and (cluster_folder(data_dir) / "PG_VERSION").exists()
        and same_folder(host, data_dir)
    )


def check_not_lost(data_dir: Path) -> None:
    """Raises: Problem(unavailable) where the keys of an embedded database are there and the
    database is not: a new one would answer as if nothing had ever been charged."""
    kept = [
        path for path in (data_dir / "keys" / KEYS, data_dir / "bootstrap.json") if path.exists()
    ]
    if not kept or (cluster_folder(data_dir) / "PG_VERSION").exists():
        return
    cluster = cluster_folder(data_dir)
    message = Sentence(
        "The database of {0} is gone: {1} is there, {2} is not.",
        data_dir,
        kept[0].name,
        cluster.name,
    )
    cure = (
        "Mount its volume, restore a copy, or set RECOUP_DATABASE_URL. To begin anew, use an "
        "empty folder."
    )
    raise Problem("unavailable", message, cure=cure)


def _address(settings: Settings, name: str) -> str:
    own: str = getattr(settings, f"{name}_database_url")
    return own or (with_name(settings.database_url, _NAMES[name]) if settings.database_url else "")


def with_name(url: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}"))


def _with_log_in(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    secret = f":{quote(password, safe='')}" if password else ""
    return urlunsplit(
        parts._replace(netloc=f"{quote(user, safe='')}{secret}@{parts.netloc.rpartition('@')[2]}")
    )


async def prepare(databases: Databases, *, live: bool = False, upgrading: bool = False) -> None:
    """Databases, schema, partitions, retention, the sandbox issuer's book. At every start; side by
    side too. The live one is only made when `live` says so, and kept up from then on. A log-in that
    does not own the schema only looks whether it is as it should be. `upgrading`: somebody saw what
    it does and has a copy; without it nothing that stops the former release is applied beside a
    live world.

    Raises: Problem(unavailable) in one line.
    """
    try:
        names = (*_NEEDED, "live") if live or await has_live(databases) else _NEEDED
        if steps := await upgrade_steps(databases, names):
            await _upgrade(databases, names, steps, upgrading or "live" not in names)
        for name in names:
            await _prepare_one(databases, name)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise unprepared(error) from error


async def upgrade_steps(databases: Databases, names: Sequence[str]) -> list[Step]:
    """Steps that are missing in databases that are there."""
    there = [name for name in names if await _is_there(databases.owned(name))]
    return [
        step for name in there for step in await steps_of(databases.owned(name), name, _kind(name))
    ]


async def _upgrade(
    databases: Databases, names: Sequence[str], steps: Sequence[Step], allowed: bool
) -> None:
    """Applies what only adds while the former release runs; what stops, once none of it is
    connected."""
    stopping = [step.sentence() for step in steps if step.stops]
    if stopping and not allowed:
        message = Sentence("The databases need an upgrade: {0}.", stopping[0])
        raise Problem("unavailable", message, cure="Run `recoup schema apply`, then start Recoup.")
    for name in {step.database for step in steps}:
        if await may_keep_up(databases.owned(name)):
            await migrate(databases.owned(name), _kind(name), beside=True)
    if stopping:
        await _until_alone(databases, names)


async def _until_alone(databases: Databases, names: Sequence[str]) -> None:
    """Waits, before any database is migrated, until no process of another release uses one of them.
    Those that are just ending get a moment. Raises: Problem(unavailable)."""
    there = [
        (databases.owned(name), _kind(name))
        for name in names
        if await _is_there(databases.owned(name))
    ]
    for left in range(OTHERS_END_SECONDS * 5, -1, -1):
        others = [other for dsn, kind in there for other in await others_beside(dsn, kind)]
        if not others:
            return
        if not left:
            raise held_up_by(others)
        await asyncio.sleep(0.2)


def _kind(name: str) -> str:
    return "people" if name == "people" else "world"


async def _prepare_one(databases: Databases, name: str) -> None:
    dsn, kind = databases.owned(name), _kind(name)
    log_in = await _log_in(getattr(databases, name)) if databases.owner else None
    if not await _is_there(dsn) and databases.admin:
        await create_database(databases.owned("admin"), urlsplit(dsn).path.lstrip("/"), log_in)
    connection = await connect(dsn)
    try:
        owns = await owns_schema(connection)
        if owns:
            await ensure_roles(connection, log_in)
    finally:
        await connection.close()
    if owns:
        await migrate(dsn, kind, world=None if name == "people" else name)
    elif missing := await check_migrated(dsn, kind):
        message = f"The {name} database lacks {missing[0].name}, and this log-in does not own it."
        raise Problem(
            "unavailable", message, cure="Run `recoup schema apply` with owner_database_user set."
        )
    if kind == "world":
        await check_clock(dsn)
        if owns:
            await _prepare_world(
                dsn, simulated=name == "sandbox", shared=databases.owner is not None
            )


async def _is_there(dsn: str) -> bool:
    try:
        connection = await connect(dsn)
    except asyncpg.InvalidCatalogNameError:
        return False
    await connection.close()
    return True


async def _log_in(dsn: str) -> str | None:
    """User that an address logs in as."""
    if user := urlsplit(dsn).username:
        return unquote(user)
    connection = await connect(dsn)
    try:
        return await connection.fetchval("SELECT session_user::text")  # type: ignore[no-any-return]
    finally:
        await connection.close()


async def has_live(databases: Databases) -> bool:
    """True when `recoup live init` has made it. Raises: Problem(unavailable) where it does not
    answer."""
    if not databases.live:
        return False
    try:
        if not await _is_there(databases.live):
            return False
        connection = await connect(databases.live)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise unprepared(error) from error
    try:
        sql = "SELECT EXISTS (SELECT FROM pg_tables WHERE tablename = 'world')"
        return bool(await connection.fetchval(sql))
    finally:
        await connection.close()


def unprepared(error: BaseException) -> Problem:
    """Problem with a database that cannot be used, and whether a pooler is in front of it."""
    reason = (str(error) or type(error).__name__).splitlines()[0]
    # PgBouncer refuses settings, and databases that it does not know, under this code.
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        cure = "Check its address; before the first start, run `recoup schema apply`."
    else:
        cure = POOLER if isinstance(error, asyncpg.ProtocolViolationError) else "Check its address."
    return Problem("unavailable", f"The database cannot be prepared: {reason}", cure=cure)


async def _prepare_world(dsn: str, *, simulated: bool, shared: bool) -> None:
    """`shared`: what plays the outside world is the owner's, and the application's log-in uses
    it."""
    with suppress(
        asyncpg.LockNotAvailableError
    ):  # a busy table: the worker's upkeep does it in a while
        await keep_up(dsn, Clocks().wall())
    if simulated:
        from recoup.outside.mail import mailbox
        from recoup.processors.gateways.sandbox import book
        from recoup.stablecoin.gateways import channel

        connection = await connect(dsn)
        try:
            for outside in (book, channel, mailbox):
                await outside.install(connection)
            for schema in _SIMULATED if shared else ():
                await connection.execute(_USE.format(schema=schema))
        finally:
            await connection.close()

"""Where the databases are: the embedded server, or addresses that were given; created and migrated when asked."""

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from recoup.gateways.cards.sandbox.book import install
from recoup.gateways.channels.mock.book import install as install_channels
from recoup.gateways.web.mail.mailbox import install as install_mailbox
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.main.clock_watch import check_clock
from recoup.main.settings import Settings
from recoup.store.migrate import create_database, migrate
from recoup.store.server import EmbeddedServer
from recoup.store.upkeep import keep_up

_NAMES = {"people": "recoup_people", "sandbox": "recoup_sandbox", "live": "recoup_live"}
_NEEDED = ("people", "sandbox")


@dataclass(frozen=True, slots=True)
class Databases:
    """DSNs as the owner; `server` is ours when embedded. `live`: where it is or would be; empty: nowhere."""

    people: str
    sandbox: str
    admin: str | None
    server: EmbeddedServer | None
    live: str = ""


def find_databases(settings: Settings) -> Databases:
    """Starts, or attaches to, the embedded server where an address is missing. From the main thread only."""
    given = {name: _address(settings, name) for name in _NAMES}
    if all(given[name] for name in _NEEDED):
        admin = _with_name(settings.database_url, "postgres") if settings.database_url else None
        return Databases(given["people"], given["sandbox"], admin, None, given["live"])
    server = EmbeddedServer(settings.data_dir)
    address = server.start()
    dsns = {name: given[name] or address.dsn(database) for name, database in _NAMES.items()}
    return Databases(dsns["people"], dsns["sandbox"], address.dsn("postgres"), server, dsns["live"])


def _address(settings: Settings, name: str) -> str:
    own: str = getattr(settings, f"{name}_database_url")
    return own or (_with_name(settings.database_url, _NAMES[name]) if settings.database_url else "")


def _with_name(url: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}"))


async def prepare(databases: Databases, *, live: bool = False) -> None:
    """Databases, schema, partitions, retention, the sandbox issuer's book. At every start; side by side too.
    The live one is only made when `live` says so, and kept up from then on.

    Raises: Problem(unavailable) in one line.
    """
    try:
        for name in (*_NEEDED, "live") if live or await has_live(databases) else _NEEDED:
            dsn = getattr(databases, name)
            if databases.admin:
                await create_database(databases.admin, urlsplit(dsn).path.lstrip("/"))
            world = None if name == "people" else name
            await migrate(dsn, "people" if world is None else "world", world=world)
            if world is not None:
                await check_clock(dsn)
                await _prepare_world(dsn, simulated=world == "sandbox")
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise _unprepared(error) from error


async def has_live(databases: Databases) -> bool:
    """Whether `recoup live init` has made it. Raises: Problem(unavailable) where it cannot be asked."""
    if not databases.live:
        return False
    try:
        connection = await asyncpg.connect(databases.live, timeout=10)
    except asyncpg.InvalidCatalogNameError:
        return False
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise _unprepared(error) from error
    try:
        return await connection.fetchval("SELECT to_regclass('world') IS NOT NULL")  # type: ignore[no-any-return]
    finally:
        await connection.close()


def _unprepared(error: BaseException) -> Problem:
    return Problem("unavailable", f"The database cannot be prepared: {error}", cure="Check its address.")


async def _prepare_world(dsn: str, *, simulated: bool) -> None:
    with suppress(asyncpg.LockNotAvailableError):  # a busy table: the worker's upkeep does it in a while
        await keep_up(dsn, Clocks().wall())
    if simulated:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            await install(connection)
            await install_channels(connection)
            await install_mailbox(connection)
        finally:
            await connection.close()

"""Where the databases are: the embedded server, or addresses that were given; created and migrated when asked."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from recoup.gateways.cards.sandbox.book import install
from recoup.gateways.channels.mock.book import install as install_channels
from recoup.gateways.web.mail.mailbox import install as install_mailbox
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.main.settings import Settings
from recoup.store.migrate import create_database, migrate
from recoup.store.partitions import ensure_partitions
from recoup.store.retention import retain
from recoup.store.server import EmbeddedServer

_NAMES = {"people": "recoup_people", "sandbox": "recoup_sandbox"}


@dataclass(frozen=True, slots=True)
class Databases:
    """DSNs as the owner; `server` is ours when embedded."""

    people: str
    sandbox: str
    admin: str | None
    server: EmbeddedServer | None


def find_databases(settings: Settings) -> Databases:
    """Starts, or attaches to, the embedded server where an address is missing. From the main thread only."""
    given = {name: _address(settings, name) for name in _NAMES}
    if all(given.values()):
        admin = _with_name(settings.database_url, "postgres") if settings.database_url else None
        return Databases(given["people"], given["sandbox"], admin, None)
    server = EmbeddedServer(settings.data_dir)
    address = server.start()
    dsns = {name: given[name] or address.dsn(database) for name, database in _NAMES.items()}
    return Databases(dsns["people"], dsns["sandbox"], address.dsn("postgres"), server)


def _address(settings: Settings, name: str) -> str:
    own: str = getattr(settings, f"{name}_database_url")
    return own or (_with_name(settings.database_url, _NAMES[name]) if settings.database_url else "")


def _with_name(url: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}"))


async def prepare(databases: Databases) -> None:
    """Databases, schema, partitions, retention, the sandbox issuer's book. At every start and daily; side by side too.

    Raises: Problem(unavailable) in one line.
    """
    try:
        for name in _NAMES:
            dsn = getattr(databases, name)
            if databases.admin:
                await create_database(databases.admin, urlsplit(dsn).path.lstrip("/"))
            world = None if name == "people" else name
            await migrate(dsn, "people" if world is None else "world", world=world)
        await _prepare_sandbox(databases.sandbox)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Problem("unavailable", f"The database cannot be prepared: {error}", cure="Check its address.") from error


async def _prepare_sandbox(dsn: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await ensure_partitions(connection, Clocks().wall())
        await retain(connection, Clocks().wall())
        await install(connection)
        await install_channels(connection)
        await install_mailbox(connection)
    finally:
        await connection.close()

"""Databases for tests, cloned from templates that the run's server gets once."""

import asyncio
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg

from recoup.db.migrate import create_database, migrate
from recoup.db.partitions import ensure_partitions
from recoup.db.server import ServerAddress
from recoup.outside.mail import mailbox as mailbox_table
from recoup.processors.gateways.sandbox import book
from recoup.stablecoin.gateways import channel as mock_channel

TEMPLATES: Final = {"people": "template_people", "world": "template_world", "live": "template_live"}
_HAVE_TEMPLATES: set[ServerAddress] = set()  # as far as this process knows


async def empty(server: ServerAddress, kind: str, name: str, template: str | None = None) -> str:
    """A database as migrations leave it, `kind` people, world or live, or one like `template`; the
    owner's address."""
    if server not in _HAVE_TEMPLATES:
        await asyncio.to_thread(_templates_once, server)
        _HAVE_TEMPLATES.add(server)
    await clone(server, name, template or TEMPLATES[kind])
    return server.dsn(name)


async def clone(server: ServerAddress, name: str, template: str) -> None:
    await _admin(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')


async def drop(server: ServerAddress, name: str) -> None:
    await _admin(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _admin(server: ServerAddress, sql: str) -> None:
    connection = await asyncpg.connect(server.dsn("postgres"), timeout=10)
    try:
        for left in range(100, -1, -1):
            try:
                await connection.execute(sql)
                return
            except asyncpg.ObjectInUseError:  # somebody still leaves the template
                if not left:
                    raise
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


# the templates
# ------------------------------------------------------------------------------------------------


def _templates_once(server: ServerAddress) -> None:
    """Of all workers of a run one makes them; the others wait."""
    with _locked(Path(server.host) / "templates.lock"):
        asyncio.run(_make_templates(server))


async def _make_templates(server: ServerAddress) -> None:
    admin = server.dsn("postgres")
    connection = await asyncpg.connect(admin, timeout=10)
    try:
        have = {r["datname"] for r in await connection.fetch("SELECT datname FROM pg_database")}
    finally:
        await connection.close()
    if TEMPLATES["people"] not in have:
        await create_database(admin, "unfinished_people")
        await migrate(server.dsn("unfinished_people"), "people")
        await _admin(server, f'ALTER DATABASE unfinished_people RENAME TO "{TEMPLATES["people"]}"')
    if TEMPLATES["world"] not in have:
        await create_database(admin, "unfinished_world")
        dsn = server.dsn("unfinished_world")
        await migrate(dsn, "world", world="sandbox")
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            await ensure_partitions(connection, datetime.now(UTC))
            await book.install(connection)
            await mock_channel.install(connection)
            await mailbox_table.install(connection)
        finally:
            await connection.close()
        await _admin(server, f'ALTER DATABASE unfinished_world RENAME TO "{TEMPLATES["world"]}"')
    if TEMPLATES["live"] not in have:
        await clone(server, "unfinished_live", TEMPLATES["world"])
        connection = await asyncpg.connect(server.dsn("unfinished_live"), timeout=10)
        try:
            await connection.execute(
                "DROP SCHEMA issuer, mock_channel, mailbox CASCADE; UPDATE world SET name = 'live'"
            )
        finally:
            await connection.close()
        await _admin(server, f'ALTER DATABASE unfinished_live RENAME TO "{TEMPLATES["live"]}"')


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

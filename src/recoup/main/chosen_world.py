"""The world that a verb works in, opened for it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import uvloop

from recoup.doors.command.verbs import Opened
from recoup.kernel.problem import Problem
from recoup.main.bootstrap_file import served_at
from recoup.main.databases import find_databases, has_live, prepare
from recoup.main.settings import Settings
from recoup.main.worlds import open_worlds

T = TypeVar("T")


def with_world(settings: Settings, work: Callable[[Opened], Awaitable[T]]) -> T:
    """Opens the settings' world beside a running `recoup up`, or starts the database for this verb alone."""
    embedded = not (settings.sandbox_database_url or settings.database_url)
    if embedded and not (settings.data_dir / "postgres").exists():
        message = f"There is no installation in {settings.data_dir}."
        raise Problem("not_found", message, cure="Set --data-dir, or create an installation with `recoup up`.")
    settings = replace(settings, public_url=settings.public_url or served_at(settings.data_dir))
    databases = find_databases(settings)

    async def inside() -> T:
        await prepare(databases)
        if settings.world == "live" and not await has_live(databases):
            raise Problem("not_found", "There is no live world.", cure="Create it with `recoup live init`.")
        async with open_worlds(settings, databases, "recoup-cli") as (sandbox, live):
            running = live if settings.world == "live" and live is not None else sandbox
            opened = Opened(running.world, running.orders, running.deliveries, settings.data_dir, settings.url)
            return await work(opened)

    try:
        return uvloop.run(inside())
    finally:
        if databases.server is not None:
            databases.server.stop()

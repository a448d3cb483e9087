"""Packages that somebody needs and that are missing or cannot be used: at start, and in `recoup
doctor`."""

from collections.abc import AsyncIterator

from recoup.kernel.problem import Problem
from recoup.kit.languages.catalogues import broken_languages, languages
from recoup.kit.world import World
from recoup.notifications.store.notification_settings import chosen_languages
from recoup.processors.gateways.kinds import KINDS, usable_kinds
from recoup.routes.store.connections import all_connections


async def extension_troubles(world: World) -> AsyncIterator[Problem]:
    """Packages that cannot be used; languages that people chose and kinds that merchants connected,
    not installed."""
    for problem in (*broken_languages(), *usable_kinds()[1]):
        yield problem
    chosen = await chosen_languages(world.people.reader)
    for row in chosen:
        if row.language not in languages():
            message = (
                f"{row.people:,} chose the language {row.language!r}, which is not "
                f"installed: they read English."
            )
            yield Problem(
                "unavailable",
                message,
                cure="Install the package that has it, like recoup-languages.",
            )
    connected = await all_connections(world.db.reader)
    for kind in sorted(
        {connection.kind for connection in connected if connection.state != "disconnected"}
        - KINDS.keys()
    ):
        message = (
            f"Merchants connected accounts of the kind {kind!r}, which is not installed: "
            f"their payments wait."
        )
        yield Problem(
            "unavailable", message, cure="Install the package that adds it, like recoup-connectors."
        )

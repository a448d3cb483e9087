"""Registration at start of the routes that the settings list; the database remembers how those are
reached that left them."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import structlog

from recoup.db.pool import Database
from recoup.db.table import hex_of
from recoup.kernel.filled import filled
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.time import WallTime
from recoup.kit.ports import Keys
from recoup.processors.gateways.kinds import Connection
from recoup.routes.flows.own_routes import open_connection, seal_connection
from recoup.routes.store.card_routes import NewCardRoute, identities_of, list_routes, routes_left

log = structlog.get_logger()


class Listed(NamedTuple):
    """A route of the settings. `connection` None: it is always there, as the sandbox's own."""

    name: str
    kind: str
    account: str
    acceptor: str
    connection: Connection | None


class Left(NamedTuple):
    """A route that left the settings."""

    kind: str
    acceptor: str
    connection: Connection


async def list_in_database(
    db: Database, keys: Keys, wall: WallTime, routes: Sequence[Listed]
) -> list[Left]:
    """Answers the routes that left the settings; one whose connection cannot be read is left out.

    Raises: Problem(invalid) for a name that stood for another kind or account.
    """
    rows = [_row(keys, wall, route) for route in routes]
    names = [route.name for route in routes]
    async with db.transaction() as tx:
        listed = set(await list_routes(tx, rows)) if rows else set()
        taken = await identities_of(tx, [name for name in names if name not in listed])
        if taken:
            before = taken[0]
            message = Sentence(
                "The route {0} stands for another kind or account of processor: {1} {2}.",
                before.name,
                before.kind,
                before.account,
            )
            raise invalid(message, f"routes[{before.name}].name", "Give the route a new name.")
        left = await routes_left(tx, names)
    opened = []
    for row in left:
        try:
            opened.append(
                Left(row.kind, row.acceptor, open_connection(keys, row.name, row.connection))
            )
        except (Problem, msgspec.MsgspecError):
            log.warning("card route cannot be asked any more", route=row.name)
    return opened


def _row(keys: Keys, wall: WallTime, listed: Listed) -> NewCardRoute:
    sealed = None
    if listed.connection is not None:
        sealed = hex_of(seal_connection(keys, listed.connection))
    return filled(
        NewCardRoute, listed, connection=sealed, first_at=wall, listed_at=wall, window_from=wall
    )

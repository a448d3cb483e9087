"""Rows hold ids of people only; their names are looked up for those who may see them."""

from collections.abc import Iterable

from recoup.doors.portal.visit import Portal, Visit
from recoup.kernel.ids import parse_id
from recoup.store.read.people import names_of

_OTHERS = {"worker": "Recoup", "partner": "the partner", "api": "a call by API"}


async def named(visit: Visit, actors: Iterable[str | None]) -> dict[str, str]:
    """Actor -> how the page calls it."""
    return await names_for(visit.portal, actors)


async def names_for(portal: Portal, actors: Iterable[str | None]) -> dict[str, str]:
    """The same for a page without a merchant."""
    given = {actor for actor in actors if actor}
    ids = {actor: parse_id(actor.partition(":")[2]) for actor in given if actor.startswith("user:")}
    wanted = [found for found in ids.values() if found is not None]
    names = {}
    if wanted:
        async with portal.world.extra["people"].connection() as connection:
            names = await names_of(connection, wanted)
    told = {actor: names.get(found, "a former user") if found else actor for actor, found in ids.items()}
    return {actor: told.get(actor, _OTHERS.get(actor.partition(":")[0], "the operator")) for actor in given}

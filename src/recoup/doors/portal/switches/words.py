"""Who switched, as the page calls them."""

from collections.abc import Iterable
from typing import Final

from recoup.doors.portal.people import named
from recoup.doors.portal.visit import Visit

_WHO: Final = {"operator": "the operator", "partner": "the partner", "worker": "Recoup"}


async def told_by(visit: Visit, actors: Iterable[str]) -> dict[str, str]:
    """Actor -> a person's name, whose key it was, or for whom it acted."""
    given = set(actors)
    names = await named(visit, [actor for actor in given if actor.startswith("user:")])
    return {actor: names.get(actor) or _told(*actor.partition(":")[::2]) for actor in given}


def _told(kind: str, id: str) -> str:
    return f"key …{id[-6:]}" if kind == "api" else _WHO.get(kind, kind)

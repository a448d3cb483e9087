"""Who switched, as the page calls them."""

from collections.abc import Iterable

from recoup.doors.portal.people import names_for
from recoup.doors.portal.visit import Visit
from recoup.kernel.sentence import Sentence


async def names_of_actors(visit: Visit, actors: Iterable[str]) -> dict[str, str]:
    """Actor -> a person's name, and whom they act for; or whose key it was."""
    given = set(actors)
    names = await names_for(visit.portal, given, staff=True)
    return names | {actor: Sentence("key …{0}", actor[-6:]) for actor in given if actor.startswith("api:")}

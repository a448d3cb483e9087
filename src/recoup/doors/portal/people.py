"""Rows hold ids of people only; their names are looked up for those who may see them."""

from collections.abc import Iterable

from recoup.doors.portal.portal import Portal
from recoup.doors.portal.visit import Visit
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Sentence
from recoup.kernel.scope import Actor
from recoup.store.people.people import names_of

_OTHERS = {
    "worker": "Recoup", "partner": "the partner", "api": "a call by API", "link": "somebody with the link",
    "stranger": "somebody", "payer": "the customer", "processor": "the processor",
}  # fmt: skip


async def named(visit: Visit, actors: Iterable[str | None]) -> dict[str, str]:
    """Actor -> how the page calls it."""
    return await names_for(visit.portal, actors)


async def names_for(portal: Portal, actors: Iterable[str | None], *, staff: bool = False) -> dict[str, str]:
    """The same for a page without a merchant. `staff`: the operator's and the partner's people by their names, too."""
    read = {actor: Actor.of(actor) for actor in actors if actor}
    kinds = {"user", "operator", "partner"} if staff else {"user"}
    ids = {one.id for one in read.values() if one.kind in kinds} | {one.behind for one in read.values() if one.behind}
    wanted = {text: found for text in ids if (found := parse_id(text)) is not None}
    names = {}
    if wanted:
        names = await names_of(portal.world.people.reader, list(wanted.values()))
    by_text = {text: names[found] for text, found in wanted.items() if found in names}
    return {text: _name_of(one, by_text, staff=staff) for text, one in read.items()}


async def names_of_actors(visit: Visit, actors: Iterable[str]) -> dict[str, str]:
    """Actor -> a person's name, and whom they act for; or whose key it was."""
    given = set(actors)
    names = await names_for(visit.portal, given, staff=True)
    return names | {actor: Sentence("key …{0}", actor[-6:]) for actor in given if actor.startswith("api:")}


def _name_of(actor: Actor, names: dict[str, str], *, staff: bool) -> str:
    if actor.kind == "user":
        whose = names.get(actor.id, "a former user" if parse_id(actor.id) else actor.id)
        return (
            Sentence("{0}, operator staff, as {1}", names.get(actor.behind, "somebody"), whose)
            if actor.behind
            else whose
        )
    title = _OTHERS.get(actor.kind, "the operator")
    of_theirs = staff and actor.kind in ("operator", "partner") and actor.id in names
    return Sentence("{0} ({1})", names[actor.id], title) if of_theirs else title

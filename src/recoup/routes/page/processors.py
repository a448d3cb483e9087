"""/processors: the card routes of this world, how each stands, and the switch of each."""

from typing import Annotated, Final

from recoup.people.page.form_shape import Text
from recoup.people.page.menu import Entry, for_operator
from recoup.people.page.pages import Values, member
from recoup.people.page.portal_visit import Visit, names_of_actors
from recoup.people.page.rights import operator
from recoup.routes.flows.connections import notices_of
from recoup.routes.flows.route_switches import WHY_MAX, read_route_states, switch_off, switch_on

PLACE: Final = "/processors"
BREAKERS: Final = {
    "closed": "reachable", "open": "not reachable", "trickle": "some payments try it again",
    "refused": "refuses the account or its key",
}  # fmt: skip
_see = operator("see the card processors")
_switch = operator("switch a card processor")


@member.page(
    PLACE,
    "routes/processors.html",
    may=_see,
    menu=Entry(
        "Operator", 2, "Card processors", "processing", counts="routes_down", sees=for_operator
    ),
)
async def processors(visit: Visit) -> Values:
    states = await read_route_states(visit.world)
    return dict(
        states=states,
        notices=await notices_of(visit.world, [state.row.name for state in states]),
        why_max=WHY_MAX,
        who=await names_of_actors(visit, [state.row.actor for state in states if state.row.actor]),
    )


@processors.post("/processors/off", may=_switch)
async def post_off(
    visit: Visit, *, name: Annotated[str, Text(64)], reason: Annotated[str, Text(1_000)]
) -> None:
    await switch_off(
        visit.world, name, reason, visit.operator_scope.actor.text(), visit.operator_scope
    )


@processors.post("/processors/on", may=_switch)
async def post_on(visit: Visit, *, name: Annotated[str, Text(64)]) -> None:
    await switch_on(visit.world, name, visit.operator_scope.actor.text(), visit.operator_scope)

"""/cards: two prints that are one card by the operator's word: proposed by one person, joined for
good by another."""

from typing import Annotated, Final
from uuid import UUID

from recoup.cards.store.card_joins import list_joins
from recoup.desk.flows.operator_joins import TEXT_MAX, alike_prints, decide_join, propose_join
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.texts import known_id
from recoup.people.page.endpoint import done_of, find_id, redirect, with_done
from recoup.people.page.form_shape import Text, read_again
from recoup.people.page.menu import Entry, for_operator
from recoup.people.page.pages import Answer, Values, member
from recoup.people.page.portal_visit import Visit, named
from recoup.people.page.rights import operator

PLACE: Final = "/cards"
DECIDE: Final = operator("join cards")
DONE: Final = {
    "proposed": "The proposal waits for a second person.",
    "joined": "The two cards are joined.",
    "refused": "The proposal is refused.",
}


@member.page(
    PLACE,
    "desk/cards.html",
    may=DECIDE,
    menu=Entry("Operator", 4, "Linked cards", "copy", sees=for_operator),
)
async def cards(
    visit: Visit, *, first: Annotated[str, Text(60)], second: Annotated[str, Text(60)]
) -> Values:
    async with visit.world.db.read() as connection:
        joins = await list_joins(connection, visit.merchant_id)
        alike = await alike_prints(connection, visit.merchant_id)
    typed = read_again(post_proposal, visit.typed if visit.request.url.path == PLACE else {})
    return dict(
        waiting=[row for row in joins if row.state == "waiting"],
        decided=[row for row in joins if row.state != "waiting"],
        alike=alike,
        first=typed.first or first,
        second=typed.second or second,
        typed=typed,
        people=await named(visit, [who for row in joins for who in (row.made_by, row.decided_by)]),
        me=visit.scope.actor.text(),
        done=DONE.get(done_of(visit.session, visit.request), ""),
    )


@cards.post(may=DECIDE)
async def post_proposal(
    visit: Visit,
    *,
    first: Annotated[str, Text(60, strip=True)],
    second: Annotated[str, Text(60, strip=True)],
    reason: Annotated[str, Text(TEXT_MAX)],
    evidence: Annotated[str, Text(TEXT_MAX)],
) -> Answer:
    """`first`, `second`: ids of two orders."""
    orders = _order(first, "first"), _order(second, "second")
    row = await propose_join(visit.world, visit.scope, orders, reason, evidence)
    return redirect(
        with_done(visit.session, PLACE, "joined" if row.state == "joined" else "proposed")
    )


_id: Final = find_id(
    "id", Problem("not_found", "There is no such proposal.", cure="Reload the page.")
)


@cards.post("/cards/{id}", may=DECIDE, find=_id)
async def post_decision(visit: Visit, join_id: UUID, *, decision: str) -> Answer:
    """`decision`: join; anything else refuses."""
    row = await decide_join(visit.world, visit.scope, join_id, join=decision == "join")
    return redirect(with_done(visit.session, PLACE, row.state))


def _order(text: str, field: str) -> UUID:
    cure = "Copy the id from the address of the order."
    return known_id(text, invalid("This is no id of an order.", field, cure))

"""/onboarding: the checklist, read from what happened, and going live with its conditions."""

from typing import Annotated, Final, Literal
from uuid import UUID

from recoup.kernel.problem import Problem
from recoup.onboarding.flows.go_live import ask_to_go_live, decide_go_live, onboarding_of, withdraw
from recoup.onboarding.rules.form import KINDS
from recoup.onboarding.rules.onboarding import TASKS, curl_line, kinds_on
from recoup.onboarding.store.onboarding import go_live_requests
from recoup.people.page.endpoint import redirect
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, member
from recoup.people.page.portal_visit import Visit, named
from recoup.people.page.rights import anybody
from recoup.people.page.words import State

STATES = {
    "asked": State("Requested", "hold", "onhold", "The operator decides."),
    "approved": State(
        "Approved", "hold", "onhold", "It goes live as soon as the live environment accepts cards."
    ),
    "open": State("Live", "ok", "completed", "Switch to live and create its keys there."),
    "refused": State("Refused", "prob", "problem", "The note says why; you can ask again."),
    "withdrawn": State(
        "Withdrawn", "off", "cancelled", "It was withdrawn by the person who asked."
    ),
}
REQUESTS_MAX = 20


@member.page(
    "/onboarding", "onboarding/onboarding.html", menu=Entry("Settings", 1, "Onboarding", "flag")
)
async def onboarding(visit: Visit) -> Values:
    facts, conditions = await onboarding_of(visit.world, visit.merchant_id)
    requests = await go_live_requests(visit.world.db.reader, visit.merchant_id, REQUESTS_MAX)
    people = await named(
        visit, [who for row in requests for who in (row.requested_by, row.decided_by)]
    )
    return dict(
        evidence=facts.evidence,
        done=len(facts.evidence),
        conditions=conditions,
        holds=all(c.holds for c in conditions),
        kinds=KINDS,
        on=kinds_on(facts),
        requests=requests,
        open=next((row for row in requests if row.state == "asked"), None),
        people=people,
        may_ask=visit.session.may("go_live") and not visit.is_operator,
        curl={task.step: curl_line(task, visit.world.url) for task in TASKS},
    )


_NO_ACTION: Final = Problem("malformed", "This action does not exist on this page.")


@onboarding.post(may=anybody)
async def act(
    visit: Visit,
    *,
    do: Annotated[Literal["ask", "withdraw", "approve", "refuse"], _NO_ACTION],
    request: UUID | None,
    kind: tuple[str, ...],
    note: str,
) -> Answer:
    """The button that was pressed says which. `kind`: of which orders, to ask; `request`: that was
    asked, to do something else; `note`: with a decision."""
    if do in ("ask", "withdraw"):
        visit.only("go_live", "ask to go live")
    else:
        visit.only_operator("decide who goes live")
    world, scope = visit.world, visit.scope
    if do == "ask":
        await ask_to_go_live(world, scope, kind)
    elif request is None:
        raise Problem("not_found", "There is no such request.", "Reload the page.")
    elif do == "withdraw":
        await withdraw(world, scope, request)
    else:
        await decide_go_live(world, scope, request, approve=do == "approve", note=note)
    return redirect("/onboarding#go-live")

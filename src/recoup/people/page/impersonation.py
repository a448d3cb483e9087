"""/look-as: somebody of the operator chooses whom to impersonate, says why, and ends it."""

from typing import Final

from starlette.responses import Response

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import invalid
from recoup.kit.edge.cookies import cookie
from recoup.kit.rights import MAY
from recoup.people.flows.impersonate import ImpersonationForm, begin, end
from recoup.people.page.endpoint import COOKIE, redirect
from recoup.people.page.form_shape import read_again
from recoup.people.page.forms import Form
from recoup.people.page.menu import Entry, for_operator
from recoup.people.page.own_forms import own_form
from recoup.people.page.pages import Answer, Values, member
from recoup.people.page.permissions import in_words
from recoup.people.page.portal_visit import Visit
from recoup.people.page.rights import anybody, operator
from recoup.people.rules.impersonation import MINUTES, REASON_MAX
from recoup.people.store.impersonations import members_to_impersonate

PLACE: Final = "/look-as"
MAY_IMPERSONATE: Final = operator("impersonate somebody")


@member.page(
    PLACE,
    "people/impersonation_impersonate.html",
    may=MAY_IMPERSONATE,
    menu=Entry("Operator", 5, "Impersonate", "eye", sees=for_operator),
)
async def impersonate(visit: Visit) -> Values:
    members = await members_to_impersonate(
        visit.world.people.reader, visit.merchant_id, visit.session.user_id, visit.world.name
    )
    return dict(
        members=members,
        roles={role: in_words(role) for role in MAY},
        minutes=MINUTES,
        typed=read_again(post_impersonate, visit.typed),
        reason_max=REASON_MAX,
    )


@impersonate.post(may=MAY_IMPERSONATE)
async def post_impersonate(
    visit: Visit, *, whom: str, reason: str, minutes: str, act: bool
) -> Answer:
    """Begins an impersonation. `whom`: `user:` with an id, or `role:` with its name. `act`: not
    only look."""
    kind, _, name = whom.partition(":")
    user_id = parse_id(name) if kind == "user" else None
    if kind == "user" and user_id is None or kind not in ("user", "role"):
        raise invalid("Choose a person or a role.", "whom", "Choose one of the list.")
    impersonation = ImpersonationForm(user_id, name if kind == "role" else "", reason, minutes, act)
    await begin(
        visit.world,
        cookie(visit.request, COOKIE),
        visit.session,
        impersonation,
        visit.scope.request_id,
    )
    return redirect("/orders")


async def _form_to_end(visit: Visit) -> Form:
    return await own_form(visit) if visit.session.behind else {}


@member.no_page.post("/look-as/end", may=anybody, reads=_form_to_end)
async def post_end(visit: Visit) -> Response:
    """Ends the impersonation, also when it is over already: what they want is so."""
    if visit.session.behind:
        await end(visit.world, cookie(visit.request, COOKIE), visit.scope.request_id)
    return redirect("/orders")

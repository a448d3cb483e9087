"""/unsubscribe/{token}: the link of a mail stops such mails, without signing in. Mail programs do it by
one POST of their own. Source: RFC 8058."""

from starlette.responses import Response

from recoup.doors.portal.forms import Form, first, read_form
from recoup.doors.portal.pages import Values, public
from recoup.doors.portal.public_visit import PublicVisit
from recoup.doors.portal.rights import anybody
from recoup.doors.portal.templates import render
from recoup.flows.people.notifications import Subscription, subscription_of, unsubscribe
from recoup.rules.messages.notifications import KINDS

FORM = "application/x-www-form-urlencoded"


@public.page("/unsubscribe/{token}", "notifications/unsubscribe.html")
async def subscription(visit: PublicVisit) -> Values:
    return _values(visit, await subscription_of(visit.world, visit.request.path_params["token"]), "")


async def _fields(visit: PublicVisit) -> Form:
    """The link is the right to it: it needs no session and no form of ours."""
    ours = visit.request.headers.get("content-type", "").startswith(FORM)
    return await read_form(visit.request) if ours else {}


@public.post("/unsubscribe/{token}", may=anybody, reads=_fields)
async def take(visit: PublicVisit, form: Form) -> Response:
    everything = first(form, "what") == "all"
    found = await unsubscribe(visit.world, visit.request.path_params["token"], all_mails=everything)
    values = visit.values(**_values(visit, found, "all" if everything else "kind"))
    return render("notifications/unsubscribe.html", values)


def _values(visit: PublicVisit, found: Subscription, done: str) -> Values:
    return {"found": found, "kind": KINDS[found.kind], "done": done, "world": visit.world.name}

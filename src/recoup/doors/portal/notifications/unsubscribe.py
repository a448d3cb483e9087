"""/unsubscribe/{token}: the link of a mail stops such mails, without signing in. Mail programs do it by
one POST of their own. Source: RFC 8058."""

from dataclasses import dataclass

from starlette.responses import Response

from recoup.doors.portal.pages import Values, public
from recoup.doors.portal.public_visit import PublicVisit, any_fields
from recoup.doors.portal.rights import anybody
from recoup.doors.portal.templates import render
from recoup.flows.people.notifications import Subscription, subscription_of, unsubscribe
from recoup.rules.messages.notifications import KINDS


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """`what`: all, for every mail; else those of the kind."""

    what: str


@public.page("/unsubscribe/{token}", "notifications/unsubscribe.html")
async def subscription(visit: PublicVisit) -> Values:
    return _values(visit, await subscription_of(visit.world, visit.request.path_params["token"]), "")


@public.no_page.post("/unsubscribe/{token}", may=anybody, shape=Unsubscribe, reads=any_fields)
async def take(visit: PublicVisit, form: Unsubscribe) -> Response:
    """The link is the right to it: it needs no session and no form of ours."""
    everything = form.what == "all"
    found = await unsubscribe(visit.world, visit.request.path_params["token"], all_mails=everything)
    values = visit.values(**_values(visit, found, "all" if everything else "kind"))
    return render("notifications/unsubscribe.html", values)


def _values(visit: PublicVisit, found: Subscription, done: str) -> Values:
    return {"found": found, "kind": KINDS[found.kind], "done": done, "world": visit.world.name}

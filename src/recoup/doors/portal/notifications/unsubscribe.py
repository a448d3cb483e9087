"""/unsubscribe/{token}: whoever holds the link of a mail stops such mails, without signing in. Mail programs do it by
one POST of their own. Source: RFC 8058."""

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.portal.endpoint import Endpoint, outside, unsigned
from recoup.doors.portal.forms import first, read_form
from recoup.doors.portal.portal import Portal
from recoup.doors.portal.templates import render
from recoup.flows.people.notifications import Subscription, subscription_of, unsubscribe
from recoup.rules.messages.notifications import KINDS

FORM = "application/x-www-form-urlencoded"


def unsubscribe_page(portal: Portal) -> Endpoint:
    async def show(request: Request) -> Response:
        return _page(portal, request, await subscription_of(portal.world, request.path_params["token"]), "")

    return unsigned(portal, show)


def unsubscribe_post(portal: Portal) -> Endpoint:
    """The link is the right to it: no session, and no form of ours, is asked for."""

    async def take(request: Request) -> Response:
        ours = request.headers.get("content-type", "").startswith(FORM)
        everything = first(await read_form(request), "what") == "all" if ours else False
        found = await unsubscribe(portal.world, request.path_params["token"], all_mails=everything)
        return _page(portal, request, found, "all" if everything else "kind")

    return unsigned(portal, take)


def _page(portal: Portal, request: Request, found: Subscription, done: str) -> Response:
    values = outside(portal, request, found=found, kind=KINDS[found.kind], done=done, world=portal.world.name)
    return render("notifications/unsubscribe.html", values)

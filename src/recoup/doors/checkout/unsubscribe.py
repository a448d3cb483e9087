"""/checkout/{token}/unsubscribe: the link at the foot of a mail with a link to pay. Opening it changes nothing; the
button, or a mail program by its own POST, stops such mails. Source: RFC 8058."""

from starlette.responses import Response

from recoup.doors.checkout.templates import render
from recoup.doors.checkout.visit import Visit
from recoup.flows.messages.contacts import ContactPage, contact_page, unsubscribe


async def unsubscribe_page(visit: Visit) -> Response:
    return _page(visit, await contact_page(visit.checkout.world, *visit.key))


async def take_unsubscribe(visit: Visit) -> Response:
    return _page(visit, await unsubscribe(visit.checkout.world, *visit.key))


def _page(visit: Visit, page: ContactPage) -> Response:
    values = {"page": page, "address": visit.address, "test": visit.checkout.world.policy.test_mode}
    return render("unsubscribe.html", visit.language, values)

"""A form with a file: its parts are written to disk as they come."""

from contextlib import AsyncExitStack
from typing import Final

from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException

from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import ClientGone
from recoup.kit.edge.spool import spooled_form
from recoup.people.page.any_visit import AnyVisit
from recoup.people.page.endpoint import session_of
from recoup.people.page.forms import no_cards, same_origin
from recoup.people.page.own_forms import check_csrf, not_paused, where_of
from recoup.people.page.portal_visit import Visit

FIELDS_MAX = 20
BYTES_MAX = 513 << 20  # each page has its own limit below it
# Of the amounts in a file: the template's choice.
UNITS: Final = {
    "": "As the file shows",
    "major": "Whole units",
    "minor": "Smallest unit, like cents",
}


class HeldForm(FormData):
    """Its file's room is given back when it is closed."""

    def __init__(self, form: FormData, held: AsyncExitStack) -> None:
        super().__init__(form.multi_items())
        self._held = held

    async def close(self) -> None:
        await self._held.aclose()


async def file_form(visit: AnyVisit) -> FormData:
    """The caller closes it. Raises: Problem(malformed), and as `checked_form`."""
    not_paused(visit.paused)
    request = visit.request
    same_origin(request)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Problem(
            "malformed",
            "This form does not belong to this page.",
            "Use the form on the Files page.",
        )
    held = AsyncExitStack()
    try:
        read = spooled_form(
            request.headers, request.receive, BYTES_MAX, visit.world.name, _whose(visit), FIELDS_MAX
        )
        form = HeldForm(await held.enter_async_context(read), held)
    except (MultiPartException, ClientGone):
        raise Problem(
            "malformed",
            "The form could not be read: it is incomplete, or has unknown fields.",
            "Choose the file again and send it once more.",
        ) from None
    csrf = form.get("csrf", "")
    try:
        await _still_so(visit)
        check_csrf(visit.session, csrf if isinstance(csrf, str) else "", where=where_of(visit))
        no_cards(
            {
                name: [given if isinstance(given, str) else given.filename or ""]
                for name, given in form.multi_items()
            }
        )
    except Problem:
        await form.close()
        raise
    return form


def _whose(visit: AnyVisit) -> str:
    """Room is a merchant's, whoever of its people uses it; a partner's, where somebody looks at no
    merchant."""
    return str(visit.merchant_id if isinstance(visit, Visit) else visit.session.user_id)


async def _still_so(visit: AnyVisit) -> None:
    """A file takes its time. Raises: Problem(forbidden) for somebody who may do something else by
    now."""
    before, now = visit.session, await session_of(visit.portal, visit.request)
    same = now is not None and (
        now.user_id,
        now.merchant,
        now.seat,
        now.paused,
        now.is_operator,
    ) == (
        before.user_id,
        before.merchant,
        before.seat,
        before.paused,
        before.is_operator,
    )
    if not same:
        raise Problem(
            "forbidden",
            "You were signed out, or your role changed, while the file was uploaded; nothing was "
            "done.",
            "Reload the page, and send it again if you may.",
        )

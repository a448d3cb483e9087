"""A form with a file: its parts are written to disk as they come."""

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from recoup.doors.portal.any_visit import AnyVisit
from recoup.doors.portal.visit import not_paused, same_origin
from recoup.flows.people.sessions import is_csrf
from recoup.kernel.problem import Problem

FIELDS_MAX = 20


async def file_form(visit: AnyVisit) -> FormData:
    """Whoever asked for it closes it. Raises: Problem(malformed), Problem(forbidden), also for a paused partner."""
    not_paused(visit.paused)
    request = visit.request
    same_origin(request)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Problem("malformed", "This is not a form of this page.", cure="Use the form on the page of the files.")
    try:
        form = await request.form(max_files=1, max_fields=FIELDS_MAX, max_part_size=65_536)
    except HTTPException:
        raise Problem("malformed", "The form could not be read: it ends early, or has more than ours.",
                      cure="Choose the file again and send it once more.") from None  # fmt: skip
    csrf = form.get("csrf", "")
    if not isinstance(csrf, str) or not is_csrf(visit.session, csrf):
        await form.close()
        raise Problem("forbidden", "This form is from another session; nothing was done.",
                      cure="Go back, reload the page and send it again.")  # fmt: skip
    return form

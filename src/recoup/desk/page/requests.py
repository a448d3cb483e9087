"""/requests: calls with the merchant's keys, how each was answered, and by which id it is known."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from recoup.db.partitions import DAILY
from recoup.keys.flows.call_log import PAUSE_SECONDS
from recoup.keys.store.api_calls import read_calls, read_choices
from recoup.people.page.form_shape import Text
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Values, member
from recoup.people.page.portal_visit import Visit, named

PLACE: Final = "/requests"
SIZE: Final = 50
CLASSES: Final = {"2": "2xx, done", "3": "3xx", "4": "4xx, refused", "5": "5xx, server error"}


@member.page(PLACE, "desk/requests.html", menu=Entry("Integration", 4, "Requests", "clock"))
async def requests_page(
    visit: Visit,
    *,
    status: Annotated[str, Text(1, strip=True)],
    path: Annotated[str, Text(200, strip=True)],
    key: Annotated[str, Text(128, strip=True)],
    request: Annotated[str, Text(128, strip=True)],
    before: UUID | None,
) -> Values:
    """Whatever the address asks for: what nothing has is found nowhere."""
    rows, older = await read_calls(
        visit.world.db.reader,
        visit.merchant_id,
        request_id=request or None,
        status_class=int(status) if status in CLASSES else 0 if status else None,
        path=path or None,
        key_id=key or None,
        before=before,
        limit=SIZE,
    )
    choices = await read_choices(visit.world.db.reader, visit.merchant_id)
    people = await named(
        visit,
        [key for key in {*choices.keys, *(row.key_id for row in rows)} if key.startswith("user:")],
    )
    return dict(
        rows=rows,
        older=older,
        first=before is None,
        filters={"status": status, "path": path, "key": key, "request": request},
        paths=_with(choices.paths, path),
        keys=_with(choices.keys, key),
        key_words=_key_words(people),
        lost=choices.lost,
        days=DAILY["api_calls"],
        pause=round(PAUSE_SECONDS),
    )


def _with(choices: list[str], chosen: str) -> list[str]:
    """Adds the chosen value to the choices, also when no new call has it."""
    return choices if not chosen or chosen in choices else [*choices, chosen]


def _key_words(people: Mapping[str, str]) -> Any:
    """A key as pages show it: its tail, or the person."""

    def shown_key(key_id: str) -> str:
        return people.get(key_id) or (key_id if len(key_id) <= 12 else f"…{key_id[-6:]}")

    return shown_key

"""Files that a page gives out, a part at a time."""

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from recoup.doors.edge.called import acted
from recoup.doors.portal.any_visit import AnyVisit
from recoup.doors.portal.templates import HEADERS
from recoup.doors.portal.visit import Visit
from recoup.flows.merchants.taken_files import note_file
from recoup.rules.money.cells import MARK

CSV: Final = "text/csv; charset=utf-8"
JSON_LINES: Final = "application/x-ndjson"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def download(parts: AsyncIterator[bytes], name: str, media_type: str = CSV) -> Response:
    """A CSV begins with the mark by which spreadsheets know that it is UTF-8."""
    marked = _marked(parts) if media_type == CSV else parts
    return StreamingResponse(marked, media_type=media_type, headers=attached(name))


def attachment(content: bytes | str, name: str, media_type: str) -> Response:
    """A whole file, never shown inside a page of ours."""
    return Response(content, media_type=media_type, headers=attached(name))


def attached(name: str) -> dict[str, str]:
    """The headers of a file."""
    return HEADERS | {"content-disposition": f'attachment; filename="{name}"'}


async def _marked(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield MARK.encode()
    async for part in parts:
        yield part


async def taken(visit: AnyVisit, what: str, subject_id: UUID | str = "", **facts: Any) -> None:
    """`what` as "orders". `facts`: nobody's data, so no words that were searched for. A user without a merchant takes
    files of their partner's own applications only; these are not a merchant's to know."""
    if isinstance(visit, Visit):
        await note_file(visit.world, visit.scope, what, subject_id, **facts)
        acted(visit.request.scope)

"""Files that a page gives out, a part at a time."""

from collections.abc import AsyncIterator
from typing import Final

from starlette.responses import Response, StreamingResponse

from recoup.doors.portal.templates import HEADERS
from recoup.rules.money.cells import MARK

CSV: Final = "text/csv; charset=utf-8"
JSON_LINES: Final = "application/x-ndjson"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def download(parts: AsyncIterator[bytes], name: str, media_type: str = CSV) -> Response:
    """A CSV begins with the mark by which spreadsheets know that it is UTF-8."""
    headers = HEADERS | {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_marked(parts) if media_type == CSV else parts, media_type=media_type, headers=headers)


async def _marked(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield MARK.encode()
    async for part in parts:
        yield part

"""The answer file: one row a row, in the order and the form of the file."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from recoup.kernel.world import World
from recoup.rules.uploads.answers import HEADS, csv_answer, json_answer
from recoup.store.read.uploads import upload_rows

ROWS_AT_ONCE: Final = 1_000


async def answer_file(world: World, upload: Mapping[str, Any]) -> AsyncIterator[bytes]:
    """JSON lines or CSV. No connection is held while a slow reader takes its time."""
    key, kind, form = (upload["merchant_id"], upload["upload_id"]), upload["kind"], upload["form"]
    write = csv_answer if form == "csv" else json_answer
    if form == "csv":
        yield (",".join(HEADS[kind]) + "\r\n").encode()
    after = 0
    while True:
        async with world.db.connection() as connection:
            rows = await upload_rows(connection, key, after=after, limit=ROWS_AT_ONCE)
        if not rows:
            return
        after = rows[-1]["row_no"]
        yield "".join(write(kind, row) for row in rows).encode()

"""The answer file: one row a row, in the order and the form of the file."""

from collections.abc import AsyncIterator
from typing import Final

from recoup.kit.world import World
from recoup.uploads.rules.answers import HEADS, csv_answer, json_answer
from recoup.uploads.store import Upload, upload_rows

ROWS_AT_ONCE: Final = 1_000


async def answer_file(world: World, upload: Upload) -> AsyncIterator[bytes]:
    """JSON lines or CSV. No connection is held while a slow reader takes its time."""
    kind, form = upload.kind, upload.form
    write = csv_answer if form == "csv" else json_answer
    if form == "csv":
        yield (",".join(HEADS[kind]) + "\r\n").encode()
    after = 0
    while True:
        rows = await upload_rows(
            world.db, upload.merchant_id, upload.upload_id, after, ROWS_AT_ONCE
        )
        if not rows:
            return
        after = rows[-1].row_no
        yield "".join(write(kind, row) for row in rows).encode()

"""A report that comes in parts, written to a file or the screen."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path


async def write_parts(parts: AsyncIterator[bytes], out: Path | None) -> None:
    """Whole or not at all: the file takes its name when it is finished."""
    if out is None:
        async for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.flush()
        return
    draft = out.with_name(out.name + ".part")
    try:
        with draft.open("wb") as file:
            async for part in parts:
                file.write(part)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)

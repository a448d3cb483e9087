"""A workbook is opened in a process of its own, which ends at its reader's deadline, and when it
wants more memory than a sheet takes. What comes of it is the sheet's CSV.

`python -m recoup.kit.workbooks`: that process, from its standard input to its standard output.
"""

import asyncio
import os
import pickle
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from copy import copy
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import BinaryIO, Final

from recoup.kernel.problem import Problem, Sentence, too_large
from recoup.kit.files.sheet import BYTES_MAX
from recoup.kit.files.source import ZIP, is_workbook, source_of
from recoup.kit.threads import run_stoppable

MEMORY_BYTES_MAX: Final = 1 << 30
SECONDS_MAX: Final = 300  # of processor time, where nobody waits any more
_OTHER, _SAID = (
    3,
    4,
)  # exit codes: the file is no workbook; the standard error has what is wrong with it
_COMMAND: Final = (sys.executable, "-m", "recoup.kit.workbooks")
LARGE: Final = too_large(
    Sentence("The sheet is larger than {0} MB, or not a sheet.", BYTES_MAX >> 20),
    "Save it as CSV, and split it.",
)
FULL: Final = Problem(
    "no_space",
    "There is too little disk space for this file; nothing of it was taken.",
    retry_after_seconds=60,
    cure="Send it again later, or ask the operator to free space.",
)


@asynccontextmanager
async def opened(content: BinaryIO) -> AsyncIterator[BinaryIO]:
    """The file as its readers take it: of a workbook its CSV, any other as it is.

    Raises: Problem(invalid), Problem(too_large), Problem(no_space).
    """
    content.seek(0)
    is_zip = content.read(len(ZIP)) == ZIP
    content.seek(0)
    if not is_zip:
        yield content
        return
    with TemporaryFile() as packed, TemporaryFile() as made:
        try:
            await run_stoppable(copyfileobj, content, packed)
            packed.seek(0)
        except OSError:
            raise copy(FULL) from None
        plain = content if await _open(packed, made) == _OTHER else made
        plain.seek(0)
        yield plain


async def _open(packed: BinaryIO, made: BinaryIO) -> int:
    """Its exit code. Raises: as `opened`."""
    process = await asyncio.create_subprocess_exec(
        *_COMMAND, stdin=packed, stdout=made, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode in (0, _OTHER):
        return process.returncode
    raise pickle.loads(said) if process.returncode == _SAID else copy(LARGE)  # noqa: S301 - our own


def main() -> int:
    """Its exit code; a Problem is written to the standard error."""
    with suppress(ValueError, OSError):  # where less is allowed already
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    try:
        if not is_workbook(sys.stdin.buffer):
            return _OTHER
        for piece in source_of(sys.stdin.buffer)():
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except Exception as error:  # noqa: BLE001 - whatever it is, the file cannot be read
        problem = (
            error if isinstance(error, Problem) else FULL if isinstance(error, OSError) else LARGE
        )
        sys.stderr.buffer.write(pickle.dumps(problem))
        return _SAID
    return 0


if __name__ == "__main__":
    os._exit(main())

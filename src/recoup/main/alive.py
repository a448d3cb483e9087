"""Signs of life of a door or the worker to its starter: that it serves, and each second that it
does not stand still."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from recoup.kernel.measures import REPLACED

READY: Final = "RECOUP_READY"  # the number of a file that it writes to
STOOD_STILL: Final = "RECOUP_STOOD_STILL"  # 1: the one before it did, and was replaced


def teller(part: str) -> Callable[[], None]:
    """Makes the function that tells; called once it serves, and from then on each second."""
    REPLACED.add(part, by=float(os.environ.pop(STOOD_STILL, 0)))
    handle = int(os.environ.pop(READY, -1))
    if handle >= 0:
        os.set_blocking(handle, False)

    def tell() -> None:
        with suppress(OSError):  # nobody looks, or no longer
            os.write(handle, b"1")

    return tell

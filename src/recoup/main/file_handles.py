"""File handles: as many as the system lets this process have, which is rarely what it starts with."""

import resource
from typing import Final

ENOUGH: Final = 16_384


def raise_file_handles() -> int:
    """How many there may be from now on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    aim = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft == resource.RLIM_INFINITY or soft >= aim:
        return ENOUGH if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (aim, hard))
    except (OSError, ValueError):
        return soft
    return aim

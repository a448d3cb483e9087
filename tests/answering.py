"""What a door answers to a stranger's client."""

from collections.abc import Mapping
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def status(url: str, headers: Mapping[str, str] | None = None, timeout: float = 5.0) -> int | None:
    """None where nothing answers."""
    try:
        with urlopen(Request(url, headers=dict(headers or {})), timeout=timeout) as answer:
            return int(answer.status)
    except HTTPError as refused:
        with refused:  # it is an answer, and holds a socket until it is closed
            return refused.code
    except OSError:
        return None


def is_ready(url: str, timeout: float = 5.0) -> bool:
    return status(url, timeout=timeout) == 200

"""Addresses of a processor's page that a customer may be sent to, and what their browser brings
back from there."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from recoup.kernel.hosts import is_loopback
from recoup.kernel.texts import is_printable

URL_MAX: Final = 4_096
PARAMETERS_MAX: Final = 30


def is_payer_page(url: str) -> bool:
    """HTTPS, or this machine; of one line and a bounded length, without a user in it."""
    if (
        len(url) > URL_MAX
        or not is_printable(url)
        or any(character in url for character in ' \\"<>')
    ):
        return False
    try:
        parts = urlsplit(url)
        host, user = parts.hostname or "", parts.username or parts.password
        parts.port  # noqa: B018 - raises for what is none
    except ValueError:
        return False
    return (
        bool(host)
        and not user
        and (parts.scheme == "https" or parts.scheme == "http" and is_loopback(host))
    )


def as_brought(query: Mapping[str, str], most: int) -> str | None:
    """All of it as one text; None for more than is kept."""
    text = urlencode(list(query.items())[: PARAMETERS_MAX + 1])
    return text if len(query) <= PARAMETERS_MAX and len(text) <= most else None

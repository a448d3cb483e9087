"""Addresses that a merchant gives us for the payer's browser."""

import re
from typing import Final
from urllib.parse import urlsplit

from recoup.kernel.problem import Problem

LINK_MAX: Final = 2048
_ODD: Final = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}]")


def check_link(url: str | None, field: str) -> str | None:
    """http or https with a host, without a user or password.

    Raises: Problem(invalid).
    """
    if url is None or url == "":
        return None
    cure = "Send an absolute http or https address."
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        fits = False
    if not fits or len(url) > LINK_MAX or _ODD.search(url):
        message = f"The field {field} is no address that a browser may be sent to."
        raise Problem("invalid", message, field=field, cure=cure)
    return url

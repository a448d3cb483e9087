"""The address of a site: what may be one, and the host by which orders find it. Pure."""

import re
from typing import Final
from urllib.parse import urlsplit

import idna

from recoup.kernel.problem import Problem, Sentence

CHARS_MAX: Final = 512
CURE: Final = (
    "Send an https address like https://shop.example, or a bare host name like shop.example."
)
_HOST_CHARS_MAX: Final = 253
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_PATH: Final = re.compile(r"[!$%&'()*+,\-./0-9:;=?@A-Z_a-z~]*", re.ASCII)


def check_site_address(url: str) -> str:
    """The site's host, without `www.`, in its ASCII form.

    Raises: Problem(invalid) for what is neither an https address nor a bare host name; its fact
    `what` is what the sentence says of the field.
    """
    scheme, rest = (
        ("https", url) if "//" not in url else (url.partition("//")[0].rstrip(":").lower(), url)
    )
    if len(url) > CHARS_MAX:
        raise _problem(f"may be at most {CHARS_MAX} characters long")
    if not url.isprintable() or " " in url:
        raise _problem("has blanks or characters that cannot be seen")
    if scheme != "https":
        raise _problem("is not an https address")
    try:
        parts = urlsplit(rest if "//" in rest else f"//{rest}")
        _ = parts.port  # raises where it is none
    except ValueError:
        raise _problem("has a host or port that cannot be read") from None
    if "@" in parts.netloc:
        raise _problem("carries a user name or password")
    if "//" not in url and (parts.path or parts.query or parts.fragment):
        raise _problem("has a path, but no https:// before its host")
    host = _ascii(parts.hostname or "")
    if host is None:
        raise _problem("has no public host name")
    if parts.fragment or not _PATH.fullmatch(f"{parts.path}?{parts.query}"):
        raise _problem("has a path with characters that an address does not have")
    return host.removeprefix("www.")


def shop_address(url: str) -> str | None:
    """Address at which a customer finds the site; None for an old address that is none. Always
    https."""
    try:
        check_site_address(url)
    except Problem:
        return None
    return url if "//" in url else f"https://{url}"


def host_of(url: str) -> str | None:
    """The host of an address as clients write it: with or without scheme, `www.`, port or path, in
    any script."""
    try:
        host = urlsplit(url if "//" in url else "//" + url).hostname
    except ValueError:
        return None
    if not host:
        return None
    return (host if host.isascii() else _ascii(host) or host).removeprefix("www.")


def _ascii(host: str) -> str | None:
    """A public name as registries know it (xn--… for other scripts); None for an address or what is
    no such name."""
    try:
        plain = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode()
        if "xn--" in plain:
            idna.decode(plain)  # raises where it stands for no name
    except (idna.IDNAError, UnicodeError):
        return None
    labels = plain.split(".")
    fits = (
        len(plain) <= _HOST_CHARS_MAX
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
    )
    return (
        plain if fits and not labels[-1].isdecimal() and not labels[-1].startswith("0x") else None
    )


def _problem(what: str) -> Problem:
    return Problem(
        "invalid", Sentence("The field Url {0}.", what), field="Url", cure=CURE, what=what
    )

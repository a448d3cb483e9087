"""The picture that an app reads. Drawn into the page itself: it has no address that could be fetched or kept."""

from typing import Final
from urllib.parse import urlsplit

import segno
from markupsafe import Markup

from recoup.flows.world import World
from recoup.rules.people.totp import address_of

_HERE: Final = ("", "localhost", "127.0.0.1", "::1")


def qr_svg(secret: str, email: str, world: World) -> Markup:
    """Dark on light in either theme, with its quiet zone: phones read nothing else."""
    drawn = segno.make(address_of(secret, email, issuer_of(world)), error="m", micro=False)
    svg = drawn.svg_inline(border=4, dark="#000", light="#fff", omitsize=True, svgclass="scanned", lineclass=None)
    return Markup(svg)  # noqa: S704 - drawn by us: squares and numbers only


def issuer_of(world: World) -> str:
    """How the app calls it; with the host, where there is one, so that installations differ."""
    host = urlsplit(world.url).hostname or ""
    return "Recoup" if host in _HERE else f"Recoup {host}"

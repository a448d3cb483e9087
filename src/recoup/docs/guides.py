"""The pages that people wrote: the Markdown files of `docs/` that a user needs."""

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from recoup.kernel.frozen import frozen

# In the order of the navigation: file -> (section, words of the navigation).
GUIDES: Final[Mapping[str, tuple[str, str]]] = {
    "first-payment": ("Start", "Your first payment"),
    "connect": ("Start", "Connect"),
    "stripe": ("Start", "Stripe"),
    "test-cards": ("Start", "Test cards"),
    "errors": ("Start", "Errors"),
    "standing": ("Start", "Where it stands"),
    "prove-it": ("Use", "Prove it on your data"),
    "engine": ("Use", "Rescue engine"),
    "cards": ("Use", "Cards"),
    "risk-and-advances": ("Use", "Risk check, advances"),
    "payment-links": ("Use", "Payment links"),
    "orders": ("Use", "Orders"),
    "money": ("Use", "Money"),
    "disputes": ("Use", "Disputes"),
    "webhooks": ("Use", "Webhooks"),
    "stablecoins": ("Use", "Stablecoins"),
    "chains": ("Use", "Chains"),
    "people-and-partners": ("Use", "People and partners"),
    "operate": ("Run", "Operate"),
    "backup": ("Run", "Backup and restore"),
    "monitoring": ("Run", "Monitoring"),
    "settings": ("Run", "Settings"),
    "processors": ("Run", "Processors"),
    "security": ("Run", "Security"),
    "pci": ("Run", "PCI DSS"),
}
# Beside the sources in a clone, under the environment's `share` when installed.
_FOLDERS: Final = (
    Path(__file__).resolve().parents[3] / "docs",
    Path(sys.prefix) / "share/recoup/docs",
)


@frozen
class Section:
    """A heading and the text below it; the first one has no heading."""

    anchor: str
    title: str
    text: str


@frozen
class Rendered:
    """`title` is the first heading, which `html` leaves to the page."""

    title: str
    html: str
    sections: tuple[Section, ...]


@frozen
class Guide:
    name: str
    section: str
    label: str
    page: Rendered


def _folder() -> Path | None:
    return next((folder for folder in _FOLDERS if (folder / "first-payment.md").exists()), None)


@cache
def pictures() -> Mapping[str, Path]:
    """The guides' pictures by the name of their file."""
    folder = _folder()
    return (
        {image.name: image for image in sorted((folder / "images").glob("*.webp"))}
        if folder
        else {}
    )


@cache
def read_guides() -> dict[str, Guide]:
    """Guides by name; only those whose file is there."""
    from recoup.docs.markdown import rendered  # 68 modules that a start need not wait for

    folder = _folder()
    guides = {}
    for name, (section, label) in GUIDES.items():
        file = folder / f"{name}.md" if folder else None
        if file is not None and file.exists():
            guides[name] = Guide(
                name, section, label, rendered(file.read_text(encoding="utf-8"), place)
            )
    return guides


def place(target: str) -> str | None:
    """`errors.md#x` -> `/docs/errors#x`, a picture's file its address; addresses of the web stay,
    other files have no page here."""
    parts = urlsplit(target)
    if parts.scheme in ("http", "https") or target.startswith(("#", "/")):
        return target
    folder, _, file = parts.path.rpartition("/")
    if folder == "images" and file in pictures():
        return f"/docs/images/{file}"
    name = parts.path.removesuffix(".md")
    return (
        f"/docs/{name}" + (f"#{parts.fragment}" if parts.fragment else "")
        if name in GUIDES
        else None
    )

"""A customer's browser data, all of which 3-D Secure requires. Source: EMV 3-D Secure 2.3, browser
data."""

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Final

from recoup.kernel.frozen import frozen

HEADER_MAX: Final = 400
SIDE_MAX: Final = 999_999
OFFSET_MAX: Final = 840  # minutes
DEPTHS: Final = frozenset({1, 4, 8, 15, 16, 24, 30, 32, 48})
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,4}")
_NUMBER: Final = re.compile(r"-?\d{1,6}", re.ASCII)


@frozen
class Browser:
    """`accept`, `user_agent`: the headers, as it sent them; the rest by its script, None where none
    ran. `offset`: of its time zone, in minutes to UTC, as JavaScript counts them."""

    accept: str = field(default="", repr=False)
    user_agent: str = field(default="", repr=False)
    language: str | None = field(default=None, repr=False)
    color_depth: int | None = None
    height: int | None = None
    width: int | None = None
    offset: int | None = None
    java: bool | None = None

    @property
    def is_whole(self) -> bool:
        """All of it fits: a part of it is worth nothing to a bank."""
        sides = (self.height, self.width)
        return (
            bool(self.accept and self.user_agent)
            and _LANGUAGE.fullmatch(self.language or "") is not None
            and self.color_depth in DEPTHS
            and all(side is not None and 0 < side <= SIDE_MAX for side in sides)
            and self.offset is not None
            and abs(self.offset) <= OFFSET_MAX
            and self.java is not None
        )


def read_browser(headers: Mapping[str, str], form: Mapping[str, str]) -> Browser:
    """Reads the headers, and the fields that the page's script fills."""
    accept, agent = (headers.get(name, "")[:HEADER_MAX] for name in ("accept", "user-agent"))
    depth, height, width, offset = (
        int(form[name]) if _NUMBER.fullmatch(form.get(name, "")) else None
        for name in ("colorDepth", "screenHeight", "screenWidth", "timeZoneOffset")
    )
    java = {"true": True, "false": False}.get(form.get("javaEnabled", ""))
    return Browser(
        accept, agent, form.get("language", "")[:40] or None, depth, height, width, offset, java
    )

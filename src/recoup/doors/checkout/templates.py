"""Turns values into pages. Everything is escaped; a name that is not given is an error, never an empty string."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",  # the link is the payer's right to pay
    "cache-control": "no-store",
}


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%H:%M GMT, %-d %B")


def span(length: timedelta) -> str:
    """`22 minutes`, `3 hours`, `under a minute`."""
    minutes = max(0, int(length.total_seconds()) // 60)
    number, unit = (minutes // 60, "hour") if minutes >= 120 else (minutes, "minute")
    return f"{number} {unit}{'s' if number != 1 else ''}" if number else "under a minute"


_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True, auto_reload=False,
)  # fmt: skip
_TEMPLATES.filters |= {"utc": utc, "clock": clock, "span": span}


def render(name: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_TEMPLATES.get_template(name).render(values), status_code=status, headers=HEADERS)

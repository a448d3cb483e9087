"""Turns values into pages. Everything is escaped; a name that is not given is an error, never an empty string."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.responses import HTMLResponse

from recoup.doors.portal import words
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import apart, shown
from recoup.rules.network.descriptor import statement_text

FOLDER: Final = Path(__file__).parent
STATIC: Final = {name: FOLDER / "static" / name for name in (
    "tokens.css", "portal.css", "favicon.svg", "copy.js", "orders.css", "orders.js",
)}
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; script-src 'self';"
        " connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


def money(units: int, asset: str, like: str | None = None) -> str:
    """Exact, in the scale of the sender's text `like` or the customary one, thousands apart; with a real minus sign."""
    text = shown(abs(units), asset, like) if asset in EXPONENTS else str(abs(units))
    return ("\N{MINUS SIGN}" if units < 0 else "") + apart(text)


@pass_context
def _money(context: Context, units: int, asset: str, like: str | None = None) -> str:
    """In templates; a page about one order says its sender's text once, as `sent_text`."""
    return money(units, asset, like or context.get("sent_text"))


def when(moment: datetime, now: datetime, *, seconds: bool = False) -> str:
    """In GMT: `20 Nov 06:39`, with the year when it is another than now's."""
    moment = moment.astimezone(UTC)
    year = f" {moment.year}" if moment.year != now.year else ""
    clock = "%H:%M:%S" if seconds else "%H:%M"
    return f"{moment.day} {moment:%b}{year} {moment.strftime(clock)}"


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def full(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S GMT")


def span(length: timedelta) -> str:
    """`3 days 6 h`, `2 h 5 min`, `under a minute`; the sign does not count."""
    minutes = int(abs(length).total_seconds()) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} day{'s' if days != 1 else ''}" + (f" {hours} h" if hours else "")
    if hours:
        return f"{hours} h" + (f" {rest} min" if rest else "")
    return f"{rest} min" if rest else "under a minute"


def short_id(value: Any) -> str:
    """The head and the tail; ids of one minute differ only in the tail."""
    text = str(value)
    return text if len(text) <= 12 else f"{text[:4]}…{text[-6:]}"


def count(number: int, exact: bool = True) -> str:
    return f"{number:,}" + ("" if exact else "+")


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    made.filters |= {
        "money": _money, "when": when, "utc": utc, "full": full, "span": span,
        "short_id": short_id, "count": count, "scheme": words.scheme_word, "statement": statement_text,
    }  # fmt: skip
    made.globals |= {
        "STATUSES": words.STATUSES, "CHANNELS": words.CHANNELS, "channel_word": words.channel_word,
        "static_version": sha256(b"".join(file.read_bytes() for file in STATIC.values())).hexdigest()[:8],
    }  # fmt: skip
    return made


_TEMPLATES: Final = _environment()


def render(name: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_TEMPLATES.get_template(name).render(values), status_code=status, headers=HEADERS)

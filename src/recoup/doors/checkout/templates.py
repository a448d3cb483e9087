"""Turns values into pages. Everything is escaped; a name that is not given is an error, never an empty string."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from recoup.doors.checkout.words import clock, problem_texts, span, t
from recoup.kernel.problem import Problem

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",  # the link is the payer's right to pay
    "cache-control": "no-store",
    "vary": "accept-language",
}


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_TEMPLATES.filters |= {"utc": utc, "clock": clock, "span": span}
_TEMPLATES.globals |= {"t": t}


def render(
    name: str, language: str, values: Mapping[str, Any], *, status: int = 200, scripts: bool = False
) -> HTMLResponse:
    """`scripts`: the page has some of ours; others run none."""
    page = _TEMPLATES.get_template(name).render(values, lang=language)
    headers = HEADERS | {"content-language": language}
    if scripts:
        headers["content-security-policy"] += "; script-src 'self'"
    return HTMLResponse(page, status_code=status, headers=headers)


def problem_page(language: str, problem: Problem, *, test: bool, status: int) -> HTMLResponse:
    message, cure = problem_texts(language, problem)
    return render("problem.html", language, {"message": message, "cure": cure, "test": test}, status=status)

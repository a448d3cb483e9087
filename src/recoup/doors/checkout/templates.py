"""Turns values into pages. Everything is escaped; a name that is not given is an error, never an empty string."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from recoup.kernel.problem import Problem
from recoup.rules.languages.catalogues import ENGLISH, catalogue, or_english

MONTHS: Final = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                 "November", "December")  # fmt: skip
# A Problem's code -> the stablecoin API's, whose table knows it in every language.
_CODES: Final = {
    "not_found": "not_found", "wrong_state": "invalid_state", "conflict": "invalid_state",
    "unavailable": "service_unavailable", "internal": "internal_error",
}  # fmt: skip


def say(language: str, text: str, **values: Any) -> Markup:
    """`text` in that language, or as it is where the table lacks it; everything in it is escaped."""
    return Markup(escape(catalogue(language).checkout.get(text, text))).format(**values)  # noqa: S704


@pass_context
def t(context: Context, text: str, **values: Any) -> Markup:
    return say(context["lang"], text, **values)


@pass_context
def clock(context: Context, moment: datetime) -> Markup:
    moment = moment.astimezone(UTC)
    month = say(context["lang"], MONTHS[moment.month - 1])
    return say(context["lang"], "{time} GMT, {day} {month}", time=moment.strftime("%H:%M"), day=moment.day, month=month)


@pass_context
def span(context: Context, length: timedelta) -> Markup:
    """`22 minutes`, `3 hours`, `under a minute`."""
    minutes = max(0, int(length.total_seconds()) // 60)
    number, unit = (minutes // 60, "hour") if minutes >= 120 else (minutes, "minute")
    if not number:
        return say(context["lang"], "under a minute")
    return say(context["lang"], f"{{number}} {unit}{'s' if number != 1 else ''}", number=number)


def problem_texts(language: str, problem: Problem) -> tuple[str, str]:
    """What happened and what to do: in English the particulars, elsewhere the table's words for them or their kind."""
    if or_english(language) == ENGLISH:
        return problem.message, problem.cure or ""
    known = catalogue(language).checkout
    if problem.message in known:
        return known[problem.message], known.get(problem.cure or "", "")
    code = _CODES.get(problem.code, "invalid_request")
    return catalogue(language).errors.get(code, problem.message), known.get(problem.cure or "", "")


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

"""Turns values into pages. Everything is escaped; a name that is not given is an error, never an
empty string."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FunctionLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.responses import HTMLResponse

from recoup.kernel.cached import cached
from recoup.kernel.feature import features
from recoup.kernel.money import money, shown
from recoup.kernel.problem import Figure, Sentence
from recoup.kernel.time import stamp
from recoup.kit.languages.catalogues import ENGLISH, catalogue
from recoup.kit.languages.dates import day_of, weekday_of
from recoup.kit.languages.locale import PLAIN, Locale
from recoup.kit.languages.numbers import number_of
from recoup.kit.languages.page_text import translated
from recoup.kit.languages.said import said
from recoup.kit.languages.times import COMMON, Times
from recoup.kit.local_time import GMT, retold
from recoup.networks.descriptor import statement_text
from recoup.orders.rules.attention import sentence_of
from recoup.orders.rules.words import channel_word, reason_word, scheme_word
from recoup.people.page import menu, words

FOLDER: Final = Path(__file__).parent
ROOT: Final = FOLDER.parents[1]


def _name(file: Path) -> str:
    """`desk/order/order.html` of `desk/page/order/order.html`, `parts/cards.html` of
    `parts/cards.html`."""
    subject, *rest = file.relative_to(ROOT).parts
    return "/".join([subject, *(rest[1:] if rest[0] == "page" else rest)])


FILES: Final = {
    _name(file): file
    for each in ("*/*.html", "*/page/**/*.html")
    for file in sorted(ROOT.glob(each))
}
_SOURCES: Final = {name: file.read_text() for name, file in FILES.items()}


@cache
def of_features() -> dict[str, str]:
    """The templates of features, read when pages are declared."""
    folders = {feature.name: feature.folder for feature in features() if feature.folder}
    templates = ((name, file) for name, folder in folders.items() for file in folder.glob("*.html"))
    return {f"{name}/{file.name}": file.read_text() for name, file in templates}


MIDDLE_MAX: Final = 20
_LONG_AGO: Final = datetime(
    1970, 1, 2, tzinfo=UTC
)  # to a page without a clock every year is another
STATIC: Final = {
    file.name: file
    for file in sorted((FOLDER / "static").iterdir())
    if file.suffix in (".css", ".js", ".svg")
}
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "script-src 'self';"
        " connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


@pass_context
def _money(context: Context, units: int, asset: str, like: str | None = None) -> str:
    """In templates; a page about one order says its sender's text once, as `sent_text`."""
    return number_of(context["language"], money(units, asset, like or context.get("sent_text")))


def when(
    moment: datetime,
    now: datetime,
    *,
    seconds: bool = False,
    zone: str = GMT,
    language: str = ENGLISH,
) -> str:
    """`20 Nov 06:39`, with the year when it is another than now's."""
    return Times(zone, now, language).when(moment, seconds=seconds)


def full(moment: datetime, zone: str = GMT) -> str:
    """`2026-10-25 02:30:00 CET, UTC+01:00`: also the hour that comes twice is clear."""
    return Times(zone, moment).full(moment)


def _zone(context: Context) -> str:
    """The page's own choice, where it has one, else the visitor's."""
    return str(context["zone"])


@pass_context
def _when(context: Context, moment: datetime, now: datetime, *, seconds: bool = False) -> str:
    """In templates."""
    return when(moment, now, seconds=seconds, zone=_zone(context), language=context["language"])


@pass_context
def _full(context: Context, moment: datetime) -> str:
    return full(moment, _zone(context))


@pass_context
def _day(context: Context, day: date) -> str:
    """`20 Nov 2026`."""
    return day_of(context["language"], day, with_year=True)


@pass_context
def _plus(context: Context, value: float) -> str:
    """`+1.5`, `−0.3`."""
    return number_of(context["language"], f"{value:+.1f}".replace("-", "−"))


@pass_context
def _fixed(context: Context, value: float, digits: int) -> str:
    return number_of(context["language"], f"{value:.{digits}f}".replace("-", "−"))


@pass_context
def _count(context: Context, number: int, exact: bool = True) -> str:
    return number_of(context["language"], count(number, exact))


@pass_context
def _short_day(context: Context, day: date) -> str:
    """`20 Nov`."""
    return day_of(context["language"], day, with_year=False)


@pass_context
def _weekday(context: Context, moment: datetime) -> str:
    return weekday_of(context["language"], moment.astimezone(ZoneInfo(_zone(context))))


@pass_context
def _said(context: Context, text: str) -> str:
    """A sentence of our code in the page's language, its moments in the page's zone, which they
    name."""
    now, zone, language = context.get("now") or _LONG_AGO, _zone(context), context["language"]

    def moment(at: datetime) -> str:
        return f"{when(at, now, zone=zone, language=language)} {zone}"

    return retold(said(language, text, moment), moment)


@pass_context
def _shown(context: Context, value: Any) -> Any:
    """Whatever keeps what it was made of is read in the page's language, also where a template
    forgets to say it."""
    return _said(context, value) if isinstance(value, Sentence | Figure) else value


def span(length: timedelta, to: Locale = PLAIN) -> str:
    """`3 days 6 h`, `2 h 5 min`, `under a minute`; the sign does not count."""
    minutes = int(abs(length).total_seconds()) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        pattern = "{days} day{s} {hours} h" if hours else "{days} day{s}"
    elif hours:
        pattern = "{hours} h {rest} min" if rest else "{hours} h"
    else:
        pattern = "{rest} min" if rest else "under a minute"
    return to.say(
        pattern, days=str(days), s="" if days == 1 else "s", hours=str(hours), rest=str(rest)
    )


def ago(moment: datetime, now: datetime, to: Locale = PLAIN) -> str:
    """`2 h 5 min ago`, `3 days 6 h from now`."""
    if moment > now:
        return to.say("{span} from now", span=span(moment - now, to))
    return to.say("{span} ago", span=span(now - moment, to))


def short_id(value: Any) -> str:
    """The head and the tail; ids of one minute differ only in the tail."""
    text = str(value)
    return text if len(text) <= 12 else f"{text[:4]}…{text[-6:]}"


def middle(text: str) -> str:
    """Long ids differ at their ends: what stands between is left out."""
    return text if len(text) <= MIDDLE_MAX else f"{text[:11]}…{text[-8:]}"


def first_upper(text: str) -> str:
    """The text with a capital, as a sentence begins."""
    return text[:1].upper() + text[1:]


def count(number: int, exact: bool = True) -> str:
    return f"{number:,}" + ("" if exact else "+")


def _loader(language: str) -> FunctionLoader:
    """Every template as it was when the process began, in this language: of an installation that is
    replaced beneath it, a page first rendered afterwards would name what this code does not know,
    and break."""
    pages = catalogue(language).pages

    def load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        source = _SOURCES.get(name) or of_features().get(name)
        if source is None:
            return None
        return translated(source, pages) if pages else source, name, lambda: True

    return FunctionLoader(load)


@cached(32)
def _environment(language: str) -> Environment:
    made = Environment(
        loader=_loader(language),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_shown,
    )
    reader = Locale(language)
    made.filters |= {
        "money": _money,
        "when": _when,
        "utc": stamp,
        "full": _full,
        "weekday": _weekday,
        "day": _day,
        "short_day": _short_day,
        "plus": _plus,
        "moment": datetime.fromisoformat,
        "span": partial(span, to=reader),
        "ago": partial(ago, to=reader),
        "short_id": short_id,
        "middle": middle,
        "count": _count,
        "fixed": _fixed,
        "typed": shown,
        "scheme": scheme_word,
        "statement": statement_text,
        "said": _said,
        "first_upper": first_upper,
        "attention": sentence_of,
    }
    made.globals |= {
        "language": language,
        "menu": menu.groups,
        "menu_top": menu.top,
        "tabs": menu.tabs,
        "common_zones": COMMON,
        "zone": GMT,  # of pages that nobody is signed in for
        "STATUSES": words.STATUSES,
        "REASONS": words.REASONS,
        "CHANNELS": words.CHANNELS,
        "channel_word": channel_word,
        "reason_word": reason_word,
        "scheme_word": scheme_word,
        "static_version": sha256(
            b"".join(file.read_bytes() for file in STATIC.values())
        ).hexdigest()[:8],
    }
    return made


def render(name: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Renders a page in the language that the values name, else in English."""
    made = _environment(values.get("language", ENGLISH)).get_template(name)
    return HTMLResponse(made.render(values), status_code=status, headers=HEADERS)

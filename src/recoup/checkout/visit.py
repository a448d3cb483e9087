"""A payer's visit: which order the link names, and the message when something is wrong."""

from collections import ChainMap
from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

import structlog
from jinja2 import Environment, FunctionLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from recoup.kernel.feature import features
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kernel.time import stamp
from recoup.kit.edge.tracing import request_id
from recoup.kit.languages.catalogues import ENGLISH, accepted_language, catalogue, or_english
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.orders.flows.hosted_link import order_of_token
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.tokenize import Vault

MONTHS: Final = ("January", "February", "March", "April", "May", "June", "July", "August",
"September", "October",
                 "November", "December")  # fmt: skip
# A Problem's code -> the stablecoin API's, whose table knows it in every language.
_CODES: Final = {
    "not_found": "not_found", "wrong_state": "invalid_state", "conflict": "invalid_state",
    "unavailable": "service_unavailable", "internal": "internal_error",
}  # fmt: skip


def say(language: str, text: str, **values: Any) -> Markup:
    """`text` in that language, or as it is where the table lacks it; everything in it is
    escaped."""
    said = escape(catalogue(language).checkout.get(text, text))
    return Markup(said).format(**values)  # noqa: S704


@pass_context
def t(context: Context, text: str, **values: Any) -> Markup:
    return say(context["lang"], text, **values)


def moment_text(language: str, moment: datetime) -> Markup:
    moment = moment.astimezone(UTC)
    month = say(language, MONTHS[moment.month - 1])
    return say(
        language,
        "{time} GMT, {day} {month}",
        time=moment.strftime("%H:%M"),
        day=moment.day,
        month=month,
    )


@pass_context
def clock(context: Context, moment: datetime) -> Markup:
    return moment_text(context["lang"], moment)


@pass_context
def span(context: Context, length: timedelta) -> Markup:
    """`22 minutes`, `3 hours`, `under a minute`."""
    minutes = max(0, int(length.total_seconds()) // 60)
    number, unit = (minutes // 60, "hour") if minutes >= 120 else (minutes, "minute")
    if not number:
        return say(context["lang"], "under a minute")
    return say(context["lang"], f"{{number}} {unit}{'s' if number != 1 else ''}", number=number)


def problem_texts(language: str, problem: Problem) -> tuple[str, str]:
    """Texts of what happened and what to do: in English the particulars, elsewhere the table's
    words for them or their kind."""
    if or_english(language) == ENGLISH:
        return problem.message, problem.cure or ""
    words = catalogue(language)
    known = ChainMap(words.checkout, words.words)
    if problem.message in known:
        return known[problem.message], known.get(problem.cure or "", "")
    code = _CODES.get(problem.code, "invalid_request")
    return words.errors.get(code, problem.message), known.get(problem.cure or "", "")


HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri "
        "'none';"
        " frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",  # the link is the payer's right to pay
    "cache-control": "no-store",
    "vary": "accept-language",
}


def _source(name: str) -> str:
    """Our own, or by its feature: `chains/charge.html` stands in the folder `payer` of that one."""
    owner, _, file = name.rpartition("/")
    folders = {feature.name: feature.folder / "payer" for feature in features() if feature.folder}
    folders[""] = Path(__file__).with_name("payer")
    return (folders[owner] / file).read_text()


_TEMPLATES: Final = Environment(
    loader=FunctionLoader(_source),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_TEMPLATES.filters |= {"utc": stamp, "clock": clock, "span": span}
_TEMPLATES.globals |= {"t": t}


def render(
    name: str,
    language: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    scripts: bool = False,
    again_in: int | None = None,
) -> HTMLResponse:
    """`scripts`: the page has some of ours; others run none. `again_in`: seconds after which the
    browser asks anew."""
    page = _TEMPLATES.get_template(name).render(values, lang=language)
    headers = HEADERS | {"content-language": language}
    if scripts:
        headers["content-security-policy"] += "; script-src 'self'"
    if again_in is not None:
        headers["refresh"] = str(again_in)
    return HTMLResponse(page, status_code=status, headers=headers)


def problem_page(language: str, problem: Problem, *, test: bool, status: int) -> HTMLResponse:
    message, cure = problem_texts(language, problem)
    return render(
        "problem.html", language, {"message": message, "cure": cure, "test": test}, status=status
    )


log = structlog.get_logger()
HELD: Final = Problem(
    "unavailable",
    "Payments cannot be taken at the moment.",
    "Nothing was charged. Please try again later.",
)
STATUSES = {
    "not_found": 404,
    "wrong_state": 409,
    "forbidden": 403,
    "unavailable": 503,
    "invalid": 400,
}
Answer = Callable[[Request], Awaitable[Response]]
Named = Callable[[World, str], tuple[UUID, UUID] | None]


FORM_BYTES_MAX: Final = 16_384
FIELDS_MAX: Final = 40
FIELD_MAX: Final = 256  # characters of a name or value


async def fields_of(request: Request) -> dict[str, str]:
    """A payer's form: names and values, cut where they are longer than any of ours. Raises:
    Problem(invalid)."""
    body = await request.body()
    try:
        if len(body) > FORM_BYTES_MAX:
            raise ValueError
        pairs = parse_qsl(body.decode("latin-1"), max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Problem(
            "invalid", "That is not the page's form.", "Press the button on the page."
        ) from None
    return {name[:FIELD_MAX]: value[:FIELD_MAX].strip() for name, value in pairs}


@frozen
class Checkout:
    world: World
    orders: Orders
    merchants: Merchants
    vault: Vault


@frozen
class Visit:
    """The token is the right to see and pay this one order; it also keeps others' pages from
    posting here."""

    checkout: Checkout
    request: Request
    key: tuple[UUID, UUID]
    language: str

    @property
    def address(self) -> str:
        return f"/checkout/{self.request.path_params['token']}"


def page(
    checkout: Checkout, work: Callable[[Visit], Awaitable[Response]], named: Named = order_of_token
) -> Answer:
    """`named`: what the token of the address stands for: the merchant, and what of it."""
    test = checkout.world.policy.test_mode

    async def answer(request: Request) -> Response:
        language = accepted_language(request.headers.get("accept-language", ""))
        try:
            key = named(checkout.world, request.path_params["token"])
            if key is None:
                raise Problem(
                    "not_found", "No payment found for this link.", "Ask the shop for a new one."
                )
            if checkout.world.standing.is_quarantined:
                raise copy(HELD)
            return await work(Visit(checkout, request, key, language))
        except Problem as problem:
            status = STATUSES.get(problem.code, 400)
            return problem_page(language, problem, test=test, status=status)
        except Exception as error:
            log.exception(
                "unexpected",
                path="/checkout",
                request=request_id(request.scope),
                error=type(error).__name__,
            )
            ours = Problem("internal", "Something went wrong on our side.", "Please try again.")
            return problem_page(language, ours, test=test, status=500)

    return answer

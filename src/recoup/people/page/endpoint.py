"""A route's endpoint: who calls, and how Problems and what broke become pages."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field
from hmac import compare_digest, digest
from typing import Any, Final, TypeVar
from urllib.parse import quote
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Route

from recoup.kernel.frozen import frozen
from recoup.kernel.ids import parse_wire_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.texts import known_id
from recoup.kernel.time import WallTime
from recoup.kit.edge.called import refused_with, why_refused
from recoup.kit.edge.cookies import cookie
from recoup.kit.edge.rate import client_address
from recoup.kit.edge.tracing import request_id
from recoup.kit.languages.catalogues import accepted_language, or_english
from recoup.kit.world import World
from recoup.merchants.store.merchants import MerchantSettings
from recoup.people.flows.sessions import ClientInfo, Session, read_session, session_hash
from recoup.people.flows.who import Oneself
from recoup.people.page.forms import Form, read_body, read_form, same_origin
from recoup.people.page.known_before import SESSION_COOKIE
from recoup.people.page.portal import Portal
from recoup.people.page.templates import HEADERS, render

NAME: Final = "done"
LENGTH_MAX: Final = 80


def with_done(session: Session, path: str, what: str) -> str:
    """The address of a page that asks `done_of`. `what`: a code of its own."""
    return f"{path}?{NAME}={what}.{_mark(session, path, what)}"


def done_of(session: Session, request: Request) -> str:
    """Empty where nothing was done by a form of this session, at this page and merchant."""
    what, _, mark = request.query_params.get(NAME, "")[:LENGTH_MAX].rpartition(".")
    return (
        what
        if compare_digest(mark.encode(), _mark(session, request.url.path, what).encode())
        else ""
    )


_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")


def _mark(session: Session, path: str, what: str) -> str:
    made = digest(session.csrf.encode(), f"{path}\0{what}".encode(), hashlib.sha256).hex()[:16]
    return made.translate(_LETTERS)  # sixteen digits may look like a card's, which no form may hold


def review_mark(session: Session, *shown: object) -> str:
    """The mark that the form of a review carries: of what it shows, in this session."""
    return _mark(session, "review", "\0".join(map(str, shown)))


def check_reviewed(session: Session, mark: str, *shown: object) -> None:
    """Raises: Problem(conflict) unless a review showed just this."""
    if not compare_digest(mark.encode(), review_mark(session, *shown).encode()):
        raise Problem(
            "conflict",
            "This has changed since it was reviewed. Nothing was sent.",
            "Review it again, then decide.",
        )


V = TypeVar("V", bound="SignedVisit")


def page_of(routes: Sequence[BaseRoute], path: str, *, as_it_stands: bool = False) -> str | None:
    """The nearest page above it; None for a path that no form is sent to. `as_it_stands`: only for
    one that is named so, not for one with an id in it."""
    if as_it_stands:
        named = [route for route in routes if isinstance(route, Route) and route.path == path]
        known = any("POST" in (route.methods or ()) for route in named)
    else:
        known = any(_matches(route, "POST", path) for route in routes)
    if not known:
        return None
    parts = path.rstrip("/").split("/")
    above = ("/".join(parts[:count]) for count in range(len(parts) - 1, 1, -1))
    return next(
        (page for page in above if any(_matches(route, "GET", page) for route in routes)), None
    )


def _matches(route: BaseRoute, method: str, path: str) -> bool:
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    return route.matches(scope)[0] is Match.FULL


COOKIE: Final = SESSION_COOKIE
# the header of what a page asks by itself: that keeps no session from its idle end
POLL: Final = "recoup-poll"
SET_UP: Final = (
    "/account/second-factor"  # the only page of somebody who must have a second factor and has none
)
# First parts of the pages that one may come back to after signing in; each declaration adds its
# own.
PLACES: Final[set[str]] = set()
STATUSES: Final = {
    "invalid": 400, "malformed": 400, "refund_items": 400, "refund_currency": 400,
    "over_remainder": 400, "capture_amount": 400, "capture_refused": 409, "unauthenticated": 401,
    "bad_credentials": 401, "forbidden": 403, "kind_switched_off": 403, "blocked": 403,
    "not_found": 404, "no_such_path": 404, "method_not_allowed": 405, "conflict": 409,
    "wrong_state": 409, "in_progress": 409, "too_large": 413, "too_many_requests": 429,
    "internal": 500, "bad_gateway": 502, "unavailable": 503, "gateway_timeout": 504,
    "no_space": 507,
}  # fmt: skip
log = structlog.get_logger()
Endpoint = Callable[[Request], Awaitable[Response]]
VisitOf = Callable[[Portal, Request, Session], Awaitable[V | Response]]


def unsigned(portal: Portal, work: Endpoint) -> Endpoint:
    """A route's public endpoint: Problems and other errors become pages."""

    async def endpoint(request: Request) -> Response:
        try:
            return await work(request)
        except Problem as problem:
            return error_page(portal, problem, request)
        except Exception as error:
            number = request_id(request.scope)
            log.exception("page failed", request=number, error=type(error).__name__)
            broken = Problem(
                "internal",
                Sentence("Something went wrong on our side. Its request id is {0}.", number),
                "Try again; if it happens again, tell the operator.",
            )
            return error_page(portal, broken, request)

    return endpoint


def signed_in(
    portal: Portal,
    visit_of: "VisitOf[V]",
    work: Callable[[V], Awaitable[Response]],
    *,
    sets_up: bool = False,
) -> Endpoint:
    """The same, but signs in first. `visit_of`: what the call of a session is, or where it leads
    instead. `sets_up`: also for somebody who must set up a second factor before anything else."""

    async def endpoint(request: Request) -> Response:
        if api_id := parse_wire_id("ord", named := request.path_params.get("order_id", "")):
            return RedirectResponse(
                current_url(request).replace(named, str(api_id), 1),
                status_code=307,
                headers=HEADERS,
            )  # a form is sent again as it is
        await read_body(request)
        session = await session_of(portal, request)
        if session is None and POLL in request.headers:
            refused_with(request.scope, "unauthenticated")
            return Response(
                status_code=401, headers=HEADERS
            )  # the script stops; what was typed stays
        if session is None:
            return await signed_out(portal, request)
        request.state.session = session
        if session.must_set_up and not sets_up:
            return redirect(SET_UP)
        if request.method != "GET" or "." in request.url.path:  # files take their time
            return await make(request, session)
        async with portal.at_once.of(session.user_id):
            return await make(request, session)

    async def make(request: Request, session: Session) -> Response:
        if POLL not in request.headers:
            session = request.state.session = await portal.attend(portal, session)
        visit = await visit_of(portal, request, session)
        return visit if isinstance(visit, Response) else await work(visit)

    return unsigned(portal, endpoint)


async def session_of(portal: Portal, request: Request) -> Session | None:
    """The session of the signed-in user. A false header costs its own sender, and gives nobody
    anything."""
    poll = POLL in request.headers
    return await read_session(portal.world, cookie(request, COOKIE), poll=poll)


def to_sign_in(request: Request) -> Response:
    """Leads to the sign-in page, and back to where they wanted to go: a page, never a form's
    target."""
    path = request.url.path
    if request.method != "GET":
        path = "/".join(path.split("/")[:3])
    elif request.url.query and len(request.url.query) < 2_000:
        path += "?" + request.url.query
    wanted = "?next=" + quote(path, safe="") if path != "/overview" and is_place(path) else ""
    return redirect("/signin" + wanted)


async def signed_out(portal: Portal, request: Request) -> Response:
    """Leads to the sign-in page; a form that was typed when the session ended is kept, to be sent
    again."""
    if request.method == "POST":
        try:
            same_origin(request)
            typed = resubmit_fields(request, await read_form(request))
        except Problem:
            typed = None
        if typed is not None:
            problem = Problem(
                "unauthenticated",
                "You have been signed out; nothing was done.",
                "Your entries are kept on this page. Sign in in a new tab, then send it again from "
                "here.",
                typed=typed,
            )
            return error_page(portal, problem, request)
    return to_sign_in(request)


def resubmit_fields(request: Request, form: Form) -> list[tuple[str, str]] | None:
    """The fields typed into one of our own forms, to be sent again; None for what came from
    elsewhere or is secret."""
    ours = request.headers.get("origin", "null") != "null" and is_place(request.url.path)
    if (
        not ours
        or request.url.path.startswith("/account")
        or any(word in name for name in form for word in ("password", "secret"))
    ):
        return None
    return [(name, value) for name, values in form.items() if name != "csrf" for value in values]


def is_place(path: str) -> bool:
    """True when it is the address of a page of the portal: never another site's."""
    return path[:1] == "/" and path.split("?")[0].split("/")[1] in PLACES and len(path) < 2_100


def current_url(request: Request) -> str:
    """The page's address, to come back to."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def whence(request: Request) -> ClientInfo:
    """The client that somebody signs in from."""
    return ClientInfo(
        client_address(request.scope) or "unknown", request.headers.get("user-agent", "")[:512]
    )


def locale(request: Request, session: Session | None = None) -> str:
    """The language of a page: what its reader chose, else what their browser asks for."""
    chosen = session.language if session else ""
    return (
        or_english(chosen)
        if chosen
        else accepted_language(request.headers.get("accept-language", ""))
    )


def layout_values(
    portal: Portal, request: Request, session: Session | None = None
) -> dict[str, Any]:
    """The values that the layout of every page needs. `other`: the other environment's name, empty
    where there is none; `stop`: of all sending."""
    other = portal.world.other
    return {
        "session": session,
        "quarantine": portal.world.standing.reason if session and session.is_operator else "",
        "sandbox": portal.world.policy.test_mode,
        "offset": None,
        "stop": portal.world.routes.stop,
        "other": other.name if other else "",
        "current_url": current_url(request),
        "path": request.url.path,
        "zone": session.zone if session else "GMT",
        "language": locale(request, session),
    }


def redirect(path: str) -> Response:
    return RedirectResponse(path, status_code=303, headers=HEADERS)


def error_page(portal: Portal, problem: Problem, request: Request) -> Response:
    """The page of a problem. The address of a form, opened by itself, holds nothing: it leads to
    the form's page."""
    if problem.code == "not_found" and request.method == "GET":
        form_of = page_of(portal.pages, request.url.path, as_it_stands=True)
        if form_of is not None:
            return redirect(form_of)
    refused_with(request.scope, problem.code, why_refused(problem))
    session: Session | None = getattr(request.state, "session", None)
    values = layout_values(portal, request, session) | {
        "problem": problem,
        "request_id": request_id(request.scope),
        "typed": problem.facts.get("typed"),
    }
    answer = render("people/layout/error.html", values, status=STATUSES[problem.code])
    if problem.retry_after_seconds is not None:
        answer.headers["retry-after"] = str(problem.retry_after_seconds)
    return answer


@frozen
class SignedVisit:
    """Visit of somebody who is signed in. `problem` and `typed`: what was refused in the form that
    the page is shown again for, and what it held."""

    portal: Portal
    request: Request
    session: Session
    wall: WallTime
    problem: Problem | None = field(default=None, kw_only=True)
    typed: Form = field(default_factory=dict, kw_only=True)

    @property
    def world(self) -> World:
        return self.portal.world

    @property
    def me(self) -> Oneself:
        key = session_hash(self.portal.world, cookie(self.request, COOKIE))
        return Oneself(
            self.session.user_id, key, whence(self.request).address, request_id(self.request.scope)
        )

    @property
    def language(self) -> str:
        """The language of the page."""
        return locale(self.request, self.session)

    @property
    def is_operator(self) -> bool:
        """True when this person decides for the operator: owner or operations there."""
        return self.session.is_operator

    def only_operator(self, doing: str) -> None:
        """`doing` as "approve a payout". Raises: Problem(forbidden) for everybody else."""
        if not self.is_operator:
            raise Problem(
                "forbidden",
                Sentence("Only the operator may {0}; nothing was done.", doing),
                "Ask the operator.",
            )

    @property
    def paused(self) -> str:
        """The paused partner by which alone this person is here, else empty."""
        return self.session.paused

    def values(self, **more: Any) -> dict[str, Any]:
        """The values that the layout needs, and `more`."""
        own = {
            "now": self.wall,
            "wall": self.wall,
            "is_operator": self.is_operator,
            "problem": self.problem,
            "paused": self.paused,
        }
        return layout_values(self.portal, self.request, self.session) | own | more


def values_of(known: MerchantSettings | None) -> dict[str, Any]:
    """What the layout shows of a merchant, or of none."""
    return {"merchant": known.merchant if known else None, "sites": known.sites if known else ()}


def id_in_path(name: str, missing: Problem) -> Callable[[SignedVisit], UUID]:
    """The id that a page's address has under this name. Raises: `missing` for what is none."""

    return lambda visit: known_id(visit.request.path_params[name], missing)


def find_id(name: str, missing: Problem) -> Callable[[SignedVisit], Awaitable[UUID]]:
    """The same, for forms."""

    async def find(visit: SignedVisit) -> UUID:
        return known_id(visit.request.path_params[name], missing)

    return find

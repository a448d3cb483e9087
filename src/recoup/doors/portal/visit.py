"""One call of somebody who is signed in: who, which merchant, what time it is there. And how errors become pages."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from recoup.doors.edge.asgi import state
from recoup.doors.edge.called import called_by, refused_with
from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.templates import HEADERS, render
from recoup.flows.cards.evaluate import Evaluate
from recoup.flows.cards.uploads.row import Reader
from recoup.flows.known import Merchants
from recoup.flows.locked import Orders
from recoup.flows.messages.deliver import Deliveries
from recoup.flows.people.passwords import Passwords
from recoup.flows.people.sessions import Session, is_csrf, read_session
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import BusinessTime, WallTime
from recoup.kernel.world import World
from recoup.store.read.merchants import Known

COOKIE: Final = "recoup_session"
FORM_BYTES_MAX: Final = 65_536
# First parts of the pages that one may come back to after signing in.
PLACES: Final = frozenset(
    {
        "orders", "settlements", "bank", "approvals", "disputes", "refunds", "reconciliation", "mailbox", "outcome",
        "partner", "switches", "reports", "uploads", "applications", "onboarding", "invitations",
        "keys", "webhooks", "developers", "requests", "overview", "customers",
    }  # fmt: skip
)
STATUSES: Final = {
    "invalid": 400, "malformed": 400, "refund_items": 400, "refund_currency": 400, "over_remainder": 400,
    "capture_amount": 400, "capture_refused": 409,
    "unauthenticated": 401, "bad_credentials": 401, "forbidden": 403, "kind_switched_off": 403, "blocked": 403,
    "not_found": 404, "no_such_path": 404, "method_not_allowed": 405, "conflict": 409, "wrong_state": 409,
    "too_large": 413, "too_many_requests": 429, "internal": 500, "bad_gateway": 502, "unavailable": 503,
    "gateway_timeout": 504,
}  # fmt: skip
_log = logging.getLogger("recoup.portal")

Form = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Portal:
    """What every page has at hand. `sandbox` decides the band, nothing else."""

    world: World
    orders: Orders
    merchants: Merchants
    passwords: Passwords
    readers: Mapping[str, Reader]  # of files, by kind
    evaluate: Evaluate  # of declines that are simulated
    deliveries: Deliveries  # of what a moved clock makes
    moving: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)  # clocks on their way, by merchant


@dataclass(frozen=True, slots=True)
class Visit:
    """`now` is the merchant's business time, `wall` the machine's."""

    portal: Portal
    request: Request
    session: Session
    merchant_id: UUID
    known: Known
    wall: WallTime
    now: BusinessTime

    @property
    def is_operator(self) -> bool:
        """Whether this person decides for the operator: owner or operations there."""
        return self.session.is_operator

    @property
    def paused(self) -> str:
        """The paused partner by which alone this person is here, else empty."""
        return self.session.paused

    @property
    def partner_id(self) -> UUID | None:
        """The partner that this person belongs to."""
        return self.session.seat.partner_id if self.session.seat is not None else None

    def only_operator(self, doing: str) -> None:
        """`doing` as "approve a payout". Raises: Problem(forbidden) for everybody else."""
        if not self.is_operator:
            raise Problem("forbidden", f"Only the operator may {doing}; nothing was done.", cure="Ask the operator.")

    @property
    def scope(self) -> Scope:
        return Scope(self.merchant_id, Actor("user", str(self.session.user_id)), request_id(self.request.scope))

    @property
    def operator_scope(self) -> Scope:
        """For what the operator's people do as the operator."""
        return Scope(self.merchant_id, Actor("operator", str(self.session.user_id)), request_id(self.request.scope))

    def values(self, **more: Any) -> dict[str, Any]:
        """What the layout needs, and `more`."""
        offset = self.known.merchant.offset
        moved = offset if abs(offset.total_seconds()) >= 1 else None
        return {
            "session": self.session, "merchant": self.known.merchant, "sites": self.known.sites, "now": self.now,
            "wall": self.wall,
            "sandbox": self.portal.world.policy.test_mode, "offset": moved, "other": other_of(self.portal.world),
            "path": self.request.url.path, "here": here(self.request), "is_operator": self.is_operator,
            "paused": self.paused,
        } | more  # fmt: skip


def other_of(world: World) -> str:
    """What the other environment is called; empty where there is none."""
    other: World | None = world.extra.get("other")
    return other.name if other is not None else ""


def here(request: Request) -> str:
    """The page's address, to come back to."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


Page = Callable[[Visit], Awaitable[Response]]


def page(portal: Portal, work: Page) -> Callable[[Request], Awaitable[Response]]:
    """A route's endpoint: signs in first, checks every form, and turns Problems into pages."""

    async def endpoint(request: Request) -> Response:
        session: Session | None = None
        try:
            session = await read_session(portal.world, request.cookies.get(COOKIE, ""))
            if session is None:
                return to_sign_in(request)
            if session.merchant is None and session.seat is not None:
                return see("/partner")
            if session.merchant is None:
                return error_page(portal, _nothing_to_see(session), request, session)
            called_by(state(request.scope), session.merchant.merchant_id, f"user:{session.user_id}")
            known = await portal.merchants.get(session.merchant.merchant_id)
            wall = portal.world.clocks.wall()
            visit = Visit(
                portal, request, session, session.merchant.merchant_id, known, wall, known.merchant.business(wall)
            )
            return await work(visit)
        except Problem as problem:
            return error_page(portal, problem, request, session)
        except Exception:  # noqa: BLE001 - logged whole; whoever waits gets a page with its number
            number = request_id(request.scope)
            _log.exception("page failed: %s", number)
            message = f"Something broke on our side. Its number is {number}."
            broken = Problem("internal", message, cure="Try again; if it stays, tell the operator.")
            return error_page(portal, broken, request, session)

    return endpoint


def _nothing_to_see(session: Session) -> Problem:
    if session.is_operator:
        return Problem("forbidden", "There is no merchant in this environment yet.",
                       cure="A shop goes live from its Onboarding page in the sandbox.")  # fmt: skip
    return Problem("forbidden", "You are signed in, but no merchant has let you in yet.",
                   cure="Ask a shop's owner, or the operator, to make you a member.")  # fmt: skip


async def read_form(request: Request) -> Form:
    """The fields of a posted form.

    Raises: Problem(too_large); Problem(malformed) for what is no form of ours.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise Problem("malformed", "This is not a form of this page.", cure="Use the portal's own page.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            raise Problem("too_large", "This form is larger than any of ours.", cure="Shorten what was typed.")
    try:
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=500)
    except ValueError:
        raise Problem("malformed", "This form has more fields than any of ours.",
                      cure="Reload the page and send it again.") from None  # fmt: skip


def one(form: Form, name: str) -> str:
    return form.get(name, [""])[0]


async def checked_form(visit: Visit) -> Form:
    """Raises: Problem(forbidden) for a form that this session did not make, and for a paused partner's people."""
    not_paused(visit.paused)
    return await read_form_of(visit.request, visit.session)


def not_paused(partner: str) -> None:
    """`partner`: the name of the paused one, or empty. Raises: Problem(forbidden)."""
    if partner:
        message = f"This partner is paused: people of {partner} may look, not change anything; nothing was done."
        raise Problem("forbidden", message, cure="Ask the operator. A shop's own people go on as before.")


async def read_form_of(request: Request, session: Session) -> Form:
    """For what changes nothing at a merchant or partner, and for those below who ask whether they are paused.

    Raises: Problem(forbidden) for a form that this session did not make.
    """
    same_origin(request)
    form = await read_form(request)
    if not is_csrf(session, one(form, "csrf")):
        raise Problem("forbidden", "This form is from another session; nothing was done.",
                      cure="Go back, reload the page and send it again.")  # fmt: skip
    return form


def same_origin(request: Request) -> None:
    """Raises: Problem(forbidden) for a form that another site sent."""
    origin = request.headers.get("origin")
    foreign = origin not in (None, "null") and urlsplit(origin or "").netloc != request.headers.get("host", "")
    if foreign or request.headers.get("sec-fetch-site") == "cross-site":
        message = "This form came from another site; nothing was done."
        raise Problem("forbidden", message, cure="Use the portal's own page.")


def to_sign_in(request: Request) -> Response:
    """To the sign-in page, and back to where they wanted to go: a page, never a form's target."""
    path = request.url.path
    if request.method != "GET":
        path = "/".join(path.split("/")[:3])
    elif request.url.query and len(request.url.query) < 2_000:
        path += "?" + request.url.query
    wanted = "?next=" + quote(path, safe="") if path != "/orders" and is_place(path) else ""
    return see("/signin" + wanted)


def is_place(path: str) -> bool:
    """Whether it is the address of a page of the portal: never another site's."""
    return path[:1] == "/" and path.split("?")[0].split("/")[1] in PLACES and len(path) < 2_100


def see(path: str) -> Response:
    return RedirectResponse(path, status_code=303, headers=HEADERS)


def error_page(portal: Portal, problem: Problem, request: Request, session: Session | None = None) -> Response:
    refused_with(request.scope, problem.code)
    values = {
        "problem": problem, "sandbox": portal.world.policy.test_mode, "session": session, "offset": None,
        "other": other_of(portal.world), "here": here(request), "request_id": request_id(request.scope),
    }  # fmt: skip
    answer = render("layout/error.html", values, status=STATUSES[problem.code])
    if problem.retry_after_seconds is not None:
        answer.headers["retry-after"] = str(problem.retry_after_seconds)
    return answer

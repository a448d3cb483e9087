"""One call of somebody about their own account: with a merchant, with a seat at a partner, or with neither."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.edge.cookies import cookie
from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.endpoint import COOKIE, Endpoint, current_url, locale, other_of, signed_in, whence
from recoup.doors.portal.forms import Form
from recoup.doors.portal.impersonation.bounds import check_behind
from recoup.doors.portal.own_forms import read_form_of
from recoup.doors.portal.portal import Portal
from recoup.flows.merchants.find_partner import read_partner
from recoup.flows.people.sessions import Session, session_hash
from recoup.flows.people.who import Oneself
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.store.merchants.merchants import MerchantSettings
from recoup.store.merchants.partners import Partner


@dataclass(frozen=True, slots=True)
class AccountVisit:
    """`known` and `partner`: what the rest of the portal shows, None where there is none. A paused partner's people
    change their own account as everybody does. `problem` and `typed`: what was refused in the form that the page is
    shown again for, and what it held."""

    portal: Portal
    request: Request
    session: Session
    known: MerchantSettings | None
    partner: Partner | None
    wall: WallTime
    problem: Problem | None = None
    typed: Form = field(default_factory=dict)

    @property
    def world(self) -> World:
        return self.portal.world

    @property
    def me(self) -> Oneself:
        key = session_hash(self.portal.world, cookie(self.request, COOKIE))
        return Oneself(self.session.user_id, key, whence(self.request).address, request_id(self.request.scope))

    @property
    def language(self) -> str:
        """In which the page is."""
        return locale(self.request, self.session)

    @property
    def email(self) -> str:
        """With which they sign in: what distinguishes a namesake is no part of it."""
        return self.session.email.partition("#")[0]

    async def form(self) -> Form:
        """Raises: Problem(forbidden) for a form that this session did not make."""
        return await read_form_of(self.request, self.session)

    def values(self, **more: Any) -> dict[str, Any]:
        """What the layout needs, and `more`."""
        session, world = self.session, self.portal.world
        return {
            "session": session,
            "merchant": self.known.merchant if self.known else None,
            "sites": self.known.sites if self.known else (),
            "partner": self.partner,
            "seat": session.seat,
            "now": self.wall,
            "wall": self.wall,
            "sandbox": world.policy.test_mode,
            "offset": None,
            "other": "" if session.must_set_up else other_of(world),
            "current_url": current_url(self.request),
            "path": self.request.url.path,
            "is_operator": session.is_operator,
            "problem": self.problem,
            "paused": session.paused,
            "zone": session.zone,
            "email": self.email,
            "language": self.language,
            "frame": "account/alone.html" if session.must_set_up else "layout/shell.html",
        } | more


AccountPage = Callable[[AccountVisit], Awaitable[Response]]


def account_endpoint(portal: Portal, work: AccountPage, *, sets_up: bool = False) -> Endpoint:
    """A route's endpoint about one's own account. `sets_up`: as `signed_in` has it."""

    async def answer(request: Request, session: Session) -> Response:
        check_behind(request, session)
        return await work(await _visit(portal, request, session))

    return signed_in(portal, answer, sets_up=sets_up)


async def _visit(portal: Portal, request: Request, session: Session) -> AccountVisit:
    known = await portal.merchants.get(session.merchant.merchant_id) if session.merchant is not None else None
    partner = None
    if known is None and session.seat is not None:
        partner = await read_partner(portal.world, session.seat.partner_id)
    return AccountVisit(portal, request, session, known, partner, portal.world.clocks.wall())

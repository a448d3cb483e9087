"""One call of somebody who belongs to a partner, whether or not it has a merchant yet."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.visit import (
    COOKIE,
    Form,
    Portal,
    error_page,
    here,
    not_paused,
    other_of,
    read_form_of,
    to_sign_in,
)
from recoup.flows.merchants.partners import own_merchant, read_partner
from recoup.flows.people.sessions import Seat, Session, read_session
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, PartnerScope
from recoup.kernel.time import WallTime
from recoup.store.read.merchants import Known
from recoup.store.read.partners import Partner

log = structlog.get_logger()
_ASK = {"merchants": "change merchants", "switches": "switch kinds of orders", "keys": "make keys",
        "see_keys": "see keys"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PartnerVisit:
    """`known`: the merchant that the rest of the portal shows, None while there is none."""

    portal: Portal
    request: Request
    session: Session
    seat: Seat
    partner: Partner
    known: Known | None
    wall: WallTime

    @property
    def paused(self) -> str:
        """This partner's name while it is paused, else empty."""
        return self.partner.name if self.partner.state != "active" else ""

    @property
    def scope(self) -> PartnerScope:
        actor = Actor("partner", str(self.session.user_id))
        return PartnerScope(self.partner.partner_id, actor, request_id(self.request.scope))

    def only(self, action: str) -> None:
        """Raises: Problem(forbidden) for a role that may not."""
        if not self.seat.may(action):
            raise Problem("forbidden", f"Your role may look, not {_ASK[action]}; nothing was done.",
                          cure="Ask your partner's owner.")  # fmt: skip

    async def form(self) -> Form:
        """Raises: Problem(forbidden) for a form that this session did not make, and while the partner is paused."""
        not_paused(self.paused)
        return await read_form_of(self.request, self.session)

    async def merchant_id(self) -> UUID:
        """The partner's merchant that the path names. Raises: Problem(not_found)."""
        mid = parse_id(self.request.path_params["mid"])
        return await own_merchant(self.portal.world, self.partner.partner_id, mid)

    def values(self, **more: Any) -> dict[str, Any]:
        """What the layout needs, and `more`."""
        return {
            "session": self.session, "merchant": self.known.merchant if self.known else None,
            "sites": self.known.sites if self.known else (), "partner": self.partner, "seat": self.seat,
            "now": self.wall, "wall": self.wall, "sandbox": self.portal.world.policy.test_mode, "offset": None,
            "other": other_of(self.portal.world), "here": here(self.request),
            "path": self.request.url.path, "is_operator": self.session.is_operator, "problem": None,
            "paused": self.paused,
        } | more  # fmt: skip


PartnerPage = Callable[[PartnerVisit], Awaitable[Response]]


def partner_page(portal: Portal, work: PartnerPage) -> Callable[[Request], Awaitable[Response]]:
    """A route's endpoint: signs in first, asks for a seat at a partner, and turns Problems into pages."""

    async def endpoint(request: Request) -> Response:
        session = None
        try:
            session = await read_session(portal.world, request.cookies.get(COOKIE, ""))
            if session is None:
                return to_sign_in(request)
            return await work(await _visit(portal, request, session))
        except Problem as problem:
            return error_page(portal, problem, request, session)
        except Exception as error:
            number = request_id(request.scope)
            log.exception("page failed", request=number, error=type(error).__name__)
            message = f"Something broke on our side. Its number is {number}."
            broken = Problem("internal", message, cure="Try again; if it stays, tell the operator.")
            return error_page(portal, broken, request)

    return endpoint


async def _visit(portal: Portal, request: Request, session: Session) -> PartnerVisit:
    if session.seat is None:
        raise Problem("forbidden", "These pages are for a partner's people.", cure="Ask its owner to invite you.")
    partner = await read_partner(portal.world, session.seat.partner_id)
    known = await portal.merchants.get(session.merchant.merchant_id) if session.merchant is not None else None
    return PartnerVisit(portal, request, session, session.seat, partner, known, portal.world.clocks.wall())

"""One call of somebody about their own account: with a merchant, with a seat at a partner, or with neither."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.edge.cookies import cookie
from recoup.doors.edge.tracing import request_id
from recoup.doors.portal.endpoint import COOKIE, Endpoint, SignedVisit, signed_in, whence
from recoup.doors.portal.forms import Form
from recoup.doors.portal.impersonation.bounds import check_behind
from recoup.doors.portal.own_forms import read_form_of
from recoup.doors.portal.portal import Portal
from recoup.flows.merchants.find_partner import read_partner
from recoup.flows.people.sessions import Session, session_hash
from recoup.flows.people.who import Oneself
from recoup.store.merchants.merchants import MerchantSettings
from recoup.store.merchants.partners import Partner


@dataclass(frozen=True, slots=True)
class AccountVisit(SignedVisit):
    """`known` and `partner`: what the rest of the portal shows, None where there is none. A paused partner's people
    change their own account as everybody does."""

    known: MerchantSettings | None
    partner: Partner | None

    @property
    def me(self) -> Oneself:
        key = session_hash(self.portal.world, cookie(self.request, COOKIE))
        return Oneself(self.session.user_id, key, whence(self.request).address, request_id(self.request.scope))

    @property
    def email(self) -> str:
        """With which they sign in: what distinguishes a namesake is no part of it."""
        return self.session.email.partition("#")[0]

    async def form(self) -> Form:
        """Raises: Problem(forbidden) for a form that this session did not make."""
        return await read_form_of(self.request, self.session)

    def values(self, **more: Any) -> dict[str, Any]:
        """What the layout needs, and `more`."""
        alone = self.session.must_set_up
        own = {
            "merchant": self.known.merchant if self.known else None,
            "sites": self.known.sites if self.known else (),
            "partner": self.partner,
            "seat": self.session.seat,
            "email": self.email,
            "frame": "account/alone.html" if alone else "layout/shell.html",
        }
        return SignedVisit.values(self, **own, **({"other": ""} if alone else {})) | more


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
    return AccountVisit(portal, request, session, portal.world.clocks.wall(), known, partner)

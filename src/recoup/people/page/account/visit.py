"""Visit of somebody about their own account: with a merchant, with a seat at a partner, or with
neither."""

from typing import Any

from starlette.requests import Request

from recoup.kernel.frozen import frozen
from recoup.merchants.flows.find_partner import read_partner
from recoup.merchants.store.merchants import MerchantSettings
from recoup.merchants.store.partners import Partner
from recoup.people.flows.sessions import Session
from recoup.people.page.bounds import check_behind
from recoup.people.page.endpoint import SignedVisit, values_of
from recoup.people.page.portal import Portal


@frozen
class AccountVisit(SignedVisit):
    """`known` and `partner`: what the rest of the portal shows, None where there is none."""

    known: MerchantSettings | None
    partner: Partner | None

    @property
    def email(self) -> str:
        """The e-mail with which they sign in: what distinguishes a namesake is no part of it."""
        return self.session.email.partition("#")[0]

    def values(self, **more: Any) -> dict[str, Any]:
        """The values that the layout needs, and `more`."""
        alone = self.session.must_set_up
        own = values_of(self.known) | {
            "partner": self.partner,
            "seat": self.session.seat,
            "email": self.email,
            "frame": "people/account/alone.html" if alone else "people/layout/shell.html",
        }
        return SignedVisit.values(self, **own, **({"other": ""} if alone else {})) | more


async def account_visit(portal: Portal, request: Request, session: Session) -> AccountVisit:
    check_behind(request, session)
    known = await portal.merchants.get(session.merchant.merchant_id) if session.merchant else None
    partner = None
    if known is None and session.seat:
        partner = await read_partner(portal.world, session.seat.partner_id)
    return AccountVisit(portal, request, session, portal.world.clocks.wall(), known, partner)

"""Visit of somebody who belongs to a partner, whether or not it has a merchant yet."""

from typing import Any
from uuid import UUID

from starlette.requests import Request

from recoup.kernel.frozen import frozen
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Actor, PartnerScope
from recoup.kit.edge.tracing import request_id
from recoup.merchants.flows.cells import home_of
from recoup.merchants.flows.find_partner import own_merchant, read_partner
from recoup.merchants.flows.merchant_cache import caller_settings
from recoup.merchants.store.merchants import MerchantSettings
from recoup.merchants.store.partners import Partner
from recoup.people.flows.sessions import PartnerMembership, Session
from recoup.people.page.endpoint import SignedVisit, values_of
from recoup.people.page.portal import Portal

_ASK = {"merchants": "change merchants", "switches": "switch order types or set bounds",
"keys": "create keys",
        "see_keys": "see keys", "hooks": "change webhooks"}  # fmt: skip


@frozen
class PartnerVisit(SignedVisit):
    """`known`: the merchant that the rest of the portal shows, None while there is none."""

    seat: PartnerMembership
    partner: Partner
    known: MerchantSettings | None

    @property
    def paused(self) -> str:
        """The partner's name while it is paused, else empty."""
        return self.partner.name if self.partner.state != "active" else ""

    @property
    def scope(self) -> PartnerScope:
        actor = Actor("partner", str(self.session.user_id))
        return PartnerScope(
            self.partner.partner_id, actor, request_id(self.request.scope), self.seat.role
        )

    def only(self, action: str) -> None:
        """Raises: Problem(forbidden) for a role that may not."""
        if not self.seat.may(action):
            raise Problem(
                "forbidden",
                Sentence("Your role may not {0}; nothing was done.", _ASK[action]),
                "Ask your partner's owner.",
            )

    async def merchant_id(self) -> UUID:
        """The partner's merchant that the path names. Raises: Problem(not_found)."""
        return await own_merchant(
            self.portal.world, self.partner.partner_id, parse_id(self.request.path_params["mid"])
        )

    def values(self, **more: Any) -> dict[str, Any]:
        """The values that the layout needs, and `more`."""
        own = values_of(self.known) | {"partner": self.partner, "seat": self.seat}
        return SignedVisit.values(self, **own) | more


async def _known(portal: Portal, merchant_id: UUID) -> MerchantSettings | None:
    """The merchant that is looked at, who may be of another cell than the page; None while that is
    away."""
    if not portal.world.cells:
        return await portal.merchants.get(merchant_id)
    try:
        home = await home_of(portal.world, merchant_id)
        return await caller_settings(home.db.reader, merchant_id)
    except Problem as problem:
        if problem.code != "unavailable":
            raise
        return None


async def partner_visit(portal: Portal, request: Request, session: Session) -> PartnerVisit:
    """The visit of a partner's member."""
    if session.seat is None:
        raise Problem(
            "forbidden", "These pages are for members of a partner.", "Ask its owner to invite you."
        )
    partner = await read_partner(portal.world, session.seat.partner_id)
    known = await _known(portal, session.merchant.merchant_id) if session.merchant else None
    return PartnerVisit(
        portal, request, session, portal.world.clocks.wall(), session.seat, partner, known
    )

"""Caller of `/v1/partner`: a partner with its own key. Its merchants' payments are called with the
merchants' keys. Source: contract §16.5; seed 004 (the merchant's credential for every
transaction)."""

from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import PartnerScope, Scope
from recoup.keys.api.v1_resource import Call
from recoup.merchants.flows.find_partner import own_merchant, read_partner
from recoup.merchants.store.partners import Partner
from recoup.people.flows.owner import Owner


async def only_partner(call: Call, *, writes: bool = False) -> Partner:
    """The partner that calls. Raises: Problem(forbidden) for a merchant; for one that is paused and
    `writes`."""
    partner = await read_partner(call.services.world, partner_scope(call).partner_id)
    if writes and partner.state != "active":
        raise Problem(
            "forbidden",
            "This partner is paused: it can read, but not change anything.",
            cure="Ask the operator.",
        )
    return partner


def partner_scope(call: Call) -> PartnerScope:
    """Raises: Problem(forbidden) for a merchant's key."""
    caller = call.caller
    if caller is None or caller.partner_id is None:
        raise Problem("forbidden", "This call is for partners.", cure="Use a partner's key.")
    return PartnerScope(caller.partner_id, caller.actor, call.request_id)


async def merchant_scope(call: Call, name: str = "mid") -> Scope:
    """The partner's merchant that the path names. Raises: Problem(not_found) for another's merchant
    as for none."""
    scope = partner_scope(call)
    merchant_id: UUID = await own_merchant(
        call.services.world, scope.partner_id, parse_id(call.path[name])
    )
    return Scope(merchant_id, scope.actor, scope.request_id)


async def owner_of(call: Call, *, writes: bool = False) -> Owner:
    """Raises: Problem(forbidden) for a partner that is paused and `writes`."""
    if call.caller is None or call.caller.partner_id is None:
        return call.scope
    await only_partner(call, writes=writes)
    return partner_scope(call)

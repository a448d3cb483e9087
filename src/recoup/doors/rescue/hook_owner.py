"""Whose webhooks and feed a call is about: a merchant's own key, or a partner's."""

from recoup.doors.rescue.partner_caller import only_partner, partner_scope
from recoup.doors.rescue.resource import Call
from recoup.flows.messages.owner import Owner


async def owner_of(call: Call, *, writes: bool = False) -> Owner:
    """Raises: Problem(forbidden) for a partner that is paused and `writes`."""
    if call.caller is None or call.caller.partner_id is None:
        return call.scope
    await only_partner(call, writes=writes)
    return partner_scope(call)

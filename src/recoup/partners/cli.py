"""`recoup partner`: partners and what the operator allows them."""

from typing import Annotated, Literal

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import invalid
from recoup.kernel.scope import Actor, PartnerScope
from recoup.kit.cli.command import Printed, picked
from recoup.merchants.cli import Opened, verb
from recoup.merchants.store.partners import Partner, count_merchants, list_partners
from recoup.onboarding.flows.partners import Quota, set_quota

SHOWN_MAX = 1_000


@verb(json="")
async def partner(
    opened: Opened,
    partner_id: str | None = None,
    *,
    merchants_max: Annotated[int | None, "Maximum number of merchants."] = None,
    calls_per_minute: Annotated[
        int | None, "Limit for its own and its merchants' keys, per process."
    ] = None,
    state: Annotated[
        Literal["active", "paused"] | None,
        "A paused partner can read, but not change anything.",
    ] = None,
) -> Printed:
    """Shows all partners, or one; options change its limits and state."""
    quota = Quota(state, merchants_max, calls_per_minute)
    counted = [
        (partner, await count_merchants(opened.world.db.reader, partner.partner_id))
        for partner in await _partners(opened, partner_id, quota)
    ]
    lines = (
        f"{partner.partner_id}  {partner.state:6}  {count}/{partner.merchants_max} merchants  "
        f"{partner.calls_per_minute} calls/min  {partner.name}"
        for partner, count in counted
    )
    shown = [
        {"id": partner.partner_id}
        | picked(partner, "name", "state")
        | {"merchants": count}
        | picked(partner, "merchants_max", "calls_per_minute")
        for partner, count in counted
    ]
    return Printed(shown, lines)


async def _partners(opened: Opened, text: str | None, quota: Quota) -> list[Partner]:
    partner_id = parse_id(text) if text is not None else None
    if partner_id is None and (text is not None or quota != Quota()):
        raise invalid("Name the partner by its id.", "partner_id", "`recoup partner` lists them.")
    if partner_id is None:
        return await list_partners(opened.world.db.reader, SHOWN_MAX)
    scope = PartnerScope(partner_id, Actor("operator", "command"), "command")
    return [await set_quota(opened.world, scope, quota)]

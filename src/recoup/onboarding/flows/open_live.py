"""A merchant whose going live was approved gets what it needs in the live world: itself, its sites,
its partner, its fees, and the kinds of orders that were approved. Everything may be repeated; the
request is closed with the last step.

Keys, endpoints, bank accounts and orders stay where they were made: live has its own.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from recoup.kernel.filled import filled
from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import business_at
from recoup.kit.world import World
from recoup.merchants.flows.cells import place_for
from recoup.merchants.store.merchants import MerchantSettings, Site, copy_settings, load_merchant
from recoup.merchants.store.partners import add_partner_merchant, find_partner
from recoup.onboarding.flows.make_merchant import NewSite, acceptor_of, place_merchant
from recoup.onboarding.flows.partners import make_partner
from recoup.onboarding.store.onboarding import ApprovedRequest, note_opened, waiting_to_open
from recoup.people.store.people import save_merchant, take_along
from recoup.settlement.store.fee_terms import Noted, add_fee_term
from recoup.switches.flows.switches import MERCHANT, Subject, change, switches_of
from recoup.terms.rules.fees import in_force
from recoup.terms.store.fee_rows import stored_fee_term

AT_ONCE: Final = 20
AS_BEFORE: Final = "As in the sandbox."
OPERATOR: Final = Actor("operator", "go-live")


async def open_approved(sandbox: World) -> int:
    """Opens approved merchants in live and returns how many were opened; 0 without a live world, or
    while that has no card processor."""
    live = sandbox.other
    if live is None or not sandbox.policy.test_mode or not acceptor_of(live):
        return 0
    waiting = await waiting_to_open(sandbox.db, AT_ONCE)
    for request in waiting:
        await _open(sandbox, live, request)
    return len(waiting)


async def _open(sandbox: World, live: World, request: ApprovedRequest) -> None:
    merchant_id, partner_id = request.merchant_id, request.partner_id
    known = await load_merchant(sandbox.db, merchant_id)
    partner = await find_partner(sandbox.db, partner_id) if partner_id else None
    assert known
    if partner:
        await make_partner(live, partner.partner_id, partner.name, like=partner)
    scope = Scope(merchant_id, OPERATOR, str(request.request_id))
    live = await place_for(live, merchant_id)
    await _place(live, known, partner_id, scope)
    await _switch(live, known, scope, request.kinds)
    people = sandbox.people
    await save_merchant(people.alone, merchant_id, live.name, partner_id, known.merchant.name)
    await take_along(
        people.alone, merchant_id, partner_id, sandbox.clocks.wall(), sandbox.name, live.name
    )
    await note_opened(sandbox.db.alone, merchant_id, request.request_id, sandbox.clocks.wall())


async def _place(
    live: World, settings: MerchantSettings, partner_id: UUID | None, scope: Scope
) -> None:
    """Places the merchant in live once, with every kind off: switching one on is in the log."""
    merchant, wall = settings.merchant, live.clocks.wall()
    sites = sorted(_open_sites(settings), key=lambda site: not site.is_default)
    made = tuple(filled(NewSite, site) for site in sites)
    async with live.db.transaction() as tx:
        if await load_merchant(tx, merchant.merchant_id):
            return
        await place_merchant(
            tx,
            live,
            merchant.merchant_id,
            merchant.name,
            made,
            partner_id=partner_id,
            kinds=(),
            country=merchant.country,
        )
        await copy_settings(tx, merchant)
        if partner_id:
            await add_partner_merchant(tx, partner_id, merchant.merchant_id, wall=wall)
        for term in in_force(settings.fee_terms, merchant.business(wall)):
            mine = replace(term, term_id=new_id(), valid_from=business_at(wall, 0))
            noted = Noted(
                merchant.merchant_id, scope.actor.text(), AS_BEFORE, wall, mine.valid_from
            )
            await add_fee_term(tx, noted, stored_fee_term(mine))


async def _switch(
    live: World, settings: MerchantSettings, scope: Scope, kinds: Sequence[str]
) -> None:
    """Switches on for the merchant what was approved; before the first of them, a site's kind that
    is off in the sandbox goes off."""
    there = await load_merchant(live.db, scope.merchant_id)
    assert there
    if not any(switches_of(there.merchant).values()):
        for site in _open_sites(settings):
            for kind in (kind for kind, is_on in switches_of(site).items() if not is_on):
                await change(
                    live, scope, Subject("site", site.site_id), kind, on=False, why=AS_BEFORE
                )
    for kind in kinds:
        await change(live, scope, MERCHANT, kind, on=True, why="Going live was approved.")


def _open_sites(settings: MerchantSettings) -> list[Site]:
    return [site for site in settings.sites if site.retired_at is None]

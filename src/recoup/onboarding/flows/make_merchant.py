"""A merchant with what it needs to begin: a site, keys, a webhook key. Everything may be
repeated."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.certificates.moves import begin_certificates
from recoup.db.statement import Tx
from recoup.kernel.filled import filled
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime, business_at
from recoup.keys.flows.issue_key import KEY_KINDS, SETUP, IssuedKey, issue_key
from recoup.keys.flows.key_endings import heard_everywhere
from recoup.keys.store.merchant_keys import end_keys
from recoup.kit.world import World
from recoup.merchants.store.cells import settle_in
from recoup.merchants.store.merchants import (
    NewMerchant,
    SiteRow,
    add_merchant,
    add_site,
    set_stablecoin_webhook_key,
    set_webhook_key,
)
from recoup.merchants.store.partners import add_partner_merchant
from recoup.networks.tables import region_of
from recoup.onboarding.rules.form import KINDS
from recoup.outside.keys.webhook_secret import new_webhook_secret
from recoup.settlement.moves.batch import begin_settlement
from recoup.settlement.moves.report import begin_reports
from recoup.settlement.store.fee_terms import Noted, add_first_fee_term
from recoup.terms.rules.fees import FeeTerm, Tariff
from recoup.terms.store.fee_rows import stored_fee_term

SANDBOX_COUNTRY: Final = "US"  # until a merchant says its own


@frozen
class NewSite:
    site_id: UUID
    url: str
    name: str
    descriptor: str
    support: str = ""


@frozen
class Keys:
    """Secrets that are shown once."""

    app_key: str
    app_secret: str
    tokenization_key: str
    stablecoin_key_id: str
    stablecoin_secret: str
    stablecoin_webhook_secret: str


async def make_merchant(
    world: World,
    merchant_id: UUID,
    name: str,
    sites: tuple[NewSite, ...],
    *,
    partner_id: UUID | None,
    clock_behind: timedelta = timedelta(0),
    fee_basis_points: int = 0,
    country: str | None = SANDBOX_COUNTRY,
) -> None:
    """`clock_behind`: a sandbox merchant may begin in the past; afterwards its clock only moves
    forward."""
    async with world.db.transaction() as tx:
        await place_merchant(
            tx,
            world,
            merchant_id,
            name,
            sites,
            partner_id=partner_id,
            clock_behind=clock_behind,
            fee_basis_points=fee_basis_points,
            country=country,
        )
        if partner_id:
            await add_partner_merchant(tx, partner_id, merchant_id, wall=world.clocks.wall())


async def place_merchant(
    tx: Tx,
    world: World,
    merchant_id: UUID,
    name: str,
    sites: tuple[NewSite, ...],
    *,
    partner_id: UUID | None,
    clock_behind: timedelta = timedelta(0),
    fee_basis_points: int = 0,
    kinds: Collection[str] = KINDS,
    country: str | None,
) -> None:
    """Makes, in an open transaction, the merchant, its sites, and the clocks of its settlements and
    reports. `kinds` of orders that it takes; live, what customers start is switched on by somebody.
    `country`: of its account at the acquirer, None while nobody has said it."""
    wall = world.clocks.wall()
    acceptor = acceptor_of(world)
    if not acceptor:
        raise Problem(
            "unavailable", "This environment has no card processor yet.", "Set live_processor_url."
        )
    with_customer = world.policy.test_mode
    merchant = NewMerchant(
        merchant_id=merchant_id,
        partner_id=partner_id,
        name=name,
        offset_us=-round(clock_behind / timedelta(microseconds=1)),
        cit_web=with_customer and "cit_web" in kinds,
        cit_callcenter=with_customer and "cit_callcenter" in kinds,
        mit="mit" in kinds,
        region=region_of(country or SANDBOX_COUNTRY),
        country=country,
        acceptor_id=acceptor,
        created_at=wall,
    )
    if not await settle_in(tx, merchant_id, world.cell):
        raise Problem("conflict", "This merchant is in another cell.", cure="Try it again.")
    await add_merchant(tx, merchant, _site(merchant_id, sites[0], wall, default=True))
    if fee_basis_points:
        now = business_at(wall, merchant.offset_us)
        term = FeeTerm(new_id(), now, Tariff(fee_basis_points))
        noted = Noted(merchant_id, "operator:setup", "", wall, now)
        await add_first_fee_term(tx, noted, stored_fee_term(term))
    for site in sites[1:]:
        await add_site(tx, _site(merchant_id, site, wall, default=False))
    await begin_settlement(tx, merchant_id, wall - clock_behind)
    await begin_reports(tx, merchant_id, wall - clock_behind)
    await begin_certificates(tx, merchant_id, wall - clock_behind)


def acceptor_of(world: World) -> str:
    """The acceptor by which the network limits of what is sent there are counted; empty while there
    is no card processor."""
    return next((processor.acceptor_id for processor in world.processors.values()), "")


async def make_keys(world: World, merchant_id: UUID, webhook_key: str) -> Keys:
    """New keys; earlier ones end. `webhook_key` base64, sealed before it is kept."""
    async with world.db.transaction() as tx:
        keys = await issue_keys(tx, world, merchant_id)
        await keep_webhook_keys(tx, world, merchant_id, webhook_key, keys.stablecoin_webhook_secret)
    await heard_everywhere(world.db)
    return keys


async def issue_keys(
    tx: Tx,
    world: World,
    merchant_id: UUID,
    by: str = SETUP,
    *,
    overlap: timedelta = timedelta(0),
    kinds: Collection[str] = KEY_KINDS,
    scopes: Sequence[str] = (),
    role: str | None = None,
) -> Keys:
    """Issues, in an open transaction, keys that open the merchant's doors, of those `kinds`; the
    others are empty. Earlier keys end now, or after the overlap. The secrets that sign its webhooks
    are made, not kept: see `keep_webhook_keys`. `by`: an actor's text; `scopes`, `role`: as
    `issue_key`."""
    wall = world.clocks.wall()
    await end_keys(tx, merchant_id, sorted(kinds), wall + overlap, wall, by)
    made = {
        kind: await issue_key(tx, world, merchant_id, kind, by, scopes=scopes, role=role)
        for kind in KEY_KINDS
        if kind in kinds
    }
    api, tokenization, stablecoin = (made.get(kind, IssuedKey(kind, "", "")) for kind in KEY_KINDS)
    return Keys(
        api.key,
        api.secret,
        tokenization.key,
        stablecoin.key,
        stablecoin.secret,
        new_webhook_secret(),
    )


async def keep_webhook_keys(
    tx: Tx, world: World, merchant_id: UUID, rescue: str, stablecoin: str
) -> None:
    """Secrets that we sign with are sealed: they are needed as they are."""
    context = f"webhook:{merchant_id}"
    await set_webhook_key(tx, merchant_id, world.keys.seal_secret(context, rescue.encode()))
    await set_stablecoin_webhook_key(
        tx, merchant_id, world.keys.seal_secret(context, stablecoin.encode())
    )


def _site(merchant_id: UUID, site: NewSite, wall: WallTime, *, default: bool) -> SiteRow:
    return filled(SiteRow, site, merchant_id=merchant_id, is_default=default, created_at=wall)

"""The sandbox's first partner, merchant, site, keys and portal user; and the demo's merchant beside
it.

Ids are made from the installation's own keys, so that the same installation always finds the same
merchant again.
"""

import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from recoup.kernel.filled import filled
from recoup.kit.world import World
from recoup.merchants.flows.demo_clock import bootstrap_merchant, demo_merchant
from recoup.onboarding.flows.handover import Credentials, credentials_of
from recoup.onboarding.flows.make_merchant import Keys, NewSite, make_keys, make_merchant
from recoup.onboarding.flows.partners import PartnerKey, make_partner, make_partner_key
from recoup.people.flows.make_user import Membership, make_user, register_merchant, register_partner
from recoup.people.store.people import find_user
from recoup.webhooks.flows.endpoints import new_signing_key

PORTAL_USER = "ops@recoup.example"
OPERATOR_USER = "operator@recoup.example"
BOOTSTRAP_SITES = (("https://shop.merchant.example", "Merchant shop", "MERCHANTSHOP"),)
DEMO_SITES = (
    ("https://coffee.demo.example", "Coffee club", "DEMO*COFFEE"),
    ("https://fit.demo.example", "Fit at home", "DEMO*FITATHOME"),
    ("https://news.demo.example", "Daily news", "DEMO*DAILYNEWS"),
    ("https://games.demo.example", "Game pass", "DEMO*GAMEPASS"),
)


@dataclass(frozen=True, slots=True)
class Bootstrap(Credentials):
    """Values that `recoup bootstrap --json` prints, in this order."""

    base_url: str
    portal_user: str
    portal_password: str
    operator_user: str
    operator_password: str
    partner_app_key: str
    partner_app_secret: str

    def to_dict(self) -> dict[str, Any]:
        return {"base_url": self.base_url} | asdict(self)


async def is_bootstrapped(world: World) -> bool:
    """True when its portal user is there already, with a password that somebody may know."""
    return await find_user(world.people, PORTAL_USER) is not None


async def bootstrap(world: World, base_url: str) -> Bootstrap:
    """Makes what is missing, and new secrets for all of it; earlier secrets end."""
    merchant_id = bootstrap_merchant(world)
    sites = await _merchant(world, merchant_id, "Bootstrap merchant", BOOTSTRAP_SITES)
    webhook_key = new_signing_key()
    keys = await make_keys(world, merchant_id, webhook_key)
    password = secrets.token_urlsafe(12)
    members = [Membership("merchant", m, "owner") for m in (merchant_id, demo_merchant(world))]
    await make_user(world, PORTAL_USER, "Sandbox operations", password, members)
    operator_password, partner_key = (
        await make_operator(world),
        await make_bootstrap_partner_key(world),
    )
    return filled(
        Bootstrap,
        credentials_of(merchant_id, sites[0].site_id, keys, webhook_key),
        base_url=base_url,
        portal_user=PORTAL_USER,
        portal_password=password,
        operator_user=OPERATOR_USER,
        operator_password=operator_password,
        partner_app_key=partner_key.app_key,
        partner_app_secret=partner_key.app_secret,
    )


async def make_bootstrap_partner_key(world: World) -> PartnerKey:
    """Makes a key of the partner that the bootstrap and the demo merchant belong to; earlier ones
    end."""
    partner_id: UUID = world.keys.derived_id("bootstrap", "partner")
    await make_partner(world, partner_id, "Sandbox partner")
    return await make_partner_key(world, partner_id)


async def make_operator(world: World) -> str:
    """The second person, who decides for the operator what a merchant's people may not; answers a
    new password."""
    password = secrets.token_urlsafe(12)
    operator_id: UUID = world.keys.derived_id("bootstrap", "operator")
    await make_user(
        world,
        OPERATOR_USER,
        "Sandbox operator",
        password,
        [Membership("operator", operator_id, "owner")],
    )
    return password


async def make_demo_merchant(world: World, behind: timedelta) -> tuple[Keys, tuple[NewSite, ...]]:
    """The demo's merchant, its clock set back, with keys for the demo's player."""
    merchant_id = demo_merchant(world)
    sites = await _merchant(
        world, merchant_id, "Demo day", DEMO_SITES, clock_behind=behind, fee_basis_points=290
    )
    return await make_keys(world, merchant_id, new_signing_key()), sites


async def _merchant(
    world: World,
    merchant_id: UUID,
    name: str,
    site_rows: tuple[tuple[str, str, str], ...],
    *,
    clock_behind: timedelta = timedelta(0),
    fee_basis_points: int = 0,
) -> tuple[NewSite, ...]:
    partner_id: UUID = world.keys.derived_id("bootstrap", "partner")
    sites = tuple(
        NewSite(world.keys.derived_id("bootstrap-site", merchant_id, url), url, label, descriptor)
        for url, label, descriptor in site_rows
    )
    await register_partner(world, partner_id, "Sandbox partner")
    await make_partner(world, partner_id, "Sandbox partner")
    await register_merchant(world, merchant_id, name, partner_id)
    await make_merchant(
        world,
        merchant_id,
        name,
        sites,
        partner_id=partner_id,
        clock_behind=clock_behind,
        fee_basis_points=fee_basis_points,
    )
    return sites

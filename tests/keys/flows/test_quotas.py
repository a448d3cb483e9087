"""Of many who ask at once, exactly as many are served as there may be: whatever is counted before
it is made."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest
from tests.disputes.flows.test_disputes import disputed, paid, the_dispute
from tests.worlds import Shop, change_world, make_shop, people_dsn, sandbox_world

from recoup.db.pool import Database
from recoup.db.server import ServerAddress
from recoup.desk.flows.exports import ExportQuery, ask_for_file
from recoup.desk.store.order_filter import OrderFilter
from recoup.disputes.flows.answer import note_evidence
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, PartnerScope
from recoup.keys.flows import merchant_keys
from recoup.merchants.flows.blocks import block
from recoup.onboarding.flows.applications import Applicant, create_application
from recoup.onboarding.flows.partners import make_partner, make_partner_key
from recoup.onboarding.rules.form import Form
from recoup.orders.rules.refund_limits import Limits
from recoup.partners.flows import partner_merchants
from recoup.people.flows.invitations import Subject, invite
from recoup.people.flows.list_preferences import keep_view
from recoup.people.flows.make_user import Membership, make_user, register_merchant, register_partner
from recoup.people.flows.order_notes import note_order
from recoup.refunds.flows.limits import change_limits
from recoup.switches.flows import campaigns, sites
from recoup.webhooks.flows import endpoints

MOST, CALLERS = 3, 8
CURRENCIES: Final = ("USD", "EUR", "GBP", "JPY", "KWD", "CHF", "CAD", "AUD", "SEK")
PARTNER: Final = UUID(int=7)


@dataclass(frozen=True, slots=True)
class Ground:
    """A shop with an order and its dispute; `people` who own all there is; `partner`, who may have
    MOST merchants."""

    shop: Shop
    people: list[UUID]
    order_id: UUID
    dispute_id: UUID

    @property
    def user_id(self) -> UUID:
        return self.people[0]

    @property
    def partner(self) -> PartnerScope:
        return PartnerScope(PARTNER, Actor("partner", "k"), "test")

    def file(self, user_id: UUID) -> Awaitable[object]:
        wanted = ExportQuery(
            OrderFilter(self.shop.merchant_id), "placed", True, ("order_id",), "GMT"
        )
        return ask_for_file(
            self.shop.world,
            self.shop.scope,
            user_id,
            new_id(),
            wanted,
            form="csv",
            labels=["all"],
            file_name="orders.csv",
        )

    def draft(self, kind: str, owner_id: UUID) -> Awaitable[object]:
        return create_application(
            self.shop.world, Applicant((kind, owner_id), Actor("user", "u"), "test"), Form()
        )

    def merchant(self, n: int) -> Awaitable[object]:
        asked = partner_merchants.MerchantRequest(
            f"Tea {n}", f"https://tea-{n}.example", "Tea", "BRIGHTLEAFTEA"
        )
        return partner_merchants.create(self.shop.world, self.partner, asked)

    def invitation(self, n: int, kind: str, user_id: UUID) -> Awaitable[object]:
        subject = Subject(kind, PARTNER if kind == "partner" else self.shop.merchant_id, "Tea")
        return invite(
            self.shop.world, subject, user_id, f"{n}@example.test", "analyst", request_id="test"
        )

    def site(self, n: int) -> Awaitable[object]:
        wanted = sites.SiteFields(
            url=f"https://tea-{n}.example", name="Tea", descriptor="BRIGHTLEAFTEA"
        )
        return sites.create(self.shop.world, self.shop.scope, wanted)

    def campaign(self, n: int) -> Awaitable[object]:
        return campaigns.create(
            self.shop.world,
            self.shop.scope,
            self.shop.site_id,
            campaigns.CampaignFields(key=f"c{n}", name="Tea"),
        )


@dataclass(frozen=True, slots=True)
class Quota:
    """`constant`: where the number is; `table`: whose rows are made; `standing`: which are counted;
    `ask`: makes the n-th."""

    constant: str
    table: str
    ask: Callable[[Ground, int], Awaitable[object]]
    standing: str = "true"


QUOTAS: Final = {
    "files of a person": Quota(
        "desk.moves.UNDER_WAY_MAX", "exports", lambda g, n: g.file(g.user_id)
    ),
    "files of a merchant": Quota(
        "desk.moves.STANDING_MAX", "exports", lambda g, n: g.file(UUID(int=n))
    ),
    "views": Quota(
        "people.flows.list_preferences.VIEWS_MAX",
        "saved_views",
        lambda g, n: keep_view(
            g.shop.world, (g.user_id, g.shop.merchant_id), f"view {n}", "status=4"
        ),
    ),
    "shared views of a merchant": Quota(
        "people.flows.list_preferences.SHARED_MAX",
        "saved_views",
        lambda g, n: keep_view(
            g.shop.world,
            (g.people[n], g.shop.merchant_id),
            "view",
            "status=4",
            sharing=g.shop.scope,
        ),
    ),
    "notes of an order": Quota(
        "people.flows.order_notes.NOTES_MAX",
        "order_notes",
        lambda g, n: note_order(g.shop.world, g.shop.scope, g.order_id, new_id(), "a word"),
    ),
    "notes of a dispute": Quota(
        "disputes.flows.answer.NOTES_MAX",
        "dispute_notes",
        lambda g, n: note_evidence(g.shop.world, g.shop.scope, g.dispute_id, "a word"),
    ),
    "drafts of a merchant": Quota(
        "onboarding.flows.applications.DRAFTS_MAX",
        "applications",
        lambda g, n: g.draft("merchant", g.shop.merchant_id),
    ),
    "drafts of a partner": Quota(
        "onboarding.flows.applications.DRAFTS_MAX",
        "applications",
        lambda g, n: g.draft("partner", PARTNER),
    ),
    "blocks": Quota(
        "merchants.flows.blocks.STANDING_MAX",
        "blocks",
        lambda g, n: block(g.shop.world, g.shop.scope, "customer", new_id(), "fraud"),
    ),
    "endpoints of a merchant": Quota(
        "webhooks.flows.endpoints.ENDPOINTS_MAX",
        "endpoints",
        lambda g, n: endpoints.create(
            g.shop.world, g.shop.scope, f"https://h.example/{n}", None, "rescue"
        ),
    ),
    "endpoints of a partner": Quota(
        "webhooks.flows.endpoints.ENDPOINTS_MAX",
        "endpoints",
        lambda g, n: endpoints.create(
            g.shop.world, g.partner, f"https://h.example/{n}", None, "rescue"
        ),
    ),
    "keys of a merchant": Quota(
        "keys.flows.merchant_keys.KEYS_MAX",
        "tokenization_keys",
        lambda g, n: merchant_keys.make_key(g.shop.world, g.shop.scope, "tokenization", None),
    ),
    "keys of a partner": Quota(
        "onboarding.flows.partners.KEYS_MAX",
        "partner_keys",
        lambda g, n: make_partner_key(g.shop.world, PARTNER, timedelta(hours=1)),
    ),
    "merchants of a partner": Quota("", "partner_merchants", lambda g, n: g.merchant(n)),
    "sites": Quota(
        "switches.flows.sites.SITES_MAX", "sites", lambda g, n: g.site(n), "retired_at IS NULL"
    ),
    "campaigns": Quota(
        "switches.flows.campaigns.CAMPAIGNS_MAX", "campaigns", lambda g, n: g.campaign(n)
    ),
    "currencies with limits": Quota(
        "refunds.flows.limits.CURRENCIES_MAX",
        "refund_limits",
        lambda g, n: change_limits(
            g.shop.world, g.shop.scope, "operations", CURRENCIES[n], Limits(100)
        ),
    ),
    "invitations to a merchant": Quota(
        "people.flows.invitations.OPEN_MAX",
        "invitations",
        lambda g, n: g.invitation(n, "merchant", g.people[n]),
    ),
    "invitations to a partner": Quota(
        "people.flows.invitations.OPEN_MAX",
        "invitations",
        lambda g, n: g.invitation(n, "partner", g.people[n]),
    ),
    "invitations by a person": Quota(
        "people.flows.invitations.SENT_MAX",
        "invitations",
        lambda g, n: g.invitation(n, ("merchant", "partner")[n % 2], g.user_id),
    ),
}
IN_PEOPLE: Final = frozenset({"saved_views", "invitations"})


@pytest.mark.parametrize("name", QUOTAS, ids=[name.replace(" ", "-") for name in QUOTAS])
def test_of_many_at_once_exactly_the_quota_is_made(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, name: str
) -> None:
    quota = QUOTAS[name]
    if quota.constant:
        monkeypatch.setattr(f"recoup.{quota.constant}", MOST)

    async def story() -> None:
        async with ground(server) as made:
            world = made.shop.world
            change_world(world, exports=tmp_path)
            dsn = await people_dsn(world) if quota.table in IN_PEOPLE else world.dsn
            connection = await asyncpg.connect(dsn)
            count = f"SELECT count(*) FROM {quota.table} WHERE {quota.standing}"
            there = await connection.fetchval(count)
            async with (
                connection.transaction()
            ):  # all are past their counting, if nothing keeps them apart
                await connection.execute(f"LOCK TABLE {quota.table} IN EXCLUSIVE MODE")
                asked = [asyncio.ensure_future(quota.ask(made, n)) for n in range(CALLERS)]
                await asyncio.sleep(0.5)
            told = await asyncio.gather(*asked, return_exceptions=True)
            stand = await connection.fetchval(count)
            await connection.close()
        others = [
            one for one in told if isinstance(one, BaseException) and not isinstance(one, Problem)
        ]
        assert not others
        assert sum(isinstance(one, Problem) for one in told) == CALLERS - (MOST - there)
        assert stand == MOST

    asyncio.run(story())


@asynccontextmanager
async def ground(server: ServerAddress) -> AsyncIterator[Ground]:
    async with sandbox_world(server) as made:
        shop = await make_shop(*made, fee_basis_points=290)
        people = await Database(await people_dsn(shop.world), size=CALLERS, name="test").open()
        small = shop.world.people
        change_world(shop.world, people_database=people)
        await register_merchant(shop.world, shop.merchant_id, "Tea", None)
        owners = [
            await make_user(
                shop.world,
                f"owner{n}@example.test",
                "Owner",
                "correct horse battery",
                [Membership("operator", UUID(int=0), "owner")],
            )
            for n in range(CALLERS)
        ]
        await register_partner(shop.world, PARTNER, "Partner")
        await make_partner(shop.world, PARTNER, "Partner")
        await shop.world.db.execute("UPDATE partners SET merchants_max = $1", MOST)
        order_id = await paid(shop)
        await disputed(shop, order_id)
        dispute_id = (await the_dispute(shop, order_id))["dispute_id"]
        yield Ground(shop, owners, order_id, dispute_id)
        await people.close()
        change_world(shop.world, people_database=small)

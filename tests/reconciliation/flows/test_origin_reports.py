"""Reports by transaction, descriptor, site and campaign add up to the ledger, whatever has
happened."""

import asyncio
import csv
import io
import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from tests.insight.flows.test_verify import _cloned, lived_in  # noqa: F401 - a fixture
from tests.settling import DAY, give_back, person, sold, terms, with_account
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.disputes.flows.terms import DisputeTermsRequest, change_terms
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import LOWEST
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem
from recoup.kit.as_of import Window
from recoup.kit.world import World
from recoup.reconciliation.flows.origin_reports import (
    AMOUNTS,
    COUNTS,
    REPORTS,
    ReportRequest,
    grouped_report,
    report_csv,
    transactions_page,
)
from recoup.reconciliation.store import origin_reports
from recoup.reconciliation.store.origin_reports import COLUMNS
from recoup.settlement.flows import report as movements_report
from recoup.settlement.flows.adjust import adjust
from recoup.settlement.flows.settle import close_pages_of
from recoup.switches.flows import campaigns, sites
from recoup.terms.rules.fees import Tariff

EVER = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
Sums = dict[str, Counter[str]]


def summed(rows: Iterable[Any]) -> Sums:
    found: Sums = {}
    for row in rows:
        of = found.setdefault(row.asset, Counter())
        for name in (*AMOUNTS, *COUNTS):
            of[name] += row.of(name)
    return found


async def transactions(world: World, asked: ReportRequest, limit: int) -> tuple[Sums, list[Any]]:
    after, rows, totals = LOWEST, [], None
    while True:
        page = await transactions_page(world, asked, after, limit)
        totals = page.totals if totals is None else totals
        rows += page.rows
        if page.next is None:
            return summed(totals), rows
        after = UUID(page.next)


async def from_csv(world: World, report: str, asked: ReportRequest) -> Sums:
    text = b"".join([part async for part in report_csv(world, report, asked)]).decode()
    found: Sums = {}
    for row in csv.DictReader(io.StringIO(text)):
        of, scale = (
            found.setdefault(row["currency"], Counter()),
            Decimal(10) ** EXPONENTS[row["currency"]],
        )
        for name in AMOUNTS:
            of[name] += int(Decimal(row[name]) * scale)
        for name in COUNTS:
            of[name] += int(row[name])
    return found


async def check(world: World, merchant_id: UUID, window: Window, limit: int = 3) -> Sums:
    """All reports of the period say the same; the sums that they share."""
    asked = ReportRequest(merchant_id, window)
    totals, rows = await transactions(world, asked, limit)
    assert summed(rows) == totals
    assert len({(row.order_id, row.asset) for row in rows}) == len(rows)
    for report in REPORTS[1:]:
        found = await grouped_report(world, report, asked)
        assert summed(found.rows) == summed(found.totals) == totals, report
    for report in REPORTS:
        assert await from_csv(world, report, asked) == totals, report
    for asset, sums in totals.items():
        assert sums["net"] == sum(sums[name] for name in AMOUNTS if name not in ("net", "disputed"))
        alone = await grouped_report(world, "sites", ReportRequest(merchant_id, window, asset))
        assert summed(alone.rows) == {asset: sums}
    return totals


async def ledger(world: World, merchant_id: UUID) -> dict[str, tuple[int, int]]:
    """By currency what the reports must come to, and what stands on the account; in plain SQL, from
    the entries."""
    async with world.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT e.asset, p.recipe, -sum(e.units)::bigint AS units FROM entries e"
            " JOIN postings p USING (merchant_id, posting_id)"
            " WHERE merchant_id = $1 AND e.account = 'merchant_payable' GROUP BY 1, 2",
            merchant_id,
        )
        balances = await connection.fetch(
            "SELECT asset, -sum(units)::bigint AS units FROM account_balances"
            " WHERE merchant_id = $1 AND account = 'merchant_payable' GROUP BY 1",
            merchant_id,
        )
    earned, moved = Counter[str](), Counter[str]()
    for row in rows:
        away = movements_report.kind_of(row["recipe"]) in ("payout", "reserve", "carried")
        (moved if away else earned)[row["asset"]] += row["units"]
    return {
        row["asset"]: (earned[row["asset"]], row["units"] - moved[row["asset"]]) for row in balances
    }


async def agree_with_the_ledger(world: World, merchant_id: UUID) -> None:
    """Once every page is closed: what is told is what the entries sum to, and what the balance
    says."""
    await close_pages_of(world, merchant_id)
    totals = await check(world, merchant_id, EVER)
    for asset, (earned, balance) in (await ledger(world, merchant_id)).items():
        assert totals.get(asset, Counter())["net"] == earned == balance, asset
    cuts = (
        sorted(random.Random(7).choices(await moments(world, merchant_id), k=3)) if totals else []
    )
    parts: Sums = {}
    for span in zip([EVER[0], *cuts], [*cuts, EVER[1]], strict=True):
        for asset, sums in (await check(world, merchant_id, Window(*span), limit=2)).items():
            parts.setdefault(asset, Counter()).update(sums)
    assert {a: {n: v for n, v in s.items() if v} for a, s in parts.items()} == {
        a: {n: v for n, v in s.items() if v} for a, s in totals.items()
    }


async def moments(world: World, merchant_id: UUID) -> list[datetime]:
    async with world.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT business_at FROM postings WHERE merchant_id = $1", merchant_id
        )
    return [row["business_at"] for row in rows]


def test_a_world_that_was_lived_in_is_reported_to_the_cent(
    server: ServerAddress,
    lived_in: str,  # noqa: F811
) -> None:
    async def story() -> None:
        async with _cloned(server, lived_in) as world:
            async with world.db.connection() as connection:
                merchants = [
                    row[0] for row in await connection.fetch("SELECT merchant_id FROM merchants")
                ]
            for merchant_id in merchants:
                await agree_with_the_ledger(world, merchant_id)

    asyncio.run(story())


def test_every_recipe_on_the_merchants_account_has_a_column_or_leaves_it() -> None:
    away = {
        recipe
        for recipe, kind in movements_report.KINDS.items()
        if kind in ("payout", "reserve", "carried")
    }
    kinds = movements_report.KINDS
    assert {kinds[recipe] for recipe in set(kinds) - away} == set(COLUMNS.values())


async def _sites_and_campaigns(shop: Shop) -> dict[str, UUID]:
    """Two sites, a campaign on each; orders of each, given back, disputed, adjusted, settled."""
    world, scope = shop.world, shop.scope
    mugs = await sites.create(
        world, scope, sites.SiteFields("https://mugs.example", "Mugs", "MUGS*CLUB")
    )
    spring = await campaigns.create(
        world, scope, shop.site_id, campaigns.CampaignFields("spring", "Spring")
    )
    summer = await campaigns.create(
        world, scope, mugs.site_id, campaigns.CampaignFields("summer", "Summer", "MUGS*SUMMER")
    )
    shop.merchants.forget(shop.merchant_id)
    await shop.fees(Tariff(290, 30, refund="pro_rata"), currency="USD")
    await change_terms(
        world,
        scope,
        DisputeTermsRequest(
            "USD", service_borne_by="merchant", fee_units=1500, fee_borne_by="merchant"
        ),
    )
    plain = await sold(shop, 3)
    of_spring = await sold(shop, 2, campaign="spring", units=1001)
    await sold(shop, 2, site_url="https://mugs.example/checkout", currency="JPY", units=777)
    of_summer = await sold(shop, 3, campaign="SUMMER", units=3333)
    await sold(shop, 1, descriptor="=MY*OWN", units=50_000)
    await give_back(shop, plain[0], "10.01")
    await give_back(shop, of_spring[0])
    await dispute_on_demand(world, shop.orders, shop.key(plain[1]), units=2000)
    await dispute_on_demand(world, shop.orders, shop.key(of_summer[0]), kind="service", units=1111)
    await dispute_on_demand(
        world, shop.orders, shop.key(of_summer[1]), kind="service", decided="won"
    )
    await shop.settle()
    await shop.close_pages()
    await adjust(world, person(shop, "olga"), 1234, "USD", "goodwill")
    await adjust(world, person(shop, "olga"), -34, "USD", "taken back")
    return {"mugs": mugs.site_id, "spring": spring.campaign_id, "summer": summer.campaign_id}


def test_each_site_and_campaign_is_told_what_is_its_own(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made, clock_behind=timedelta(days=30))
            world, other = shop.world, await make_shop(*made, name="Other")
            await terms(
                shop, period="day", delay_days=0, reserve_basis_points=500, limits={"USD": 100_000}
            )
            await with_account(shop)
            ids = await _sites_and_campaigns(shop)
            await sold(other, 2)
            await shop.advance(5 * DAY)
            for one in (shop, other):
                await agree_with_the_ledger(world, one.merchant_id)
            asked = ReportRequest(shop.merchant_id, EVER, "USD")
            by_site = {row.site: row for row in (await grouped_report(world, "sites", asked)).rows}
            assert list(by_site) == ["Leaf", "Mugs", None]
            assert (by_site[None].adjusted, by_site[None].approvals) == (1200, 0)
            assert by_site["Mugs"].approved == 3 * 3333
            assert (by_site["Mugs"].chargebacks, by_site["Mugs"].disputed) == (-1111, -1111)
            assert (by_site["Leaf"].chargebacks, by_site["Leaf"].disputed) == (0, -2000), (
                "the operator bears it"
            )
            by_campaign = {
                row.campaign_id: row
                for row in (await grouped_report(world, "campaigns", asked)).rows
                if row.site_id
            }
            assert by_campaign[ids["spring"]].refunded == -1001
            assert by_campaign[ids["summer"]].approvals == 3
            by_text = {
                row.descriptor for row in (await grouped_report(world, "descriptors", asked)).rows
            }
            assert by_text == {"BRIGHTLEAF*TEA", "MUGS*SUMMER", "=MY*OWN", None}
            text = b"".join(
                [part async for part in report_csv(world, "descriptors", asked)]
            ).decode()
            assert "'=MY*OWN" in text, "a spreadsheet takes no text for a formula"
            assert (done := await verify(world)).difference is None, done.difference

    asyncio.run(story())


def test_rows_are_paged_and_too_many_are_refused(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            for n in range(5):
                await sold(shop, 1, descriptor=f"TEXT*{n}")
            asked, seen, after = ReportRequest(shop.merchant_id, EVER), [], 0
            for _ in range(3):
                page = await grouped_report(shop.world, "descriptors", asked, after, 2)
                seen += [row.descriptor for row in page.rows]
                after = int(page.next or 0)
            assert seen == [f"TEXT*{n}" for n in range(5)]
            assert not after
            monkeypatch.setattr("recoup.reconciliation.flows.origin_reports.GROUPS_MAX", 4)
            with pytest.raises(Problem, match="more than 4 descriptors"):
                await grouped_report(shop.world, "descriptors", asked)

    asyncio.run(story())


def test_a_file_of_many_orders_takes_a_bounded_number_of_statements(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await sold(shop, 21)
            monkeypatch.setattr("recoup.reconciliation.flows.origin_reports.ORDERS_AT_ONCE", 5)
            asked: list[int] = []
            by_order = origin_reports.by_order

            async def counted(*args: Any) -> Any:
                asked.append(1)
                return await by_order(*args)

            monkeypatch.setattr("recoup.reconciliation.flows.origin_reports.by_order", counted)
            found = await from_csv(
                shop.world, "transactions", ReportRequest(shop.merchant_id, EVER)
            )
            assert (found["USD"]["approvals"], len(asked)) == (21, 5)

    asyncio.run(story())

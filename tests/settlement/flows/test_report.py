"""The reconciliation report: one line a movement, sums that are the ledger's to the cent, told once
a period."""

import asyncio
import csv
import io
from collections import Counter
from datetime import timedelta
from typing import Any

from tests.comparing import compare, statement
from tests.left_processes import Killer, dying_process, run_until_killed
from tests.settling import DAY, give_back, sold, terms
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor
from recoup.kit.as_of import Window
from recoup.kit.report_spans import zone_of
from recoup.merchants.store.merchants import move_clock
from recoup.orders.rules.ledger import RECIPES
from recoup.settlement.flows.report import (
    KINDS,
    report_csv,
    report_lines,
    report_ready,
    report_totals,
)
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.flows.pay import simulate


def run(server: ServerAddress, story: Any) -> None:
    async def tell() -> None:
        async with sandbox_world(server) as made:
            await story(await make_shop(*made, fee_basis_points=290))
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(tell())


async def span_of(shop: Shop) -> Window:
    now = await shop.now()
    return Window(now - timedelta(days=300), now + timedelta(seconds=1))


async def reports(shop: Shop) -> list[Any]:
    async with shop.world.db.connection() as connection:
        return list(
            await connection.fetch(
                "SELECT r.*, o.event, o.body FROM reconciliation_reports r LEFT JOIN outbox o"
                " ON o.merchant_id = r.merchant_id AND o.subject_id = r.report_id WHERE "
                "r.merchant_id = $1"
                " ORDER BY period_to",
                shop.merchant_id,
            )
        )


def test_lines_fees_and_sums_agree_with_the_ledger(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await terms(shop, period="day", delay_days=0)
        orders = await sold(shop, 3)
        await sold(shop, 1, currency="JPY", units=500)
        await give_back(shop, orders[0], "10.00")
        asked = StablecoinChargeRequest(f"order-{new_id().hex}", "49.90", "USDT", "mock_direct")
        order = (await Charges(shop.world, shop.merchants).charge(shop.scope, asked)).order
        await simulate(
            shop.world,
            shop.orders,
            (shop.merchant_id, order.order_id),
            approve=True,
            actor=Actor("payer", "checkout"),
        )
        await shop.settle()
        await shop.run_due()
        open_ = [
            row
            async for rows in report_lines(shop.world, shop.merchant_id, await span_of(shop))
            for row in rows
        ]
        assert {row.batch_id for row in open_} == {None}
        await shop.advance(40 * DAY)
        await sold(shop, 2)
        span = await span_of(shop)
        lines = [
            row async for rows in report_lines(shop.world, shop.merchant_id, span) for row in rows
        ]
        totals = await report_totals(shop.world, shop.merchant_id, span)
        sums: Counter[tuple[str, str]] = Counter()
        for row in lines:
            sums[row.asset, row.place] += row.units + row.fee_units
        balances = await shop.world.db.fetch(
            "SELECT asset, CASE account WHEN 'payout_due' THEN 'wallet' ELSE place END AS place,"
            " -sum(units)::bigint AS units FROM entries WHERE merchant_id = $1"
            " AND account IN ('merchant_payable', 'settlement_due', 'payout_due') GROUP BY 1, 2",
            shop.merchant_id,
        )
        assert dict(sums) == {(r["asset"], r["place"]): r["units"] for r in balances}
        assert {
            (t.asset, "wallet" if t.balance == "wallet" else ""): t.units for t in totals
        } == dict(sums)
        kinds = Counter(row.recipe for row in lines)
        assert kinds["approve"] == 7
        assert kinds["refund_owed"] == 1
        assert kinds["settled"] == 1
        assert not kinds["fee"]
        assert not kinds["settlement_closed"], "scheduled is not paid"
        settled = [row for row in lines if row.batch_id]
        assert len(settled) == len([row for row in lines if row.place == ""]) - 2
        assert all(row.reference for row in lines if row.recipe == "approve")
        assert all(row.fee_units < 0 for row in lines if row.recipe == "approve")
        text = b"".join(
            [
                part
                async for part in report_csv(
                    shop.world, shop.merchant_id, span, zone_of("Asia/Tokyo")
                )
            ]
        )
        rows = list(csv.DictReader(io.StringIO(text.decode())))
        assert len(rows) == len(lines)
        assert all(row["date_booked (Asia/Tokyo)"].endswith("+09:00") for row in rows)
        assert {row["currency"] for row in rows} == {"USD", "JPY", "USDT"}

    run(server, story)


def test_texts_are_no_formulas(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await sold(shop, 1, external_id='=HYPERLINK("http://evil")')
        text = b"".join(
            [
                part
                async for part in report_csv(
                    shop.world, shop.merchant_id, await span_of(shop), zone_of("UTC")
                )
            ]
        ).decode()
        (row,) = csv.DictReader(io.StringIO(text))
        assert row["external_order_id"].startswith("'=HYPERLINK")
        assert row["amount"] == "45.90"
        assert row["fee"] == "-1.33"
        assert row["net"] == "44.57"

    run(server, story)


def test_each_period_is_told_once_and_in_order(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await terms(shop, period="week", delay_days=1)
        await shop.advance(timedelta(days=35))
        assert not await reports(shop)  # nothing moved
        await sold(shop, 2)
        await compare(shop, (await statement(shop))[:-1] + [",fee-1,fee,1.00,USD,2026-11-20,"])
        await shop.advance(timedelta(days=9))
        await sold(shop, 1)
        await shop.advance(timedelta(days=40))
        made = await reports(shop)
        assert len(made) >= 2
        assert all(row["event"] == "reconciliation.ready" for row in made)
        assert made[0]["body"]["ReconciliationId"] == str(made[0]["report_id"])
        assert made[0]["lines"] == 2
        assert made[0]["differences"] >= 1
        assert all(a["period_to"] <= b["period_from"] for a, b in zip(made, made[1:], strict=False))
        assert not await report_ready(shop.world, shop.merchant_id)

    run(server, story)


def test_telling_survives_a_kill_between_any_two_statements(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await terms(shop, period="day", delay_days=0)
        await shop.advance(35 * DAY)
        for step in range(1, 30):
            before = len(await reports(shop))
            await sold(shop, 1)
            # Only the clock moves: the report itself is told by a process that dies.
            async with shop.world.db.connection() as connection:
                sql = "SELECT offset_us FROM merchants WHERE merchant_id = $1"
                offset = await connection.fetchval(sql, shop.merchant_id)
                await move_clock(
                    connection, shop.merchant_id, offset + 86_400_000_000 + 600_000_000
                )
            killer = Killer(step, after=bool(step % 2))
            async with dying_process(shop, killer) as dying:
                told = await run_until_killed(killer, report_ready(dying.world, shop.merchant_id))
            assert not isinstance(told, BaseException), told
            await shop.advance(timedelta(0))
            assert len(await reports(shop)) == before + 1
            if told is not None:
                break
        assert step > 5

    run(server, story)


def test_every_recipe_of_the_merchants_account_has_a_kind() -> None:
    recipes = {
        one.name for one in RECIPES.values() if "merchant_payable" in (one.debit, one.credit)
    }
    assert recipes < KINDS.keys()
    assert "" not in KINDS.values()

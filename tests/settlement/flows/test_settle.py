"""A period's batch: made once, from what was booked before its end, and it closes to 0."""

import asyncio
from datetime import datetime, timedelta

import pytest
from tests.left_processes import dying_process, kills, run_until_killed, second_process
from tests.rings import deep
from tests.settling import (
    DAY,
    batches,
    give_back,
    lines,
    payouts,
    person,
    rows,
    sold,
    terms,
    with_account,
)
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.merchants.store.merchants import move_clock
from recoup.settlement.flows.adjust import adjust, decide_adjustment
from recoup.settlement.flows.settle import settle_merchant
from recoup.settlement.flows.settlement_terms import read_terms


async def balance(shop: Shop, account: str, asset: str = "USD") -> int:
    sql = (
        "SELECT coalesce(sum(units), 0)::bigint FROM entries WHERE merchant_id = $1 AND account "
        "= $2 AND asset = $3"
    )
    return int(await shop.value(sql, shop.merchant_id, account, asset))


async def proved(shop: Shop) -> None:
    """What everybody expects of batches, whatever happened."""
    for batch in await batches(shop):
        taken = await lines(shop, batch["batch_id"])
        assert len(taken) == batch["lines"]
        assert not sum(line["units"] for line in taken)
    found = await verify(shop.world)
    assert found.difference is None, found.difference


async def to_due(shop: Shop) -> None:
    """The clock stands where the next settlement is due; nothing has run yet."""
    (work,) = await rows(
        shop, "SELECT due_at FROM due_work WHERE merchant_id = $1 AND kind = 'settlement'"
    )
    offset = (work["due_at"] - shop.world.clocks.wall()) / timedelta(microseconds=1)
    async with shop.world.db.connection() as connection:
        await move_clock(connection, shop.merchant_id, round(offset) + 1)


def test_a_months_orders_are_paid_once_less_fees_and_refunds(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await terms(shop, period="day", delay_days=1)
            first, *_ = await sold(shop, 3)
            await shop.advance(DAY)
            await give_back(shop, first, "10.00")
            await shop.advance(5 * DAY)
            found = await batches(shop)
            assert [
                (b["amount_units"], b["fee_units"], b["refund_units"], b["payout_units"])
                for b in found
            ] == [
                (13770, -399, 0, 13371),
                (0, 0, -1000, 0),
            ]
            assert found[1]["carried_units"] == 1000
            assert [(p["units"], p["state"]) for p in await payouts(shop)] == [(13371, "created")]
            await proved(shop)

    asyncio.run(story())


def test_what_a_merchant_owes_is_taken_from_its_next_settlement_and_no_other(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await terms(shop, period="day", delay_days=3)
            (first,) = await sold(shop)
            await shop.advance(DAY)
            await give_back(shop, first)
            await shop.advance(6 * DAY)
            assert [(b["payout_units"], b["carried_units"]) for b in await batches(shop)] == [
                (4590, 0),
                (0, 4590),
            ]
            await sold(shop, 2)
            await shop.advance(5 * DAY)
            found = await batches(shop)
            assert [(b["payout_units"], b["carried_units"]) for b in found] == [
                (4590, 0),
                (0, 4590),
                (4590, -4590),
            ]
            assert await balance(shop, "settlement_due") == -9180
            assert not await balance(shop, "merchant_payable")
            await proved(shop)

    asyncio.run(story())


def test_a_small_payout_waits_for_more(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await terms(shop, period="day", delay_days=0, minimums={"USD": 9_000})
            await sold(shop)
            await shop.advance(4 * DAY)
            assert [(b["payout_units"], b["carried_units"]) for b in await batches(shop)] == [
                (0, -4590)
            ]
            await sold(shop)
            await shop.advance(DAY)
            assert [(b["payout_units"], b["carried_units"]) for b in await batches(shop)] == [
                (0, -4590),
                (9180, 4590),
            ]
            await proved(shop)

    asyncio.run(story())


def test_what_was_too_small_is_paid_once_the_minimum_falls_although_nothing_is_sold_any_more(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await terms(shop, period="day", delay_days=0, minimums={"USD": 9_000})
            await sold(shop)
            await shop.advance(4 * DAY)
            await terms(shop, period="day", delay_days=0, minimums={"USD": 0})
            await shop.advance(3 * DAY)
            assert [(b["payout_units"], b["carried_units"]) for b in await batches(shop)] == [
                (0, -4590),
                (4590, 4590),
            ]
            await proved(shop)

    asyncio.run(story())


def test_a_reserve_is_held_for_its_days_and_then_paid(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await terms(
                shop, period="day", delay_days=0, reserve_basis_points=1_000, reserve_days=10
            )
            await sold(shop, 2)
            await shop.advance(5 * DAY)
            assert [(b["reserve_units"], b["payout_units"]) for b in await batches(shop)] == [
                (-918, 8262)
            ]
            assert await balance(shop, "reserve") == -918
            await proved(shop)
            await shop.advance(7 * DAY)
            found = await batches(shop)
            assert [(b["reserve_units"], b["payout_units"]) for b in found] == [
                (-918, 8262),
                (918, 918),
            ]
            assert found[1]["period_from"] <= found[0]["release_at"] < found[1]["period_to"]
            assert not await balance(shop, "reserve")
            await proved(shop)

    asyncio.run(story())


def test_three_months_make_their_settlements_in_order_in_each_currency(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made, fee_basis_points=100)
            for _ in range(3):
                for asset, units in (
                    ("USD", 4590),
                    ("JPY", 5000),
                    ("KWD", 12_345),
                    ("CLF", 45_678),
                ):
                    await sold(shop, 1, currency=asset, units=units)
                await shop.advance(
                    timedelta(days=40 - (await shop.now()).day)
                )  # into the next month, by its 12th
            await shop.advance(40 * DAY)
            found = await batches(shop)
            assert {b["asset"] for b in found} == {"USD", "JPY", "KWD", "CLF"}
            for asset, net in (("USD", 4544), ("JPY", 4950), ("KWD", 12_222), ("CLF", 45_221)):
                own = [b for b in found if b["asset"] == asset]
                assert [b["payout_units"] for b in own] == [net] * 3
                assert all(b["period_from"].day == b["period_to"].day == 1 for b in own)
                assert [b["period_from"] for b in own[1:]] == [b["period_to"] for b in own[:-1]]
                assert [b["closed_at"] for b in own] == sorted(b["closed_at"] for b in own)
                assert all(
                    timedelta(0) <= b["closed_at"] - b["period_to"] - 2 * DAY < DAY / 24
                    for b in own
                )
            await proved(shop)

    asyncio.run(story())


def test_what_is_booked_in_the_delay_is_of_the_next_period(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await terms(shop, period="day", delay_days=2)
            await sold(shop)
            await shop.advance(DAY)
            await sold(shop, 2)
            await shop.advance(6 * DAY)
            assert [b["amount_units"] for b in await batches(shop)] == [4590, 9180]
            assert (await batches(shop))[0]["open_from"] <= (await batches(shop))[0]["page_to"]
            await proved(shop)

    asyncio.run(story())


def test_events_name_the_settlement_its_payout_and_the_root_and_no_order(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await terms(shop, period="day", delay_days=0)
            await sold(shop)
            await shop.advance(DAY)
            (batch,) = await batches(shop)
            sql = (
                "SELECT b.event, b.subject_kind, b.subject_id, b.body, f.feed_no FROM outbox b "
                "LEFT JOIN feed f USING (merchant_id, subject_id, seq) WHERE merchant_id = $1"
            )
            told = {r["event"]: r for r in await rows(shop, sql)}
            assert told["settlement.closed"]["subject_id"] == batch["batch_id"]
            body = told["settlement.closed"]["body"]
            assert (body["Amount"], body["Currency"]) == (4590, "USD")
            assert body["LedgerRoot"] == batch["root"].hex()
            assert "payout.created" not in told, "nothing was sent yet"
            assert all(r["feed_no"] for r in told.values())

    asyncio.run(story())


def test_two_who_close_at_once_close_once(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made, second_process(made[0]) as other:
            shop = await make_shop(*made)
            await terms(shop, period="day", delay_days=0)
            for _ in range(3):
                await sold(shop, 4)
                await to_due(shop)
                told = await asyncio.gather(
                    *(settle_merchant(world, shop.merchant_id) for world in (shop.world, other) * 4)
                )
                assert sum(len(made) for made in told) == 1
            assert [b["amount_units"] for b in await batches(shop)] == [4 * 4590] * 3
            await proved(shop)

    asyncio.run(story())


def test_orders_that_come_while_a_batch_closes_are_in_it_or_in_the_next(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await terms(shop, period="day", delay_days=0)
            await asyncio.gather(shop.advance(4 * DAY), *(sold(shop, 3) for _ in range(8)))
            await shop.advance(3 * DAY)
            found = await batches(shop)
            assert sum(b["amount_units"] for b in found) == 24 * 4590
            assert not await balance(shop, "merchant_payable")
            await proved(shop)

    asyncio.run(story())


@deep("kills")
@pytest.mark.timeout(300)
def test_a_process_that_dies_while_it_closes_leaves_a_whole_batch_or_none(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await terms(shop, period="day", delay_days=0, reserve_basis_points=500, reserve_days=5)
            for count, killer in enumerate(kills("settlement", least=10, most=80), 1):
                await sold(shop)
                await to_due(shop)
                async with dying_process(shop, killer) as dying:
                    told = await run_until_killed(
                        killer, settle_merchant(dying.world, dying.merchant_id)
                    )
                assert not isinstance(told, BaseException), told
                await settle_merchant(shop.world, shop.merchant_id)
                assert len(await batches(shop)) == count
            assert {b["amount_units"] for b in await batches(shop)} == {4590}
            await shop.advance(10 * DAY)
            await proved(shop)

    asyncio.run(story())


def test_terms_are_history_and_begin_now_or_later(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            now = await shop.now()
            for change, start in (
                ({"delay_days": 5}, now - DAY),
                ({"delay_days": 500}, None),
                ({"anchor": 31}, None),
            ):
                with pytest.raises(Problem):
                    await terms_from(shop, change, start)
            await terms_from(shop, {"period": "week", "anchor": 3}, None)
            later = await shop.now() + 40 * DAY
            await terms_from(shop, {"delay_days": 7}, later)
            with pytest.raises(Problem, match="same moment"):
                await terms_from(shop, {"delay_days": 8}, later)
            valid, history = await read_terms(shop.world, shop.merchant_id)
            assert (valid.period, valid.anchor, valid.delay_days) == ("week", 3, 2)
            assert [h.actor for h in history] == ["user:olga"] * 2
            await terms_from(shop, {"period": "day"}, None)
            assert (await read_terms(shop.world, shop.merchant_id))[0].anchor == 1

    asyncio.run(story())


async def terms_from(shop: Shop, change: dict[str, object], start: datetime | None) -> None:
    from recoup.settlement.flows.settlement_terms import set_terms

    await set_terms(shop.world, person(shop, "olga"), change, start)


def test_a_reserve_that_is_agreed_on_the_last_day_holds_nothing_of_what_was_sold_before(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await terms(
                shop, period="week", delay_days=0, reserve_basis_points=1_000, reserve_days=10
            )
            await shop.advance(7 * DAY)
            await sold(shop, 2)
            await terms(shop, reserve_basis_points=5_000, reserve_days=90)
            await sold(shop)
            await shop.advance(7 * DAY)
            (batch,) = await batches(shop)
            assert batch["held_units"] == 918 + 2295
            assert (batch["release_at"] - batch["period_to"]) == 10 * DAY
            await sold(shop)
            await shop.advance(14 * DAY)
            found = await batches(shop)
            assert (found[1]["held_units"], found[1]["release_at"] - found[1]["period_to"]) == (
                2295,
                90 * DAY,
            )
            assert sum(b["reserve_units"] for b in found) == -2295
            await proved(shop)
            assert (await verify(shop.world)).difference is None

    asyncio.run(story())


def test_adjustments_of_both_signs_are_lines_with_their_note(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await terms(shop, period="day", delay_days=0, limits={"USD": 5_000})
            await sold(shop)
            await shop.close_pages()
            olga = person(shop, "olga")
            assert await adjust(shop.world, olga, 500, "USD", "Goodwill") == "booked"
            assert (
                await adjust(shop.world, olga, -200, "USD", "A fee that was forgotten") == "booked"
            )
            assert await adjust(shop.world, olga, 5_001, "USD", "Too much for one") == "waiting"
            for units, asset, note in ((0, "USD", "x"), (5, "USD", ""), (5, "EUR", "x")):
                with pytest.raises(Problem):
                    await adjust(shop.world, olga, units, asset, note)
            await shop.advance(DAY)
            (batch,) = await batches(shop)
            assert (batch["adjustment_units"], batch["payout_units"]) == (300, 4890)
            assert await balance(shop, "adjustments") == 300
            await proved(shop)

    asyncio.run(story())


def test_what_one_person_adjusts_in_a_day_is_limited_as_one_adjustment_is(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await terms(shop, period="week", delay_days=0, limits={"USD": 5_000})
            await sold(shop)
            await shop.close_pages()
            olga, maya = person(shop, "olga"), person(shop, "maya")
            many = await asyncio.gather(
                *(adjust(shop.world, olga, 1_500, "USD", f"Part {n}") for n in range(6))
            )
            assert sorted(many) == ["booked"] * 3 + ["waiting"] * 3
            assert await adjust(shop.world, olga, -600, "USD", "Back again") == "waiting"
            assert await adjust(shop.world, olga, 500, "USD", "What is left") == "booked"
            assert await adjust(shop.world, maya, 5_000, "USD", "Another person's") == "booked"
            for row in await rows(
                shop, "SELECT * FROM adjustments WHERE merchant_id = $1 AND state = 'waiting'"
            ):
                await decide_adjustment(shop.world, maya, row["adjustment_id"], book=True)
            assert await adjust(shop.world, maya, 1, "USD", "Too much in a day") == "waiting"
            await shop.advance(DAY)
            assert await adjust(shop.world, olga, 5_000, "USD", "The next day") == "booked"
            await proved(shop)

    asyncio.run(story())


def test_a_killed_merchant_is_settled_and_paid_nothing(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await with_account(shop)
            await terms(shop, period="week", delay_days=0)
            await sold(shop)
            async with shop.world.db.connection() as connection:
                await connection.execute(
                    "UPDATE merchants SET killed = true WHERE merchant_id = $1", shop.merchant_id
                )
            await shop.advance(8 * DAY)
            assert [b["payout_units"] for b in await batches(shop)] == [4590]
            await proved(shop)

    asyncio.run(story())

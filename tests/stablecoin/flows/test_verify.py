"""`recoup verify` over stablecoin money: a world that was lived in proves clean; what is planted is
found and named."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.databases import drop
from tests.rings import drawn
from tests.stablecoin.flows.test_late import PAYER
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.cli.verify import as_dict, as_text
from recoup.insight.flows.verify import verify
from recoup.insight.flows.verify_progress import DIFFERENCES_MAX
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.flows.pay import simulate, simulate_by_operator
from recoup.stablecoin.flows.payouts import PayoutRequest, ask_payout


async def _live(server: ServerAddress) -> str:
    async with sandbox_world(server, keep=True) as made:
        shop = await make_shop(*made, fee_basis_points=100)
        paid = [await _paid(shop, f"PAID-{n}", "mock") for n in range(3)]
        await _paid(shop, "DIRECT", "mock_direct")
        await refund(shop.world, shop.orders, shop.scope, paid[0], RefundRequest("10.00"))
        await refund(shop.world, shop.orders, shop.scope, paid[1], RefundRequest(all=True))
        for destination in ("mock:good", "mock:fail"):
            asked = PayoutRequest("5.00", "USDT", "crypto", destination)
            await ask_payout(shop.world, shop.merchants, shop.scope, asked)
        await _charge(shop, "LATE", "mock")
        await shop.settle()
        await shop.advance(timedelta(hours=1))
        await simulate_by_operator(shop.world, shop.orders, "LATE", True)
        await shop.close_pages()
        await _paid(shop, "DIRECT-OPEN", "mock_direct")
        await _charge(shop, "OPEN", None)
        asked = PayoutRequest("1.00", "USDT", "crypto", "mock:open")
        await ask_payout(shop.world, shop.merchants, shop.scope, asked)
        return str(shop.world.database)


async def _charge(shop: Shop, external_id: str, channel: str | None) -> Any:
    asked = StablecoinChargeRequest(external_id, "49.90", "USDT", channel)
    return (await Charges(shop.world, shop.merchants).charge(shop.scope, asked)).order


async def _paid(shop: Shop, external_id: str, channel: str) -> Any:
    order = await _charge(shop, external_id, channel)
    await simulate(shop.world, shop.orders, shop.key(order.order_id), approve=True, actor=PAYER)
    return order.order_id


@pytest.fixture(scope="module")
def lived_in(server: ServerAddress) -> Iterator[str]:
    name = asyncio.run(_live(server))
    yield name
    asyncio.run(drop(server, name))


def _of(external_id: str) -> str:
    return f"(SELECT order_id FROM orders WHERE external_id = '{external_id}')"


_POSTED = "(SELECT posting_id FROM postings WHERE recipe = '{recipe}' LIMIT 1)"
CORRUPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "a settlement's amount": (
        f"UPDATE settlements SET units = units - 1 WHERE order_id = {_of('DIRECT')}",
        ("units of settlement",),
    ),
    "a settlement's fee": (
        f"UPDATE settlements SET fee_units = 1 WHERE order_id = {_of('DIRECT')}",
        ("net and fee of settlement",),
    ),
    "a settlement that was not sent": (
        f"UPDATE settlements SET state = 'confirmed', tx_hash = 'x' WHERE order_id = "
        f"{_of('DIRECT-OPEN')}",
        ("state of settlement", "under way"),
    ),
    "a settlement without work": (
        "DELETE FROM due_work WHERE kind = 'settle'",
        ("due work of settlement", "due", "none"),
    ),
    "a settlement that is gone": (
        f"DELETE FROM settlements WHERE order_id = {_of('DIRECT-OPEN')}",
        ("settlement of log line", "none"),
    ),
    "a payout that was not paid": (
        "UPDATE payouts SET state = 'paid' WHERE destination = 'mock:fail'",
        ("postings of payout",),
    ),
    "a payout of another amount": (
        "UPDATE payouts SET units = 1 WHERE destination = 'mock:good'",
        ("postings of other amounts of payout",),
    ),
    "a payout without work": (
        "DELETE FROM due_work WHERE kind = 'payout'",
        ("due work of payout",),
    ),
    "a payout that is gone": (
        "DELETE FROM payouts WHERE destination = 'mock:good'",
        ("payout of posting",),
    ),
    "a payout of money that never came in": (
        "UPDATE payouts SET asset = 'USDC' WHERE destination = 'mock:open'",
        ("payouts in USDC", "at most 0"),
    ),
    "a payment on another channel": (
        (
            "UPDATE mock_channel.payments SET channel = 'mock_direct' "
            f"WHERE order_id = {_of('PAID-2')}"
        ),
        ("channel of the payment", "mock", "mock_direct"),
    ),
    "a payment that is out and that nobody asks about": (
        "DELETE FROM charges WHERE attempt_id IN (SELECT attempt_id FROM attempts"
        f" WHERE order_id = {_of('LATE')});"
        "UPDATE attempts SET send_before = now(), reference = NULL, closed_at = NULL"
        f" WHERE order_id = {_of('LATE')}",
        ("due work last_word", "due", "none"),
    ),
    "a settlement that is stuck for no reason": (
        f"UPDATE settlements SET state = 'stuck' WHERE order_id = {_of('DIRECT-OPEN')}",
        ("state of settlement", "under way", "stuck"),
    ),
    "an order without expiry": (
        f"DELETE FROM due_work WHERE kind = 'expire' AND subject_id = {_of('OPEN')}",
        ("due work expire",),
    ),
    "a sweep that the channel knows of alone": (
        "UPDATE mock_channel.transfers SET units = units + 1 WHERE kind = 'sweep'",
        ("sweeps by the channel",),
    ),
    "a refund that the channel knows of alone": (
        "UPDATE mock_channel.transfers SET units = units + 1 WHERE kind = 'refund'",
        ("refunds by the channel",),
    ),
    "a payment that the channel does not know": (
        f"DELETE FROM mock_channel.payments WHERE order_id = {_of('PAID-2')}",
        ("channel's payment", "none"),
    ),
    "a payment that we did not take": (
        f"UPDATE attempts SET state = 'not_sent', route = 'mock', closed_at = NULL WHERE order_id "
        f"= {_of('PAID-2')}",
        ("state of attempt",),
    ),
    "money in another wallet": (
        "UPDATE entries SET place = '' WHERE account = 'merchant_payable' AND posting_id = "
        + _POSTED.format(recipe="approve"),
        ("approve",),
    ),
    "late money that is not booked": (
        "DELETE FROM entries WHERE posting_id = " + _POSTED.format(recipe="late_approval"),
        ("late_approval",),
    ),
    "an event of another dialect": (
        f"UPDATE outbox SET subject_kind = 'subscription' WHERE subject_id = {_of('PAID-2')}",
        ("event of log line",),
    ),
}


def test_a_lived_in_world_proves_clean(server: ServerAddress, lived_in: str) -> None:
    async def story() -> None:
        async with sandbox_world(server, template=lived_in) as (world, _, _):
            found = await verify(world)
            assert found.difference is None, found.difference
            assert found.checked["orders"] >= 7

    asyncio.run(story())


@drawn("corruptions", "name", CORRUPTIONS, 4)
def test_what_is_planted_is_found(server: ServerAddress, lived_in: str, name: str) -> None:
    sql, words = CORRUPTIONS[name]

    async def story() -> None:
        async with sandbox_world(server, template=lived_in) as (world, _, _):
            async with owner(world) as connection:
                await connection.execute("SET session_replication_role = replica")
                assert (await connection.execute(sql)).split()[-1] != "0", (
                    "the corruption changed nothing"
                )
            found = await verify(world)
            assert found.difference is not None, "not found"
            told = f"{found.difference.field} {found.difference.expected} {found.difference.found}"
            for word in words:
                assert word in told, told

    asyncio.run(story())


def test_one_difference_hides_no_other(server: ServerAddress, lived_in: str) -> None:
    """All that is wrong is told at once, however many proofs find something; beyond a number the
    rest is counted."""
    planted = {
        "UPDATE order_heads SET attempts = 7": "attempts of the head",
        "UPDATE settlements SET fee_units = 1 WHERE state = 'confirmed'": (
            "net and fee of settlement"
        ),
        "UPDATE payouts SET units = 1 WHERE destination = 'mock:good'": (
            "postings of other amounts of payout"
        ),
        "UPDATE entries SET units = units * 1000 WHERE posting_id = "
        + _POSTED.format(recipe="refund_owed"): "wallet in USDT",
        "INSERT INTO wallets VALUES (gen_random_uuid(), 'USDT', now())": (
            "merchant of rows in wallets"
        ),
    }

    async def story() -> None:
        async with sandbox_world(server, template=lived_in) as (world, _, _):
            async with owner(world) as connection:
                await connection.execute("SET session_replication_role = replica")
                for sql in planted:
                    assert (await connection.execute(sql)).split()[-1] != "0"
            found = await verify(world)
            told = " | ".join(one.field for one in found.differences)
            for words in planted.values():
                assert words in told, words
            assert found.difference == found.differences[0]
            text, plain = as_text(found), as_dict(found)
            assert (
                text.count("expected ")
                == len(found.differences)
                == len(plain["differences"])
                > len(planted)
            )
            assert (plain["ok"], plain["more"]) == (False, 0)

    asyncio.run(story())


def test_a_flood_of_differences_is_counted_and_not_kept(
    server: ServerAddress, lived_in: str
) -> None:
    async def story() -> None:
        async with sandbox_world(server, template=lived_in) as (world, _, _):
            async with owner(world) as connection:
                await connection.execute("SET session_replication_role = replica")
                await connection.execute(
                    "INSERT INTO wallets SELECT gen_random_uuid(), 'USDT', now() FROM "
                    "generate_series(1, 130)"
                )
            found = await verify(world)
            assert (len(found.differences), found.more) == (DIFFERENCES_MAX, 30)
            assert as_text(found).endswith("and 30 more")

    asyncio.run(story())

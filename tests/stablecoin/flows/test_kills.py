"""A process dies between every two steps of a stablecoin story; the channel's own book says what
really happened."""

import asyncio
from typing import Any

import pytest
from tests.rescue.flows.test_kill_between_statements import (
    POLICY,
    Case,
    Prepare,
    Story,
    kill_everywhere,
    until_nothing_is_due,
)
from tests.rings import deep
from tests.stablecoin.flows.deciding import give_back
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.refunds.flows.refund import RefundAnswer, RefundRequest, refund
from recoup.refunds.flows.send import send_modification
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.flows.expire import cancel
from recoup.stablecoin.flows.pay import simulate
from recoup.stablecoin.flows.settle import settle, settle_again

pytestmark = deep("kills")

PAYER = Actor("payer", "checkout")


def charged(channel: str = "mock") -> Prepare:
    async def prepare(shop: Shop) -> Case:
        given = StablecoinChargeRequest(f"order-{new_id().hex}", "49.90", "USDT", channel)
        made = await Charges(shop.world, shop.merchants).charge(shop.scope, given)
        return Case(made.order.order_id, given)

    return prepare


async def new(shop: Shop) -> Case:
    return Case(given=StablecoinChargeRequest(f"order-{new_id().hex}", "49.90", "USDT", "mock"))


def paid(channel: str = "mock", kind: str = "") -> Prepare:
    """`kind`: the table and id column of what is to be sent next."""

    async def prepare(shop: Shop) -> Case:
        case = await charged(channel)(shop)
        await do_pay(shop, case)
        if kind == "modification":
            await do_refund(shop, case)
        if kind:
            sql = f"SELECT {kind}_id FROM {kind}s WHERE order_id = $1"  # noqa: S608
            case.more["id"] = await shop.value(sql, case.order_id)
        return case

    return prepare


async def do_charge(shop: Shop, case: Case) -> Any:
    made = await Charges(shop.world, shop.merchants).charge(shop.scope, case.given)
    return made.order.order_id


async def do_pay(shop: Shop, case: Case) -> Any:
    assert case.order_id
    try:
        return await simulate(
            shop.world, shop.orders, shop.key(case.order_id), approve=True, actor=PAYER
        )
    except Problem as problem:
        return problem.code


async def do_refund(shop: Shop, case: Case) -> Any:
    assert case.order_id
    asked = RefundRequest(amount="12.34", key=f"refund {case.order_id}", door="stablecoin")
    return await refund(shop.world, shop.orders, shop.scope, case.order_id, asked)


async def do_send_refund(shop: Shop, case: Case) -> Any:
    await send_modification(shop.world, shop.orders, shop.merchant_id, case.more["id"])


async def do_settle(shop: Shop, case: Case) -> Any:
    await settle(shop.world, shop.orders, shop.merchant_id, case.more["id"])


def paid_late(then: str = "") -> Prepare:
    """The payer's money comes after the merchant cancelled; `then`: give it back, so that it is to
    be sent next."""

    async def prepare(shop: Shop) -> Case:
        case = await charged()(shop)
        assert case.order_id
        key = shop.key(case.order_id)
        await cancel(shop.world, shop.orders, shop.scope, case.order_id)
        await simulate(shop.world, shop.orders, key, approve=True, actor=PAYER, late=True)
        if then:
            await give_back(shop.world, shop.orders, shop.scope, case.order_id)
            case.more["id"] = await shop.value(
                "SELECT modification_id FROM modifications WHERE order_id = $1", case.order_id
            )
        case.more["owed"] = bool(then)
        return case

    return prepare


async def stuck(shop: Shop) -> Case:
    """The channel refused the sweep for good."""
    case = await paid("mock_direct", kind="settlement")(shop)
    other = "UPDATE mock_channel.payments SET currency = $2 WHERE order_id = $1"
    async with owner(shop.world) as connection:
        await connection.execute(other, case.order_id, "USDC")
        await do_settle(shop, case)
        await connection.execute(other, case.order_id, "USDT")
    case.more["stuck"] = True
    return case


async def do_give_back(shop: Shop, case: Case) -> Any:
    assert case.order_id
    await give_back(shop.world, shop.orders, shop.scope, case.order_id)
    case.more["owed"] = True


async def do_settle_again(shop: Shop, case: Case) -> Any:
    assert case.order_id
    await settle_again(shop.orders, shop.scope, case.order_id)
    case.more["stuck"] = False


STORIES = (
    Story("charge", new, do_charge, again=True),
    Story("pay", charged(), do_pay, again=True),
    Story("pay, direct", charged("mock_direct"), do_pay, again=True),
    Story("refund", paid(), do_refund, again=True),
    Story("send refund", paid(kind="modification"), do_send_refund),
    Story("settle", paid("mock_direct", kind="settlement"), do_settle),
    Story("give back", paid_late(), do_give_back, again=True),
    Story("send what is given back", paid_late("give back"), do_send_refund),
    Story("settle again", stuck, do_settle_again, again=True),
)


async def judge(shop: Shop, cases: list[Case]) -> None:
    async with owner(shop.world) as connection:
        taken = dict(
            await connection.fetch(
                "SELECT order_id, count(*) FROM mock_channel.payments WHERE decision = 'approved' "
                "GROUP BY order_id"
            )
        )
        moved = {
            (r["order_id"], r["kind"]): (r["n"], r["units"])
            for r in await connection.fetch(
                "SELECT p.order_id, t.kind, count(*) AS n, sum(t.units)::bigint AS units FROM "
                "mock_channel.transfers t"
                " JOIN mock_channel.payments p ON p.id = t.payment_id WHERE t.decision = "
                "'approved' GROUP BY 1, 2"
            )
        }
    for case in cases:
        ids = {told for told in case.told if hasattr(told, "hex")} | (
            {case.order_id} if case.order_id else set()
        )
        assert len(ids) == 1, "one charge, two orders"
        row = await shop.order(ids.pop())
        order_id = row["order_id"]
        if (owed := case.more.get("owed")) is not None:
            once = (1, 49_900_000) if owed else (0, 0)
            assert (taken[order_id], moved.get((order_id, "refund"), (0, 0))) == (1, once), (
                "late money goes back once"
            )
            continue
        assert taken.get(order_id, 0) == (row["stage"] == "completed"), row["stage"]
        assert "approved" not in case.told or row["stage"] == "completed"
        assert moved.get((order_id, "refund"), (0, 0))[1] == row["refunded_units"]
        for told in case.told:
            assert (
                not isinstance(told, RefundAnswer)
                or row["refunded_units"] == told.units == 12_340_000
            )
        swept = moved.get((order_id, "sweep"), (0, 0))
        direct = case.given.channel == "mock_direct" and not case.more.get("stuck")
        assert swept[0] == (direct and row["stage"] == "completed"), "direct money leaves once"


@pytest.mark.timeout(1200)
def test_a_kill_between_any_two_steps(server: ServerAddress) -> None:
    async def tell() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            told: list[tuple[Shop, list[Case]]] = []
            for story in STORIES:
                shop = await make_shop(*made, fee_basis_points=100)
                cases, steps = await kill_everywhere(shop, story)
                assert steps >= 2
                print(f"{story.name}: {steps} steps, {2 * steps} kills")
                told.append((shop, cases))
            await until_nothing_is_due(told[0][0])
            for shop, cases in told:
                await judge(shop, cases)
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(tell())

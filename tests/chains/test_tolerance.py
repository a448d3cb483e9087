"""A little less than the amount pays an order, where its merchant says so: each by real
transactions, and the book."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.chains.node import Anvil, Settings
from tests.chains.test_money import (
    CUSTODY,
    DUE,
    FEE,
    NET,
    address,
    book,
    paid,
    past,
    settlements,
    swept,
)
from tests.chains.test_story import MERCHANT, TREASURY, Ground, ground
from tests.stablecoin.flows.test_late import proved, told
from tests.worlds import owner

from recoup.chains import sends_store, store
from recoup.chains.health import differences
from recoup.chains.moves import TAKEN_BACK
from recoup.chains.paying import seen_of
from recoup.chains.settlement_addresses import set_tolerance
from recoup.chains.transfers import give_address
from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.orders.rules.lifecycle import Stage
from recoup.refunds.flows.refund import RefundAnswer, RefundRequest, refund
from recoup.stablecoin.moves.late_payment import UNAPPLIED
from recoup.stablecoin.rules.addresses import shown
from recoup.stablecoin.store.stable_orders import StableOrder
from recoup.terms.rules.fees import Tariff

SHORT = 100_000
BY = [SHORT, FEE + 1]  # less than the treasury's part, and more


def run(
    server: ServerAddress,
    anvil: Anvil,
    story: Callable[[Ground], Awaitable[None]],
    *,
    custodial: bool = False,
    **more: Any,
) -> None:
    """`story` of a merchant that takes 1 % less, and afterwards all that `recoup verify --chain`
    proves."""

    async def whole() -> None:
        own = {"settlement": "custodial", "custody": shown(CUSTODY, "evm")} if custodial else {}
        async with ground(server, anvil, **own | more) as made:
            await set_tolerance(made.shop.world, made.shop.scope, "1")
            await story(made)
            await made.shop.close_pages()
            await proved(made.shop)
            assert await differences(made.shop.world) == []

    asyncio.run(whole())


async def exceptions(ground: Ground, order: StableOrder) -> tuple[int, list[str]]:
    """What came by the API, and what is wrong with it."""
    seen = await seen_of(ground.shop.world, await ground.now(order))
    assert seen is not None
    return seen.received_units, [*seen.exceptions()]


@pytest.mark.parametrize("short", BY)
@pytest.mark.parametrize("custodial", [False, True])
def test_a_little_less_pays_and_the_merchant_bears_it(
    server: ServerAddress, anvil: Anvil, short: int, custodial: bool
) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await paid(ground, order, 20_000_000)
        seen = await seen_of(ground.shop.world, await ground.now(order))
        assert seen is not None
        assert seen.rest_units == DUE - 20_000_000, "the payer is asked for all of it"
        await paid(ground, order, DUE - 20_000_000 - short)
        assert (await ground.now(order)).stage is Stage.COMPLETED
        assert await told(ground.shop, order.order_id) is None
        assert await exceptions(ground, order) == (DUE - short, ["underpaid"])
        for _ in range(2):
            await ground.poll()
        await swept(ground)
        wallet = CUSTODY if custodial else MERCHANT
        held = [await ground.anvil.held(ground.token, one) for one in (wallet, TREASURY)]
        assert held == [min(NET, DUE - short), max(FEE - short, 0)]
        if custodial:
            assert await book(ground) == {
                "clearing": DUE - short,
                "fees": -FEE,
                "merchant_payable": short - NET,
            }
        else:
            assert await settlements(ground, order) == [("confirmed", held[0], held[1])]
            owed = {"merchant_payable": min(short, FEE), "fees": -FEE}
            assert await book(ground) == owed | ({"clearing": held[1]} if held[1] else {})

    run(server, anvil, story, custodial=custodial)


@pytest.mark.parametrize("short", BY)
@pytest.mark.parametrize("sweeps", [False, True])
@pytest.mark.parametrize("custodial", [False, True])
def test_the_rest_that_comes_after_all_is_no_excess(
    server: ServerAddress, anvil: Anvil, short: int, sweeps: bool, custodial: bool
) -> None:
    """Whether the order is swept between or not."""

    async def story(ground: Ground) -> None:
        order, more = await ground.charge(), 2_000_000
        await paid(ground, order, DUE - short)
        if sweeps:
            await swept(ground)
        for part in (short - 1, 1):
            await paid(ground, order, part)
        assert await exceptions(ground, order) == (DUE, [])
        assert await told(ground.shop, order.order_id) is None
        await swept(ground)
        assert await ground.anvil.held(ground.token, TREASURY) == FEE
        custody = {"merchant_payable": -NET} if custodial else {}
        assert await book(ground) == {"clearing": DUE if custodial else FEE, "fees": -FEE} | custody
        if not custodial:
            rows = await settlements(ground, order)
            assert ({state for state, _, _ in rows}, sum(row[1] for row in rows)) == (
                {"confirmed"},
                NET,
            )
            assert sum(row[2] for row in rows) == FEE
        await paid(ground, order, more)
        assert (await exceptions(ground, order))[1] == ["overpaid"]
        if custodial:
            assert await told(ground.shop, order.order_id) == UNAPPLIED
        await swept(ground)
        assert (
            await ground.anvil.held(ground.token, CUSTODY if custodial else MERCHANT) == NET + more
        )

    run(server, anvil, story, custodial=custodial)


@pytest.mark.parametrize("custodial", [False, True])
def test_a_little_less_within_the_hour_after_the_end_pays_too(
    server: ServerAddress, anvil: Anvil, custodial: bool
) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await paid(ground, order, 20_000_000)
        await past(ground, order, 31)
        assert await told(ground.shop, order.order_id) == UNAPPLIED
        await paid(ground, order, DUE - 20_000_000 - SHORT)
        assert (await ground.now(order)).stage is Stage.COMPLETED
        assert await told(ground.shop, order.order_id) is None
        await swept(ground)
        if custodial:
            assert await book(ground) == {
                "clearing": DUE - SHORT,
                "fees": -FEE,
                "merchant_payable": SHORT - NET,
            }
        else:
            assert await book(ground) == {
                "merchant_payable": SHORT,
                "fees": -FEE,
                "clearing": FEE - SHORT,
            }
        await paid(ground, order, SHORT)
        assert (await exceptions(ground, order))[0] == DUE
        await swept(ground)
        custody = {"merchant_payable": -NET} if custodial else {}
        assert await book(ground) == {"clearing": DUE if custodial else FEE, "fees": -FEE} | custody

    run(server, anvil, story, custodial=custodial)


def test_the_rest_that_comes_after_a_refund_may_go_back_too(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground) -> None:
        shop, orders = ground.shop, [await ground.charge(order=name) for name in ("one", "two")]
        await paid(ground, orders[1], DUE)
        await paid(ground, orders[0], DUE - SHORT)

        async def back(message: str) -> RefundAnswer:
            request = RefundRequest(
                all=True, message=message, to_address=shown(b"\x99" * 20, "evm")
            )
            return await refund(shop.world, shop.orders, shop.scope, orders[0].order_id, request)

        for units in (DUE - SHORT, SHORT):
            made = await back(f"{units}")
            assert (made.units, made.remaining_units) == (units, 0)
            with pytest.raises(Problem, match="refunded already"):
                await back(f"more than {units}")
            await paid(ground, orders[0], SHORT)
        assert await told(shop, orders[0].order_id) == UNAPPLIED, (
            "the second is more than the order's amount"
        )

    run(server, anvil, story, custodial=True)


def test_less_than_that_and_orders_of_before_are_not_paid(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground) -> None:
        world, scope = ground.shop.world, ground.shop.scope
        await set_tolerance(world, scope, "0")
        before = await ground.charge(order="before")
        await set_tolerance(world, scope, "1%")
        less, enough, moved = [
            await ground.charge(order=name) for name in ("less", "enough", "moved")
        ]
        await set_tolerance(world, scope, "0")
        for order, units in (
            (before, DUE - 1),
            (less, DUE - 499_001),
            (enough, DUE - 499_000),
            (moved, DUE - 1),
        ):
            await paid(ground, order, units)
        stages = [(await ground.now(one)).stage for one in (before, less, enough, moved)]
        assert stages == [Stage.PROCESSING, Stage.PROCESSING, Stage.COMPLETED, Stage.COMPLETED]
        await past(ground, less, 31)
        assert await told(ground.shop, less.order_id) == UNAPPLIED
        for wrong in ("5.01", "-1", "1.234", "", "much", "10"):
            with pytest.raises(Problem, match="0 to 5 percent"):
                await set_tolerance(world, scope, wrong)

    run(server, anvil, story)


def test_an_order_that_is_all_fee_takes_nothing_less(server: ServerAddress, anvil: Anvil) -> None:
    """The merchant bears what is missing, and of this order it gets nothing."""

    async def story(ground: Ground) -> None:
        await ground.shop.fees(Tariff(10_000))
        order = await ground.charge()
        await paid(ground, order, DUE - 1)
        assert (await ground.now(order)).stage is Stage.PROCESSING
        await paid(ground, order, 1)
        assert (await ground.now(order)).stage is Stage.COMPLETED

    run(server, anvil, story)


def test_a_refund_gives_back_no_more_than_came(server: ServerAddress, anvil: Anvil) -> None:
    async def story(ground: Ground) -> None:
        shop, orders = ground.shop, [await ground.charge(order=name) for name in ("one", "two")]
        await paid(ground, orders[1], DUE)
        await paid(ground, orders[0], DUE - SHORT)
        to = shown(b"\x99" * 20, "evm")
        with pytest.raises(Problem):
            await refund(
                shop.world,
                shop.orders,
                shop.scope,
                orders[0].order_id,
                RefundRequest(amount="49.90", to_address=to),
            )
        made = await refund(
            shop.world,
            shop.orders,
            shop.scope,
            orders[0].order_id,
            RefundRequest(all=True, to_address=to),
        )
        assert (made.units, made.remaining_units) == (DUE - SHORT, 0)

    run(server, anvil, story, custodial=True)


def test_who_paid_a_little_less_may_name_where_the_refund_goes(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground) -> None:
        shop, (order, other) = (
            ground.shop,
            [await ground.charge(order=name) for name in ("one", "two")],
        )
        await paid(ground, other, DUE)
        await paid(ground, order, DUE - SHORT)
        (log,) = await store.logs_at(shop.world.db, [address(order)])
        await give_address(shop.world, await ground.now(order), shown(log.sender or b"", "evm"))
        made = await refund(
            shop.world, shop.orders, shop.scope, order.order_id, RefundRequest(all=True)
        )
        assert made.units == DUE - SHORT
        await shop.run_due()
        assert (await sends_store.wanted(shop.world.db, log.chain, CUSTODY, False, None, 9))[
            0
        ].receiver == log.sender

    run(server, anvil, story, custodial=True)


@pytest.mark.parametrize("anvil", [Settings(slots=20)], indirect=True)
@pytest.mark.parametrize("again", [DUE - SHORT, DUE])
def test_what_the_chain_takes_back_is_a_case_until_as_much_is_there_again(
    server: ServerAddress, anvil: Anvil, again: int
) -> None:
    async def story(ground: Ground) -> None:
        await anvil.mine(60)
        order = await ground.charge()
        await ground.poll()
        await anvil.transfer(ground.token, address(order), 20_000_000)
        await anvil.mine(3)
        await anvil.transfer(ground.token, address(order), DUE - 20_000_000 - SHORT)
        await anvil.mine(12)
        await ground.poll()
        assert (await ground.now(order)).stage is Stage.COMPLETED
        await anvil.reorg(14)
        await anvil.mine(25)
        for _ in range(3):
            await ground.poll()
        assert await told(ground.shop, order.order_id) == TAKEN_BACK
        await paid(ground, order, again - 20_000_000)
        assert await told(ground.shop, order.order_id) is None
        await swept(ground)
        short = DUE - again
        assert await ground.anvil.held(ground.token, TREASURY) == FEE - short
        owed = {"merchant_payable": short} if short else {}
        assert await book(ground) == {"clearing": FEE - short, "fees": -FEE} | owed

    run(server, anvil, story)


@pytest.mark.parametrize("rest", [0, 100_000 * 10**12])
def test_by_eighteen_decimals(server: ServerAddress, anvil: Anvil, rest: int) -> None:
    async def whole() -> None:
        token = await anvil.deploy_token(decimals=18)
        async with ground(server, anvil, token=shown(token, "evm"), decimals=18) as made:
            made.token = token
            await set_tolerance(made.shop.world, made.shop.scope, "1")
            order = await made.charge()
            await paid(made, order, (DUE - SHORT) * 10**12 + 7)
            assert (await made.now(order)).stage is Stage.COMPLETED
            if rest:
                await paid(made, order, rest - 7)
            await swept(made)
            short = 0 if rest else SHORT
            owed = {"merchant_payable": short} if short else {}
            assert await book(made) == {"clearing": FEE - short, "fees": -FEE} | owed
            await made.shop.close_pages()
            await proved(made.shop)
            assert await differences(made.shop.world) == []

    asyncio.run(whole())


_OF = "posting_id IN (SELECT posting_id FROM postings WHERE recipe = 'accepted_shortfall')"
# name -> how it is planted, and mended
PLANTED = {
    "the attempt's amount": (
        "UPDATE attempts SET units = units + 1 WHERE state = 'approved'",
        "UPDATE attempts SET units = units - 1 WHERE state = 'approved'",
    ),
    "what the log says": (
        "UPDATE order_log SET body = body || '{\"short\": 99999}' WHERE happening = 'collected'",
        "UPDATE order_log SET body = body || '{\"short\": 100000}' WHERE happening = 'collected'",
    ),
    "no posting": (
        "UPDATE postings SET recipe = 'adjusted' WHERE recipe = 'accepted_shortfall'",
        "UPDATE postings SET recipe = 'accepted_shortfall' WHERE recipe = 'adjusted'",
    ),
    "another amount": (
        f"UPDATE entries SET units = units * 7 WHERE {_OF}",
        f"UPDATE entries SET units = units / 7 WHERE {_OF}",
    ),
    "the settlement's fee": (
        "UPDATE settlements SET fee_units = fee_units + 100000",
        "UPDATE settlements SET fee_units = fee_units - 100000",
    ),
}


def test_what_is_planted_in_a_shortfall_is_found(server: ServerAddress, anvil: Anvil) -> None:
    """Each by the database's owner, and put right again."""

    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await paid(ground, order, DUE - SHORT)
        await swept(ground)
        await ground.shop.close_pages()
        missed = []
        async with owner(ground.shop.world) as connection:
            await connection.execute("SET session_replication_role = replica")
            for name, (plant, mend) in PLANTED.items():
                await connection.execute(plant)
                if (await verify(ground.shop.world)).difference is None:
                    missed.append(name)
                await connection.execute(mend)
                await proved(ground.shop)
        assert not missed

    run(server, anvil, story)

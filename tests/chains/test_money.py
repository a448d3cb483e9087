"""Money that comes short, late, twice, wrong or over: each by a real transaction, and the book at
the end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from tests.chains.node import Anvil, Settings, started
from tests.chains.test_story import MERCHANT, TREASURY, Ground, ground
from tests.stablecoin.flows.deciding import keep, settle_by_hand
from tests.stablecoin.flows.test_late import proved, told

from recoup.chains import intake, store
from recoup.chains.credit import credit
from recoup.chains.health import differences
from recoup.chains.moves import TAKEN_BACK, UNEXPECTED
from recoup.chains.rpc import opened
from recoup.chains.send import Sender
from recoup.chains.transfers import tell
from recoup.chains.watch import Watcher, networks_of
from recoup.db.server import ServerAddress
from recoup.db.table import hex_of
from recoup.kernel.problem import Problem
from recoup.orders.rules.lifecycle import Stage
from recoup.stablecoin.flows.settle import settle_again
from recoup.stablecoin.moves.late_payment import UNAPPLIED
from recoup.stablecoin.rules.addresses import shown
from recoup.stablecoin.store.stable_orders import StableOrder, settlements_of

CUSTODY = bytes.fromhex("33" * 20)
DUE, NET, FEE = 49_900_000, 49_650_500, 249_500
BALANCES = (
    "SELECT account, sum(units)::bigint AS units FROM entries GROUP BY account HAVING "
    "sum(units) <> 0"
)


async def book(ground: Ground) -> dict[str, int]:
    """The accounts that are not at zero."""
    async with ground.shop.world.db.connection() as connection:
        return {row["account"]: row["units"] for row in await connection.fetch(BALANCES)}


def address(order: StableOrder) -> bytes:
    return bytes.fromhex(order.facts["chain"]["raw"])


async def paid(ground: Ground, order: StableOrder, *units: int, token: bytes | None = None) -> None:
    """Transfers, each in a block of its own, ten deep."""
    for one in units:
        await ground.anvil.transfer(token or ground.token, address(order), one)
    await ground.anvil.mine(9)
    await ground.poll()


async def past(ground: Ground, order: StableOrder, minutes: int) -> None:
    """The merchant's clock goes on, while blocks come and are read."""
    async with ground.going_on():
        await ground.shop.advance(timedelta(minutes=minutes))


async def swept(ground: Ground) -> None:
    """The sender works off what is wanted, and the watcher sees it at depth."""
    sender = await ground.sender()
    for _ in range(4):
        await ground.shop.settle()
        await sender.work()
        await ground.anvil.mine(10)
        await ground.poll()


async def settlements(ground: Ground, order: StableOrder) -> list[tuple[str, int, int]]:
    rows = await settlements_of(ground.shop.world.db, order.merchant_id, order.order_id)
    return sorted((row.state, row.units, row.fee_units) for row in rows)


def run(
    server: ServerAddress,
    anvil: Anvil,
    story: Callable[[Ground], Awaitable[None]],
    *,
    custodial: bool = False,
) -> None:
    """`story`, and afterwards everything that `recoup verify` proves."""

    async def whole() -> None:
        own = {"settlement": "custodial", "custody": shown(CUSTODY, "evm")} if custodial else {}
        async with ground(server, anvil, **own) as made:
            await story(made)
            await made.shop.close_pages()
            await proved(made.shop)

    asyncio.run(whole())


def test_too_little_waits_for_the_rest(server: ServerAddress, anvil: Anvil) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await paid(ground, order, 20_000_000)
        assert (await ground.now(order)).stage is Stage.PROCESSING
        await paid(ground, order, 29_900_000)
        assert (await ground.now(order)).stage is Stage.COMPLETED
        await swept(ground)
        assert await settlements(ground, order) == [("confirmed", NET, FEE)]
        assert await book(ground) == {"clearing": FEE, "fees": -FEE}

    run(server, anvil, story)


@pytest.mark.parametrize("custodial", [False, True])
def test_too_little_at_the_end_is_a_case_that_a_person_closes(
    server: ServerAddress, anvil: Anvil, custodial: bool
) -> None:
    async def story(ground: Ground) -> None:
        order, shop = await ground.charge(), ground.shop
        await paid(ground, order, 20_000_000)
        await past(ground, order, 31)
        assert (await ground.now(order)).stage is Stage.EXPIRED
        assert await told(shop, order.order_id) == UNAPPLIED
        assert await book(ground) == {"clearing": 20_000_000, "reversal_due": -20_000_000}
        await ground.poll()
        if custodial:
            with pytest.raises(Problem, match="with its channel"):
                await settle_by_hand(shop.orders, shop.scope, order.order_id, "Sent back")
            for _ in range(2):
                await keep(shop.orders, shop.scope, order.order_id, "Delivered a part of it")
            assert await book(ground) == {"clearing": 20_000_000, "merchant_payable": -20_000_000}
        else:
            with pytest.raises(Problem, match="your own wallet"):
                await keep(shop.orders, shop.scope, order.order_id, "Delivered")
            for _ in range(2):
                await settle_by_hand(
                    shop.orders, shop.scope, order.order_id, "Sent back from my wallet"
                )
            assert await book(ground) == {}
        assert await told(shop, order.order_id) is None
        await swept(ground)
        assert (
            await ground.anvil.held(ground.token, CUSTODY if custodial else MERCHANT) == 20_000_000
        )
        assert (await shop.happenings(order.order_id)).count("paid_late") == 1

    run(server, anvil, story, custodial=custodial)


def test_the_rest_within_the_hour_pays_the_expired_order_once_and_for_all(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await paid(ground, order, 20_000_000)
        await past(ground, order, 50)
        assert await told(ground.shop, order.order_id) == UNAPPLIED
        await paid(ground, order, 29_900_000)
        assert (await ground.now(order)).stage is Stage.COMPLETED
        assert await told(ground.shop, order.order_id) is None
        await swept(ground)
        assert sum(units for _, units, _ in await settlements(ground, order)) == NET
        assert await book(ground) == {"clearing": FEE, "fees": -FEE}

    run(server, anvil, story)


def test_the_rest_does_not_pay_what_somebody_has_decided_about(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground) -> None:
        order, shop = await ground.charge(), ground.shop
        await paid(ground, order, 20_000_000)
        await past(ground, order, 40)
        await settle_by_hand(shop.orders, shop.scope, order.order_id, "Sent back")
        await paid(ground, order, 29_900_000)
        assert (await ground.now(order)).stage is Stage.EXPIRED
        assert await told(shop, order.order_id) == UNAPPLIED
        assert await book(ground) == {"clearing": 29_900_000, "reversal_due": -29_900_000}

    run(server, anvil, story)


def test_too_much_goes_to_the_merchant_with_the_rest(server: ServerAddress, anvil: Anvil) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await paid(ground, order, DUE + 5_000_000)
        assert (await ground.now(order)).stage is Stage.COMPLETED
        assert await told(ground.shop, order.order_id) is None
        await swept(ground)
        assert await settlements(ground, order) == [("confirmed", NET + 5_000_000, FEE)]
        held = [await ground.anvil.held(ground.token, one) for one in (MERCHANT, TREASURY)]
        assert held == [NET + 5_000_000, FEE]
        assert await book(ground) == {"clearing": FEE, "fees": -FEE}

    run(server, anvil, story)


def test_too_much_on_a_custodial_channel_is_owed_back_until_a_person_keeps_it(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground) -> None:
        order, shop = await ground.charge(), ground.shop
        await paid(ground, order, DUE + 5_000_000)
        assert (await ground.now(order)).stage is Stage.COMPLETED
        assert await told(shop, order.order_id) == UNAPPLIED
        owed = {
            "clearing": DUE + 5_000_000,
            "reversal_due": -5_000_000,
            "merchant_payable": -NET,
            "fees": -FEE,
        }
        assert await book(ground) == owed
        await paid(ground, order, 1_000_000)
        await keep(shop.orders, shop.scope, order.order_id, "A tip")
        kept = {"clearing": DUE + 6_000_000, "merchant_payable": -NET - 6_000_000, "fees": -FEE}
        assert await book(ground) == kept
        await swept(ground)
        assert await ground.anvil.held(ground.token, CUSTODY) == NET + 6_000_000

    run(server, anvil, story, custodial=True)


def test_money_after_the_payment_is_a_case_and_settles_too(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await paid(ground, order, DUE)
        await swept(ground)
        await paid(ground, order, DUE)
        assert await told(ground.shop, order.order_id) == UNEXPECTED
        assert (await ground.shop.value("SELECT count(*) FROM orders")) == 1
        await swept(ground)
        assert await settlements(ground, order) == [("confirmed", NET, FEE), ("confirmed", DUE, 0)]
        assert await book(ground) == {"clearing": FEE, "fees": -FEE}

    run(server, anvil, story)


@pytest.mark.parametrize(
    ("late", "stage", "why"), [(40, Stage.COMPLETED, None), (70, Stage.EXPIRED, UNAPPLIED)]
)
def test_late_money_pays_within_the_hour_and_is_a_case_behind_it(
    server: ServerAddress, anvil: Anvil, late: int, stage: Stage, why: str | None
) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await ground.poll()
        await past(ground, order, 30 + late)
        await paid(ground, order, DUE)
        assert (await ground.now(order)).stage is stage
        assert await told(ground.shop, order.order_id) == why

    run(server, anvil, story)


def test_several_transfers_of_one_transaction_each_count_once(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground) -> None:
        one, two = await ground.charge(order="one"), await ground.charge(order="two")
        parts = [(address(one), 20_000_000), (address(two), DUE), (address(one), 29_900_000)]
        await anvil.transfer_many(ground.token, parts)
        await anvil.mine(9)
        for _ in range(2):
            await ground.poll()
        assert [(await ground.now(each)).stage for each in (one, two)] == [Stage.COMPLETED] * 2
        assert (await book(ground))["clearing"] == 2 * DUE

    run(server, anvil, story)


def test_whoever_sweeps_each_sweep_is_a_settlement(server: ServerAddress, anvil: Anvil) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await paid(ground, order, 20_000_000)
        await ground.sweep(order)
        await paid(ground, order, 29_900_000)
        await ground.sweep(order)
        await anvil.mine(9)
        await ground.poll()
        assert await settlements(ground, order) == [
            ("confirmed", 20_000_000, 0),
            ("confirmed", NET - 20_000_000, FEE),
        ]
        assert await book(ground) == {"clearing": FEE, "fees": -FEE}

    run(server, anvil, story)


@pytest.mark.parametrize("again", [False, True])
def test_more_money_while_the_settlement_is_stuck_settles_with_it(
    server: ServerAddress,
    anvil: Anvil,
    again: bool,  # noqa: FBT001
) -> None:
    """`again`: a person tries the settlement again; else somebody else sweeps."""

    async def story(ground: Ground) -> None:
        order, shop = await ground.charge(), ground.shop
        await paid(ground, order, DUE)
        await anvil.freeze(ground.token, MERCHANT)
        await swept(ground)
        await tell(shop.world, shop.orders, ground.channel.chain_id)
        assert await settlements(ground, order) == [("stuck", NET, FEE)]
        await anvil.freeze(ground.token, MERCHANT, False)
        await paid(ground, order, 5_000_000)
        assert await settlements(ground, order) == [("stuck", NET + 5_000_000, FEE)]
        if again:
            await settle_again(shop.orders, shop.scope, order.order_id)
            await swept(ground)
        else:
            await ground.sweep(order)
            await anvil.mine(9)
            await ground.poll()
        settled = ("confirmed", NET + 5_000_000, FEE)
        failed = [("failed", NET + 5_000_000, FEE)] if again else []
        assert await settlements(ground, order) == [settled, *failed]
        assert await ground.anvil.held(ground.token, MERCHANT) == NET + 5_000_000
        assert await book(ground) == {"clearing": FEE, "fees": -FEE}

    run(server, anvil, story)


def test_another_token_of_ours_is_a_case_and_pays_nothing(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await paid(ground, order, DUE, token=ground.other)
        for _ in range(2):
            await ground.poll()
        assert (await ground.now(order)).stage is Stage.RECEIVED
        assert await told(ground.shop, order.order_id) == UNEXPECTED
        assert (await ground.shop.happenings(order.order_id)).count("wrong_token") == 1
        assert await book(ground) == {}
        await paid(ground, order, DUE)
        assert (await ground.now(order)).stage is Stage.COMPLETED

    run(server, anvil, story)


def test_false_tokens_nothing_dust_and_coins_are_ignored(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground) -> None:
        order = await ground.charge()
        await paid(ground, order, DUE, token=await anvil.deploy_token())
        await paid(ground, order, 0)
        await anvil.send(address(order), value=10**18)
        await ground.poll()
        assert await ground.shop.value("SELECT count(*) FROM chain.logs") == 0
        await paid(ground, order, 9_999)
        await paid(ground, order, 9_999, token=ground.other)
        assert await ground.shop.happenings(order.order_id) == ["received"]
        await past(ground, order, 31)
        assert await told(ground.shop, order.order_id) is None

    run(server, anvil, story)


@pytest.mark.parametrize("anvil", [Settings(slots=20)], indirect=True)
def test_a_payment_that_a_deep_reorganisation_takes_back_is_a_case_until_it_is_there_again(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(ground: Ground) -> None:
        await anvil.mine(60)
        order = await ground.charge()
        await ground.poll()
        await anvil.transfer(ground.token, address(order), DUE)
        await anvil.mine(12)
        await ground.poll()
        assert (await ground.now(order)).stage is Stage.COMPLETED
        await anvil.reorg(20)
        await anvil.mine(25)
        for _ in range(3):
            await ground.poll()
        assert (await ground.now(order)).stage is Stage.COMPLETED
        assert await told(ground.shop, order.order_id) == TAKEN_BACK
        await paid(ground, order, DUE)
        assert await told(ground.shop, order.order_id) is None
        assert (await book(ground))["clearing"] == DUE

    run(server, anvil, story)


def test_a_sweep_that_a_reorganisation_took_back_is_wanted_again_once(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story() -> None:
        async with ground(
            server, anvil, settlement="custodial", custody=shown(CUSTODY, "evm")
        ) as made:
            order, db = await made.charge(), made.shop.world.db
            await paid(made, order, DUE)
            await swept(made)
            states = (
                "SELECT string_agg(state, ' ' ORDER BY wanted_at) FROM chain.sends WHERE "
                "subject_kind = 'custody'"
            )
            assert await made.shop.value(states) == "done"
            (sweep,) = [
                one for one in await store.logs_at(db, [address(order)]) if one.kind == "sweep"
            ]
            where = (sweep.chain, hex_of(sweep.tx), sweep.log_index, hex_of(sweep.block_hash))
            await store.judge_logs(db.alone, [store.Verdict(*where, "orphaned")])
            row = await store.address_of_order(db, order.merchant_id, order.order_id)
            assert row is not None
            for _ in range(2):
                await credit(made.shop.world, made.shop.orders, [row])
            assert await made.shop.value(states) == "done wanted"

    asyncio.run(story())


@pytest.mark.parametrize("custodial", [False, True])
def test_the_book_is_what_lies_on_the_chain(
    server: ServerAddress, anvil: Anvil, custodial: bool
) -> None:
    async def story(ground: Ground) -> None:
        world, wallet = ground.shop.world, CUSTODY if custodial else MERCHANT
        orders = [await ground.charge(order=name) for name in ("open", "short", "paid", "over")]
        await paid(ground, orders[0], 1_000_000)
        await paid(ground, orders[2], DUE)
        await paid(ground, orders[3], DUE + 1_000_000)
        assert await differences(world) == []
        await swept(ground)
        await paid(ground, orders[1], 20_000_000)
        await past(ground, orders[1], 31)
        assert await differences(world) == []
        await anvil.appear(ground.token, address(orders[2]), 7)
        await anvil.wipe(ground.token, address(orders[1]), 20_000_000)
        if custodial:
            await anvil.wipe(ground.token, wallet, 1)
        await anvil.mine(3)
        await ground.watcher.poll()
        found = await differences(world)
        wrong = {orders[1].order_id, orders[2].order_id} | ({None} if custodial else set())
        assert {one.order_id for one in found} == wrong

    run(server, anvil, story, custodial=custodial)


def test_dust_pays_what_it_is_worth_and_holds_up_no_settlement(
    server: ServerAddress, anvil: Anvil
) -> None:
    """It makes no case; what is swept with the rest is in the book."""

    async def story(ground: Ground) -> None:
        order, small = await ground.charge(), await ground.charge("0.009", order="small")
        await paid(ground, small, 9_000)
        assert (await ground.now(small)).stage is Stage.COMPLETED
        await paid(ground, order, DUE - 9_000)
        await paid(ground, order, 9_000)
        assert (await ground.now(order)).stage is Stage.COMPLETED, "the last of it"
        await paid(ground, order, 9_999)
        assert await told(ground.shop, order.order_id) is None
        await paid(ground, order, *([9_999] * 25))
        await swept(ground)
        assert await settlements(ground, order) == [("confirmed", NET + 26 * 9_999, FEE)]
        assert await differences(ground.shop.world) == []

    run(server, anvil, story)


def test_a_chain_that_is_halted_is_not_called_right(server: ServerAddress, anvil: Anvil) -> None:
    """Its balances are not compared."""

    async def story(ground: Ground) -> None:
        world = ground.shop.world
        await paid(ground, await ground.charge(), DUE)
        assert await differences(world) == []
        await store.halt(world.db.alone, 31337, "a final block changed", world.clocks.wall())
        (found,) = await differences(world)
        assert (found.order_id, found.field, found.found) == (
            None,
            "chain 31337",
            "a final block changed",
        )

    run(server, anvil, story)


def test_a_moved_clock_ends_what_is_unpaid_at_once_and_never_what_is_paid(
    server: ServerAddress, anvil: Anvil
) -> None:
    """No watcher runs, and the chain makes no block by itself."""

    async def story(ground: Ground) -> None:
        unpaid, deep, fresh = [
            await ground.charge(order=name) for name in ("unpaid", "deep", "fresh")
        ]
        await anvil.transfer(ground.token, address(deep), DUE)
        await anvil.mine(9)
        await anvil.transfer(ground.token, address(fresh), DUE)
        began = time.monotonic()
        await ground.shop.advance(timedelta(minutes=31))
        assert time.monotonic() - began < 60
        assert [(await ground.now(one)).stage for one in (unpaid, deep)] == [
            Stage.EXPIRED,
            Stage.COMPLETED,
        ]
        await anvil.mine(10)
        for _ in range(2):
            await ground.poll()
        stages = [(await ground.now(one)).stage for one in (unpaid, deep, fresh)]
        assert stages == [Stage.EXPIRED, Stage.COMPLETED, Stage.COMPLETED]

    run(server, anvil, story)


def test_the_token_on_another_network_of_ours_pays_by_its_own_decimals(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(
        ground: Ground, other: Anvil, token: bytes, watcher: Watcher, sender: Sender
    ) -> None:
        order = await ground.charge()
        await other.transfer(token, address(order), 20 * 10**18 + 1)
        await other.mine(9)
        await paid(ground, order, 29_900_000)
        await credit(ground.shop.world, ground.shop.orders, await watcher.poll())
        assert (await ground.now(order)).stage is Stage.COMPLETED
        await swept(ground)
        for _ in range(2):
            await sender.work()
            await other.mine(10)
        await credit(ground.shop.world, ground.shop.orders, await watcher.poll())
        assert await other.held(token, MERCHANT) > 0
        rows = await settlements(ground, order)
        assert (len(rows), {state for state, _, _ in rows}) == (2, {"confirmed"})
        assert sum(units + fee for _, units, fee in rows) == DUE
        assert sum((await book(ground)).values()) == 0
        assert await differences(ground.shop.world) == []

    async def whole() -> None:
        with started(Settings(chain_id=31338)) as other:
            token = await other.deploy_token(decimals=18)
            more = {"chain_id": 31338, "decimals": 18, "network": "bsc", "endpoints": [other.url]}
            second = {"code": "usdc_other", "currency": "USDC", "token": shown(token, "evm")} | more
            await other.deploy_factory()
            async with ground(server, anvil, beside=second) as made:
                world = made.shop.world
                network = next(
                    one for one in networks_of(intake.all_served()) if one.chain == 31338
                )
                signer = (await made.sender())._signer
                await other.set_coins(signer.address, 10**18)
                async with opened("evm", [other.url], world.clocks) as nodes:
                    sender = Sender(world, network, nodes, signer, fee_cap=10**12)
                    try:
                        await story(made, other, token, Watcher(world, network, nodes), sender)
                    finally:
                        await sender.close()
                await made.shop.close_pages()
                await proved(made.shop)

    asyncio.run(whole())

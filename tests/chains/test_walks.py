"""Seeded walks on a node: reorganisations to twice the confirmations, and a watcher and sender that
die at any step.

`make test` draws three of each, `make prove FAMILY=chains` takes them all.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import pytest
from tests.chains.node import Anvil, Settings, text
from tests.chains.test_money import DUE, FEE, NET, address, settlements
from tests.chains.test_story import MERCHANT, TREASURY, Ground, ground
from tests.left_processes import Killer, dying_process, run_until_killed, survived
from tests.rings import deep, draw
from tests.stablecoin.flows.test_late import proved, told
from tests.worlds import owner

from recoup.chains import abi, store
from recoup.chains.compare import Comparer
from recoup.chains.credit import credit, folded
from recoup.chains.keystore import KeySigner
from recoup.chains.moves import TAKEN_BACK
from recoup.chains.send import Sender
from recoup.chains.store import ChainLog
from recoup.chains.watch import Watcher
from recoup.db.server import ServerAddress
from recoup.orders.rules.lifecycle import Stage
from recoup.rescue.flows.run_due import run_due
from recoup.stablecoin.store.stable_orders import StableOrder

pytestmark = deep("chains")

CONFIRMATIONS: Final = 3
REORGS, DEATHS = range(300), range(500)
AMOUNTS: Final = (DUE, DUE, DUE + 1_000_000, 20_000_000, 29_900_000)
WORTH = "SELECT coalesce(sum(units), 0)::bigint FROM entries WHERE account = 'clearing'"


@dataclass
class Walk:
    """One seed's orders, and the payments that are in the last blocks, the oldest first."""

    ground: Ground
    dice: random.Random
    orders: list[StableOrder]
    recent: list[tuple[str, int]] = field(default_factory=list)

    async def step(self) -> None:
        what = self.dice.choices(
            (self.pay, self.mine, self.reorganise, self.poll, self.sweep), weights=(4, 3, 3, 4, 1)
        )[0]
        await what()

    async def pay(self) -> None:
        order, units = self.dice.choice(self.orders), self.dice.choice(AMOUNTS)
        paid = await self.ground.anvil.send(self.ground.token, abi.transfer(address(order), units))
        assert paid.ok
        self.recent.append((paid.tx, paid.block))

    async def mine(self) -> None:
        await self.ground.anvil.mine(self.dice.randint(1, 3))

    async def reorganise(self) -> None:
        """The first of the payments stay, in blocks of their own choice; the others are gone."""
        depth = self.dice.randint(1, 2 * CONFIRMATIONS)
        head = await self.ground.anvil.head()
        inside = [tx for tx, block in self.recent if block > head - depth]
        before = [one for one in self.recent if one[1] <= head - depth]
        kept = inside[: self.dice.randint(0, len(inside))]
        places = sorted(self.dice.randrange(depth) for _ in kept)
        await self.ground.anvil.reorg(depth, dict(zip(kept, places, strict=True)))
        self.recent = before + [
            (tx, head - depth + 1 + place) for tx, place in zip(kept, places, strict=True)
        ]

    async def poll(self) -> None:
        await self.ground.poll()

    async def sweep(self) -> None:
        with suppress(AssertionError):  # nothing lies there
            await self.ground.sweep(self.dice.choice(self.orders))


async def logs_of(ground: Ground, order: StableOrder) -> set[tuple[str, int, str, int]]:
    """What the node itself has of payments to this address."""
    found = await ground.anvil.call(
        "eth_getLogs",
        {
            "address": text(ground.token),
            "fromBlock": "0x0",
            "toBlock": "latest",
            "topics": [
                "0x" + abi.TRANSFER.hex(),
                None,
                "0x" + abi.address_word(address(order)).hex(),
            ],
        },
    )
    return {
        (one["transactionHash"], int(one["logIndex"], 16), one["blockHash"], int(one["data"], 16))
        for one in found
    }


def _places(logs: Sequence[ChainLog]) -> set[tuple[str, int, str, int]]:
    return {(text(one.tx), one.log_index, text(one.block_hash), int(one.value)) for one in logs}


async def check(ground: Ground, order: StableOrder) -> None:
    """State equals what follows from the node's own logs, read from nothing."""
    world = ground.shop.world
    row = await store.address_of_order(world.db, order.merchant_id, order.order_id)
    assert row is not None
    rows = await store.logs_at(world.db, [row.address])
    living = [one for one in rows if one.state != "orphaned" and one.kind == "deposit"]
    there = await logs_of(ground, order)
    assert _places(living) == there
    assert all(one.state == "confirmed" and one.followed for one in living)
    outcome, anew = folded(row, rows), sum(value for *_, value in there)
    assert outcome.received == anew
    now, attention = await ground.now(order), await told(ground.shop, order.order_id)
    booked = sum(
        units + fee for state, units, fee in await settlements(ground, order) if state != "failed"
    )
    if now.paid_at is None:
        assert anew < DUE
        assert now.stage is (Stage.PROCESSING if anew else Stage.RECEIVED)
    else:
        assert (now.stage, booked >= max(anew, DUE)) == (Stage.COMPLETED, True)
        assert (attention == TAKEN_BACK) is (anew < booked), (
            "a payment that is not there any more is a case"
        )


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("anvil", [Settings(slots=30)], indirect=True)
def test_reorganisations_to_twice_the_confirmations_leave_what_the_chain_says(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story() -> None:
        async with ground(server, anvil, confirmations=CONFIRMATIONS) as made:
            await anvil.mint(made.token, await anvil.account(), 10**15)
            await anvil.mine(80)
            await made.poll()
            for seed in draw("chains", REORGS, 3, label="reorganisations"):
                dice = random.Random(seed)
                orders = [await made.charge(order=f"{seed}-{number}") for number in range(3)]
                walk = Walk(made, dice, orders)
                for _ in range(dice.randint(10, 20)):
                    await walk.step()
                await anvil.mine(2 * CONFIRMATIONS + 2)
                for _ in range(4):
                    await made.poll()
                for order in orders:
                    try:
                        await check(made, order)
                    except AssertionError as wrong:
                        raise AssertionError(f"seed {seed}, {order.external_id}") from wrong
            await made.shop.close_pages()
            await proved(made.shop)

    asyncio.run(story())


async def dying(made: Ground, signer: KeySigner, killer: Killer) -> None:
    """A worker and a sender that live as long as they may."""
    async with dying_process(made.shop, killer) as shop:
        network = made.watcher.network
        watcher = Watcher(shop.world, network, [made.node])
        sender = Sender(shop.world, network, [made.node], signer, fee_cap=10**12)

        async def work() -> None:
            await credit(shop.world, shop.orders, await watcher.poll())
            await Comparer(shop.world, watcher, shop.orders).wanted()
            await run_due(shop.world, shop.orders)
            await sender.work()

        await run_until_killed(killer, work())
        with suppress(Exception):
            await sender.close()


@pytest.mark.timeout(1200)
def test_deaths_at_any_step_lose_nothing_and_double_nothing(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story() -> None:
        async with ground(server, anvil, confirmations=CONFIRMATIONS) as made:
            signer = (await made.sender())._signer
            assert isinstance(signer, KeySigner)
            await anvil.mint(made.token, await anvil.account(), 10**15)
            await made.poll()
            orders: list[tuple[StableOrder, int]] = []
            deaths = 0
            for seed in draw("chains", DEATHS, 3, label="deaths"):
                dice = random.Random(seed)
                order = await made.charge(order=f"order-{seed}")
                more = dice.choice((0, 0, 5_000_000))
                for units in dice.choice(((DUE + more,), (20_000_000, 29_900_000 + more))):
                    await anvil.send(made.token, abi.transfer(address(order), units))
                orders.append((order, more))
                for _ in range(3):
                    await anvil.mine(CONFIRMATIONS)
                    killer = Killer(dice.randint(1, 40), after=dice.random() < 0.5)
                    await dying(made, signer, killer)
                    deaths += not survived(killer)
            assert deaths, "nobody died"
            living = made.sender_with(signer)
            for _ in range(12):
                async with owner(
                    made.shop.world
                ) as connection:  # leases run out, and what waits is due
                    await connection.execute(
                        "UPDATE due_work SET due_at = now(), lease_until = NULL WHERE wall"
                    )
                await made.shop.settle()
                await living.work()
                await anvil.mine(CONFIRMATIONS)
                await made.poll()
            for order, more in orders:
                rows = await settlements(made, order)
                assert (await made.now(order)).stage is Stage.COMPLETED
                assert sum(units for _, units, _ in rows) == NET + more
                assert {state for state, _, _ in rows} == {"confirmed"}
            held = [await anvil.held(made.token, one) for one in (MERCHANT, TREASURY)]
            assert held == [len(orders) * NET + sum(more for _, more in orders), len(orders) * FEE]
            assert await made.shop.value(WORTH) == len(orders) * FEE
            await made.shop.close_pages()
            await proved(made.shop)

    asyncio.run(story())

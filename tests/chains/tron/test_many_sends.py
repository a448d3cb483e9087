"""Sweeps and transfers on TRON through drawn faults: each goes exactly once, whatever vanishes,
comes late, lags, runs dry, is dropped with its block, or dies between keeping and sending."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import pytest
from tests.chains.tron.double import CHAIN_ID, TRX, Tron
from tests.chains.tron.ground import CUSTODIAL, KEY, MERCHANT, TREASURY, TronGround, run
from tests.rings import deep, proving, seed

from recoup.chains import abi, sends_store
from recoup.chains.artifacts import artifact
from recoup.chains.rpc import AwayError
from recoup.chains.sends_store import ChainSend
from recoup.chains.terms import Terms, deposit_address, to_json
from recoup.chains.tron_send import TronSender
from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id

NET, FEE = 49_650_000, 250_000
SWEEPS: Final = 500 if proving == "kills" else 15
RICH: Final = 1_000_000 * TRX
Fault = Callable[["Weather"], Awaitable[None]]


class Died(Exception):
    """The process is gone, between two steps."""


@dataclass
class Weather:
    ground: TronGround
    draw: random.Random
    dies: bool = False

    @property
    def tron(self) -> Tron:
        return self.ground.tron

    async def heal(self) -> None:
        self.dies = False
        await self.tron.next()
        await self.tron.grant(KEY.address, balance=RICH, energy_used=0)
        for name, node in zip("ab", self.ground.nodes, strict=True):
            await self.tron.node(name)
            node._until, node._together = 0.0, node.batch_max  # its pauses are over

    async def sender(self) -> TronSender:
        """Another process's, which may die before what it has kept is sent, or behind it."""
        for old in self.ground.senders:
            await old.close()
        sender = await self.ground.sender()
        broadcast = sender._broadcast

        async def perhaps(raw: bytes) -> None:
            left = not self.dies or self.draw.random() < 0.5
            if left:
                await broadcast(raw)
            if self.dies:
                raise Died

        sender._broadcast = perhaps  # type: ignore[method-assign]
        return sender


async def nothing(weather: Weather) -> None: ...


async def silence(weather: Weather) -> None:
    """Taken, and in no block ever."""
    await weather.tron.next(vanish=weather.draw.randint(1, 40))


async def late(weather: Weather) -> None:
    """In a block, or too late for one."""
    await weather.tron.next(late=weather.draw.randint(1, 40))


async def shortage(weather: Weather) -> None:
    await weather.tron.grant(KEY.address, balance=weather.draw.choice([0, 3, 30, 100]) * TRX)


async def a_node_is_away(weather: Weather) -> None:
    faults = [
        {"silent": True},
        {"status": 429},
        {"status": 500},
        {"code": "SERVER_BUSY"},
        {"code": "TAPOS_ERROR"},
    ]
    await weather.tron.node(weather.draw.choice("ab"), **weather.draw.choice(faults))


async def a_node_lags(weather: Weather) -> None:
    await weather.tron.node(weather.draw.choice("ab"), lag=weather.draw.randint(1, 60))


async def blocks_are_dropped(weather: Weather) -> None:
    await weather.tron.fork(weather.draw.randint(1, 18), forget=weather.draw.random() < 0.5)


async def death(weather: Weather) -> None:
    weather.dies = True


FAULTS: Final[tuple[Fault, ...]] = (
    nothing,
    silence,
    late,
    shortage,
    a_node_is_away,
    a_node_lags,
    blocks_are_dropped,
    death,
)


@deep("kills")
@pytest.mark.timeout(600)
def test_each_goes_once(server: ServerAddress, tron: Tron) -> None:
    async def story(ground: TronGround) -> None:
        weather = Weather(ground, random.Random(seed()))
        await weather.heal()
        swept = [await to_sweep(ground, number) for number in range(SWEEPS)]
        receivers = [await to_transfer(ground, number) for number in range(SWEEPS // 5)]
        await tron.mine(25)
        sender, turns = await weather.sender(), 0
        while waiting := await left(ground):
            turns += 1
            if turns % 25 == 0:
                print(f"turn {turns}: {waiting} left")
            assert turns < 20 * SWEEPS, "it does not end"
            if weather.draw.random() < 0.3:
                await weather.heal()
            if weather.draw.random() < 0.6:
                await weather.draw.choice(FAULTS)(weather)
            try:
                await sender.work()
            except AwayError:
                pass
            except Died:
                weather.dies, sender = False, await weather.sender()
            await tron.mine(weather.draw.randint(1, 25))
        await weather.heal()
        assert await tron.held(ground.token, MERCHANT) == SWEEPS * NET
        assert await tron.held(ground.token, TREASURY) == SWEEPS * FEE
        assert [await tron.held(ground.token, one) for one in receivers] == [
            *range(1, len(receivers) + 1)
        ]
        assert await paid_out(ground) == Counter(swept)
        known = {row["hash"].hex(): row["state"] for row in await ground.rows("transactions")}
        went = {txid for txid, result in (await tron.sent()).items() if result == "SUCCESS"}
        assert went == {txid for txid, state in known.items() if state == "mined"}
        print(
            f"{SWEEPS} sweeps, {len(receivers)} transfers in {turns} turns: "
            f"{Counter(known.values())}"
        )

    run(server, tron, story, **CUSTODIAL)


async def to_sweep(ground: TronGround, number: int) -> bytes:
    """A deposit that is paid, and whose sweep is wanted."""
    factory = ground.network.factory
    terms = Terms(UUID(int=number + 1), MERCHANT, TREASURY, NET, FEE)
    deposit = deposit_address("tron", factory, artifact("tron").implementation_of(factory), terms)
    call = (
        abi.selector("mint(address,uint256)") + abi.address_word(deposit) + abi.uint_word(NET + FEE)
    )
    await ground.tron.send(ground.token, call)
    await want(ground, "sweep", to_json(terms, "tron"), None, None, None)
    return deposit


async def to_transfer(ground: TronGround, number: int) -> bytes:
    receiver, value = (number + 1).to_bytes(20, "big"), number + 1
    call = (
        abi.selector("mint(address,uint256)") + abi.address_word(KEY.address) + abi.uint_word(value)
    )
    await ground.tron.send(ground.token, call)
    await want(ground, "transfer", None, KEY.address, receiver, Decimal(value))
    return receiver


async def want(
    ground: TronGround, kind: Any, terms: Any, source: Any, receiver: Any, value: Any
) -> None:
    what = "settlement" if kind == "sweep" else "refund"
    where = (CHAIN_ID, "usdt_trc20", ground.token, terms, source, receiver, value)
    send = ChainSend(new_id(), ground.shop.merchant_id, what, new_id(), kind, *where)
    await sends_store.want(ground.shop.world.db.alone, send, ground.shop.world.clocks.wall())


async def left(ground: TronGround) -> int:
    """What has not gone. A person sends again what failed three times in an hour."""
    rows = await ground.rows("sends")
    for row in rows:
        if row["state"] == "failed":
            assert row["why"] == "the transaction was reverted", row["why"]
            await sends_store.want_again(ground.shop.world.db.alone, row["send_id"])
    return sum(row["state"] != "done" for row in rows)


async def paid_out(ground: TronGround) -> Counter[bytes]:
    """How often the factory has paid each deposit address out."""
    head = int((await ground.tron.rpc("eth_blockNumber"))["result"], 16)
    found: Counter[bytes] = Counter()
    for start in range(0, head + 1, 5_000):
        asked = {
            "fromBlock": hex(start),
            "toBlock": hex(min(start + 4_999, head)),
            "topics": ["0x" + abi.SWEPT.hex()],
        }
        for log in (await ground.tron.rpc("eth_getLogs", asked))["result"]:
            found[bytes.fromhex(log["topics"][3][26:])] += 1
    return found

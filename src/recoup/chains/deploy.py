"""The factory's way onto a chain: by the deterministic deployer, so that it has one address on
every EVM network. TRON has no such deployer: there its address hangs on the transaction that makes
it."""

import asyncio

from recoup.chains import sends_store
from recoup.chains.abi import to_hex
from recoup.chains.artifacts import DEPLOYER, artifact
from recoup.chains.channels import ChannelSettings, gwei
from recoup.chains.evm_wire import Signer, prices_at, sign
from recoup.chains.reading import block_call, code_call, read_block
from recoup.chains.rpc import Endpoint, GarbageError, TronEndpoint, data, number, opened, taken
from recoup.chains.send import ROOM
from recoup.chains.tron_wire import Frame, create_contract, place_of
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.time import Clocks
from recoup.kit.world import World
from recoup.stablecoin.rules.addresses import TRON_PREFIX

GAS = 2_500_000
SECONDS = 120


async def deploy_factory(
    channel: ChannelSettings, world: World, signer: Signer, fee_cap: int
) -> bytes:
    """Its address; nothing is sent where it stands already. `fee_cap`: the most for a unit of gas.
    Raises: Problem(unavailable), AwayError."""
    compiled = artifact("evm")
    factory = compiled.factory_address()
    async with opened("evm", channel.endpoints[:1], world.clocks) as (node,):
        if await _code(node, factory):
            return factory
        if not await _code(node, DEPLOYER):
            message = "This chain has no deterministic deployer."
            raise Problem(
                "unavailable", message, "Send its published transaction first, then this again."
            )
        said = await node.batch(
            [("eth_chainId", []), ("eth_getTransactionCount", [to_hex(signer.address), "latest"])]
        )
        chain, nonce = number(taken(said[0])), number(taken(said[1]))
        if chain != channel.chain_id:
            raise _on_another(chain, channel)
        prices = await prices_at([node])
        if prices.fee > fee_cap:
            message = Sentence(
                "Gas would cost up to {0} a unit; {1} is the most.", gwei(prices.fee), gwei(fee_cap)
            )
            raise Problem("unavailable", message, "Wait, or ask another node.")
        signed = sign(signer, chain, DEPLOYER, compiled.deployment(), nonce, prices, GAS)
        # Or the sender would not know this one.
        await sends_store.begin_sender(world.db.alone, chain, signer.address, nonce + 1)
        await node.call("eth_sendRawTransaction", to_hex(signed.raw))
        for _ in range(SECONDS):
            if await _code(node, factory):
                return factory
            await asyncio.sleep(1)
        raise Problem("unavailable", "The factory is not there yet.", "Run this again in a minute.")


async def deploy_on_tron(
    channel: ChannelSettings, clocks: Clocks, signer: Signer, fee_cap: int
) -> bytes:
    """The address of the factory that the channel names, where it stands already; else of a new
    one. `fee_cap`: in sun. Raises: Problem(unavailable), AwayError."""
    compiled = artifact("tron")
    async with opened("tron", channel.endpoints[:1], clocks) as (node,):
        assert isinstance(node, TronEndpoint)
        if channel.factory is not None and await _code(node, channel.factory):
            return channel.factory
        said = await node.batch(
            [
                ("eth_chainId", []),
                block_call("latest"),
                block_call("finalized"),
                ("eth_gasPrice", []),
            ]
        )
        chain, head, refers, price = (
            number(taken(said[0])),
            *map(read_block, said[1:3]),
            number(taken(said[3])),
        )
        if chain != channel.chain_id:
            raise _on_another(chain, channel)
        if head is None or refers is None:
            raise GarbageError("no head")
        owner, init = (TRON_PREFIX + signer.address).hex(), compiled.factory_init
        energy = (
            await node.ask("/wallet/triggerconstantcontract", owner_address=owner, data=init.hex())
        ).get("energy_used")
        fee = int(energy * ROOM) * price if isinstance(energy, int) else 0
        if not 0 < fee <= fee_cap:
            raise Problem(
                "unavailable",
                Sentence(
                    "The factory would cost up to {0}; {1} is the most.",
                    channel.coins(fee),
                    channel.coins(fee_cap),
                ),
                "Raise --fee-limit, or ask another node.",
            )
        signed = create_contract(signer, init, "Deposits", Frame(refers, head.at, 0, fee))
        sent = await node.ask("/wallet/broadcasthex", transaction=signed.raw.hex())
        if sent.get("result") is not True:
            raise Problem(
                "unavailable",
                Sentence("The node does not take it: {0}.", str(sent.get("code"))),
                "See what the key lacks.",
            )
        for _ in range(SECONDS):
            info = await node.ask("/walletsolidity/gettransactioninfobyid", value=signed.hash.hex())
            if info:
                place = place_of(signed.hash, signer.address)
                if await _code(node, place) == compiled.runtime_with(place).factory:
                    return place
                raise Problem(
                    "unavailable", "The factory was not made.", "Give the key more energy or TRX."
                )
            await asyncio.sleep(1)
        raise Problem("unavailable", "The factory is not there yet.", "Run this again in a minute.")


def _on_another(chain: int, channel: ChannelSettings) -> Problem:
    return Problem(
        "unavailable",
        Sentence("The node is on chain {0}, not {1}.", chain, channel.chain_id),
        "Check it.",
    )


async def _code(node: Endpoint, at: bytes) -> bytes:
    (answer,) = await node.batch([code_call(at)])
    return data(taken(answer))

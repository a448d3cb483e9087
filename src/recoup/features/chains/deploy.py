"""The factory's way onto a chain: by the deterministic deployer, so that it has one address on every EVM network."""

import asyncio
from typing import Any

from recoup.features.chains import store
from recoup.features.chains.artifacts import DEPLOYER, artifact
from recoup.features.chains.channels import ChannelSettings
from recoup.features.chains.rpc import ANSWER_BYTES_MAX, Endpoint, data, number, taken
from recoup.features.chains.send import Signer
from recoup.gateways.cards.transport import Transport
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.kernel.time import Clocks
from recoup.store.pool import Database

GAS = 2_500_000
SECONDS = 120


async def deploy_factory(channel: ChannelSettings, db: Database, clocks: Clocks, signer: Signer) -> bytes:
    """Its address; nothing is sent where it stands already. Raises: Problem(unavailable), AwayError."""
    compiled = artifact("evm")
    factory, transport = compiled.factory_address(), Transport(clocks, ANSWER_BYTES_MAX)
    try:
        node = Endpoint(channel.endpoints[0], transport, clocks)
        if await _code(node, factory):
            return factory
        if not await _code(node, DEPLOYER):
            message = "This chain has no deterministic deployer."
            raise Problem("unavailable", message, cure="Send its published transaction first, then this again.")
        said = await node.batch(
            [
                ("eth_chainId", []),
                ("eth_getTransactionCount", [_hex(signer.address), "latest"]),
                ("eth_getBlockByNumber", ["latest", False]),
                ("eth_maxPriorityFeePerGas", []),
            ]
        )
        chain, nonce, tip = number(taken(said[0])), number(taken(said[1])), number(taken(said[3]))
        if chain != channel.chain_id:
            raise Problem(
                "unavailable", Sentence("The node is on chain {0}, not {1}.", chain, channel.chain_id), cure="Check it."
            )
        base = number(taken(said[2]).get("baseFeePerGas", "0x0"))
        transaction: dict[str, Any] = {
            "type": 2,
            "chainId": chain,
            "nonce": nonce,
            "to": DEPLOYER,
            "value": 0,
            "data": compiled.deployment(),
            "gas": GAS,
            "maxFeePerGas": 2 * base + tip,
            "maxPriorityFeePerGas": tip,
        }
        await store.begin_sender(db.alone, chain, signer.address, nonce + 1)  # or the sender would not know this one
        taken((await node.batch([("eth_sendRawTransaction", [_hex(signer.sign(transaction).raw)])]))[0])
        for _ in range(SECONDS):
            if await _code(node, factory):
                return factory
            await asyncio.sleep(1)
        raise Problem("unavailable", "The factory is not there yet.", cure="Run this again in a minute.")
    finally:
        await transport.close()


async def _code(node: Endpoint, at: bytes) -> bytes:
    return data(await node.call("eth_getCode", _hex(at), "latest"))


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()

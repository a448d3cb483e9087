"""Transactions of EVM networks as they are signed, and what their gas may cost.

Source: EIP-1559; nodes take a replacement from 10 % more on both fees.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol

from recoup.chains.reading import block_call
from recoup.chains.rpc import Endpoint, GarbageError, number, taken
from recoup.chains.sends_store import ChainTransaction
from recoup.kernel.frozen import frozen

RAISE: Final = Decimal("1.125")


class Signed(NamedTuple):
    raw: bytes
    hash: bytes


class Signer(Protocol):
    """A key. `address`: 20 bytes."""

    @property
    def address(self) -> bytes: ...

    def sign(self, transaction: dict[str, Any]) -> Signed: ...

    def sign_hash(self, digest: bytes) -> bytes:
        """65 bytes."""
        ...


@frozen
class Prices:
    """Prices of a unit of gas, in the coin's base units."""

    fee: int
    tip: int

    def raised(self, before: ChainTransaction) -> "Prices":
        """Prices at least an eighth above what was offered before."""
        least = [int(price * RAISE) + 1 for price in (before.fee_per_gas, before.tip_per_gas)]
        return Prices(max(self.fee, least[0]), max(self.tip, least[1]))


async def prices_at(nodes: Sequence[Endpoint]) -> Prices:
    """Twice the base fee of the newest block, which lasts for six full blocks, and a tip: of what
    nodes ask for the least, as it is paid whole."""
    said = [
        await node.batch([block_call("latest"), ("eth_maxPriorityFeePerGas", [])]) for node in nodes
    ]
    blocks = [taken(block) for block, _ in said]
    if not all(isinstance(block, dict) for block in blocks):
        raise GarbageError("no head")
    base = max(number(block.get("baseFeePerGas", "0x0")) for block in blocks)
    tip = min(number(taken(answer)) for _, answer in said)
    return Prices(2 * base + tip, tip)


def sign(
    signer: Signer, chain: int, to: bytes, call: bytes, nonce: int, prices: Prices, gas: int
) -> Signed:
    return signer.sign(
        {
            "type": 2,
            "chainId": chain,
            "nonce": nonce,
            "to": to,
            "value": 0,
            "data": call,
            "gas": gas,
            "maxFeePerGas": prices.fee,
            "maxPriorityFeePerGas": prices.tip,
        }
    )

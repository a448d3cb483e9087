"""Whether a node would do what an order's address promises: asked before a channel takes anything, and hourly."""

from collections.abc import Sequence
from typing import Final

from recoup.features.chains import abi
from recoup.features.chains.artifacts import artifact
from recoup.features.chains.reading import code_call, contract_call
from recoup.features.chains.rpc import Call, Endpoint, GarbageError, data, number, taken
from recoup.features.chains.terms import Terms, deposit_address
from recoup.features.chains.watch import Network
from recoup.kernel.ids import new_id

# Of an order that never is: what the node says of it holds for every other.
_NET: Final = 49_650_000
_FEE: Final = 250_000


async def what_is_wrong(network: Network, nodes: Sequence[Endpoint]) -> str:
    """Empty where every node is on the chain, has our code at factory and tokens, and would put a deposit address where
    we derive it; else the first that is wrong, in words. Raises: AwayError."""
    for node in nodes:
        if wrong := await _wrong_at(network, node):
            return f"{node.name}: {wrong}"
    return ""


async def _wrong_at(network: Network, node: Endpoint) -> str:
    compiled = artifact(network.kind)
    code = compiled.runtime_with(network.factory)
    implementation = compiled.implementation_of(network.factory)
    terms = Terms(new_id(), b"\x11" * 20, b"\x22" * 20, _NET, _FEE)
    ours = deposit_address(network.kind, network.factory, implementation, terms)
    tokens = list(network.channels.values())
    calls: list[Call] = [
        ("eth_chainId", []),
        code_call(network.factory),
        code_call(implementation),
        contract_call(network.factory, abi.address_of(terms.encoded())),
        contract_call(network.factory, abi.deploy(terms.encoded())),
        *(contract_call(one.token, abi.decimals()) for one in tokens),
    ]
    said = await node.batch(calls)
    if number(taken(said[0])) != network.chain:
        return f"it is on chain {number(taken(said[0]))}, not {network.chain}"
    if data(taken(said[1])) != code.factory:
        return "the factory's code is not ours"
    if data(taken(said[2])) != code.implementation:
        return "the code behind deposit addresses is not ours"
    try:
        places = [abi.read_address(data(taken(answer))) for answer in said[3:5]]
        if any(place != ours for place in places):
            return "it puts a deposit address where we do not derive it"
        for one, answer in zip(tokens, said[5:], strict=True):
            if abi.read_decimals(data(taken(answer))) != one.decimals:
                return f"the token of {one.code} has other decimals than {one.decimals}"
    except (abi.UnreadableError, GarbageError) as error:
        return f"{error}"
    return ""

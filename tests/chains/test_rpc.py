"""A node's refusals: of a call, of many in one request, and of everything for a while."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.rings import each

from recoup.chains.rpc import BATCH_MAX, AwayError, Call, Endpoint, TooLongError
from recoup.kernel.time import Clocks
from recoup.processors.gateways.transport import Reply

CALLS: list[Call] = [("eth_chainId", []), ("eth_blockNumber", [])]


class Node:
    """A transport whose answers a test gives; `sizes`: how many calls came together, 0 for one
    alone."""

    def __init__(self, answer: Callable[[Any], Any], status: int = 200) -> None:
        self.answer, self.status, self.sizes = answer, status, list[int]()

    async def call(self, *request: Any, **_: Any) -> Reply:
        asked = json.loads(request[3])
        self.sizes.append(len(asked) if isinstance(asked, list) else 0)
        return Reply(self.status, {}, json.dumps(self.answer(asked)).encode())


def endpoint(node: Node) -> Endpoint:
    return Endpoint("https://node.example", node, Clocks())  # type: ignore[arg-type]


def error(code: int, message: str, number: int | None = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}


def singly(refusal: Any) -> Callable[[Any], Any]:
    """Takes single calls, and refuses more with that."""
    return lambda asked: (
        refusal if isinstance(asked, list) else {"id": asked["id"], "result": "0x1"}
    )


@pytest.mark.parametrize(
    "refusal",
    [
        error(-32600, "Invalid Request"),
        error(-32700, "cannot read an array"),
        error(-32005, "Batch size 2 exceeds the limit of 1"),
        [error(-32600, "batch too large", 0)],
    ],
)
def test_a_node_that_takes_no_batches_is_asked_singly_from_then_on(refusal: Any) -> None:
    node = Node(singly(refusal))
    one = endpoint(node)
    assert asyncio.run(one.batch(CALLS)) == ["0x1", "0x1"]
    assert (node.sizes, one._together) == ([2, 0, 0], 1)


@pytest.mark.parametrize(
    "refusal", [error(-32603, "Internal error"), error(-32000, "busy"), error(-32005, "slow down")]
)
def test_a_node_with_an_error_of_its_own_still_takes_batches(refusal: Any) -> None:
    """One that is ill for a moment would be asked a hundred times as often for ten minutes."""
    node = Node(singly(refusal), 500)
    one = endpoint(node)
    with pytest.raises(AwayError):
        asyncio.run(one.batch(CALLS))
    assert (node.sizes, one._together) == ([2], BATCH_MAX)


@each(
    "answer",
    [
        [{"id": [], "result": "0x1"}, {"id": 1, "result": "0x1"}],
        [{"id": {}, "result": "0x1"}, {"id": "0", "result": "0x1"}],
        [{"id": 0, "error": {"code": [], "message": []}}],
        [[], {}],
        {"id": [], "error": {"code": []}},
    ],
)
def test_an_answer_of_other_kinds_is_garbage(answer: Any) -> None:
    with pytest.raises(AwayError):
        asyncio.run(endpoint(Node(lambda asked: answer)).batch(CALLS))


def test_a_request_that_is_too_large_goes_in_parts() -> None:
    node = Node(lambda asked: {"error": "too large"}, 413)
    with pytest.raises(TooLongError):
        asyncio.run(endpoint(node).batch(CALLS))
    assert node.sizes == [2, 0]

"""Reading of what a node says of a chain, for what the watcher compares. Nothing here is believed
yet.

Source: ethereum/execution-apis `eth_getLogs`, `eth_getBlockByNumber`, `eth_getTransactionReceipt`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from recoup.chains import abi
from recoup.chains.abi import to_hex
from recoup.chains.rpc import Call, Endpoint, GarbageError, Refused, data, number, taken

ADDRESSES_MAX: Final = 500  # in one filter; of more, all transfers of the tokens are read
TIME_MAX: Final = 1 << 37  # seconds: the year 6325, and calendars end in 9999
BLOCK_MAX: Final = 1 << 53
INDEX_MAX: Final = 1 << 31  # of a log in its block
COST_MAX: Final = 1 << 100  # more than any coin has of base units


class Block(NamedTuple):
    """A block's head. `at`: by the chain's clock."""

    number: int
    hash: bytes
    at: datetime


class NodeLog(NamedTuple):
    """A token's transfer, a payment of the factory out of a deposit address, or a sweep of a batch
    that did not go. Of a sweep `value` went to the merchant and `fee` to the treasury."""

    tx: bytes
    log_index: int
    block: int
    block_hash: bytes
    kind: Literal["deposit", "sweep", "failed"]
    address: bytes
    token: bytes
    value: int
    fee: int
    sender: bytes | None


class Receipt(NamedTuple):
    """A transaction in its block. `logs`: by their index, none where it was reverted."""

    went: bool
    block: int
    block_hash: bytes
    logs: Mapping[int, NodeLog]
    said: Mapping[str, Any]

    @property
    def cost(self) -> int:
        """The fee in the chain's coin, with a rollup's fee of the chain below it. Raises:
        GarbageError."""
        used, price, below = (
            number(self.said.get(name) or "0x0")
            for name in ("gasUsed", "effectiveGasPrice", "l1Fee")
        )
        if (cost := used * price + below) > COST_MAX:
            raise GarbageError(f"a transaction that cost {cost}")
        return cost


ReceiptAnswer = Receipt | Refused | None
"""A node's word on a transaction: its receipt, none, or no word."""


def block_call(which: int | str) -> Call:
    return "eth_getBlockByNumber", [hex(which) if isinstance(which, int) else which, False]


def block_of_hash(block_hash: bytes) -> Call:
    return "eth_getBlockByHash", [to_hex(block_hash), False]


def read_block(answer: Any) -> Block | None:
    """Reads a block; None where the node has no such block, or does not know the tag. Raises:
    GarbageError."""
    if answer is None or isinstance(answer, Refused):
        return None
    if not isinstance(answer, dict):
        raise GarbageError("not a block")
    seconds = number(answer.get("timestamp"))
    if seconds > TIME_MAX:
        raise GarbageError(f"a block of the time {seconds}")
    at = datetime.fromtimestamp(seconds, UTC)
    return Block(_below(BLOCK_MAX, answer.get("number")), data(answer.get("hash"), 32), at)


def agreed_times(*of_nodes: Sequence[Any]) -> dict[bytes, datetime]:
    """Times by hash, of the blocks that the first node has, and of which no other says otherwise.
    Raises: GarbageError."""
    blocks = zip(*(map(read_block, answers) for answers in of_nodes), strict=True)
    return {
        first.hash: first.at
        for first, *others in blocks
        if first is not None and set(others) <= {first, None}
    }


def _below(most: int, value: Any) -> int:
    """Raises: GarbageError."""
    quantity = number(value)
    if quantity >= most:
        raise GarbageError(f"a number that is too large: {quantity}")
    return quantity


def logs_call(
    begin: int, end: int | None, factory: bytes, tokens: Collection[bytes], to: Collection[bytes]
) -> Call:
    """The call for logs, one filter for both events: the second topic is the receiver of a transfer
    and the token of a sweep. `end` None: to the head."""
    topics: list[Any] = [[to_hex(abi.TRANSFER), to_hex(abi.SWEPT)]]
    if len(to) <= ADDRESSES_MAX:
        topics += [None, [to_hex(abi.address_word(owner)) for owner in (*to, *tokens)]]
    wanted = {
        "fromBlock": hex(begin),
        "toBlock": "latest" if end is None else hex(end),
        "address": [to_hex(contract) for contract in (*tokens, factory)],
        "topics": topics,
    }
    return "eth_getLogs", [wanted]


def read_logs(
    answer: Any, factory: bytes, tokens: Collection[bytes], begin: int = 0, end: int | None = None
) -> list[NodeLog]:
    """Reads the logs of what came to and left addresses, of these tokens, within the requested
    range. Raises: GarbageError for an answer that is no list of logs."""
    given = taken(answer)
    if not isinstance(given, list):
        raise GarbageError("not a list of logs")
    logs = [log for raw in given if (log := _read_log(raw, factory)) is not None]
    return [
        log
        for log in logs
        if log.token in tokens and begin <= log.block and (end is None or log.block <= end)
    ]


def read_receipt(answer: Any, factory: bytes) -> ReceiptAnswer:
    """Raises: GarbageError."""
    if answer is None or isinstance(answer, Refused):
        return answer
    if not isinstance(answer, dict) or not isinstance(answer.get("logs"), list):
        raise GarbageError("not a receipt")
    if answer.get("blockHash") is None:
        return None
    block, block_hash = (
        _below(BLOCK_MAX, answer.get("blockNumber")),
        data(answer.get("blockHash"), 32),
    )
    went = number(answer.get("status")) == 1
    logs = (
        [log for raw in answer["logs"] if (log := _read_log(raw, factory)) is not None]
        if went
        else []
    )
    return Receipt(went, block, block_hash, {log.log_index: log for log in logs}, answer)


def _read_log(raw: Any, factory: bytes) -> NodeLog | None:
    """Reads a log; None for one of another kind, or that is still in no block."""
    if not isinstance(raw, dict) or not isinstance(raw.get("topics"), list):
        raise GarbageError("not a log")
    contract, topics = data(raw.get("address"), 20), [data(topic, 32) for topic in raw["topics"]]
    if not topics or raw.get("blockHash") is None or raw.get("removed") is True:
        return None
    place = (
        data(raw.get("transactionHash"), 32),
        _below(INDEX_MAX, raw.get("logIndex")),
        _below(BLOCK_MAX, raw.get("blockNumber")),
        data(raw.get("blockHash"), 32),
    )
    said = data(raw.get("data") or "0x")
    try:
        if topics[0] == abi.TRANSFER:
            moved = abi.read_transfer(topics, said)
            return (
                NodeLog(*place, "deposit", moved.to, contract, moved.value, 0, moved.sender)
                if moved.value
                else None
            )
        if topics[0] == abi.SWEPT and contract == factory:
            swept = abi.read_swept(topics, said)
            return NodeLog(
                *place,
                "sweep",
                swept.deposit,
                swept.asset,
                swept.to_merchant,
                swept.to_treasury,
                None,
            )
        if topics[0] == abi.FAILED and contract == factory:
            failed = abi.read_failed(topics, said)
            return NodeLog(*place, "failed", failed.deposit, failed.asset, 0, 0, None)
    except abi.UnreadableError:
        return None  # a token's own event of the same name: none that we know
    return None


def receipts_of(txs: Iterable[bytes]) -> list[Call]:
    return [("eth_getTransactionReceipt", [to_hex(tx)]) for tx in txs]


def code_call(at: bytes) -> Call:
    return "eth_getCode", [to_hex(at), "latest"]


def contract_call(to: bytes, sent: bytes, at: Any = "latest") -> Call:
    """Asks a contract by the state of that block."""
    return "eth_call", [{"to": to_hex(to), "data": to_hex(sent)}, at]


async def balance_at(node: Endpoint, token: bytes, owner: bytes) -> int:
    """Raises: AwayError."""
    (answer,) = await node.batch([contract_call(token, abi.balance_of(owner))])
    try:
        return abi.read_uint(data(taken(answer)))
    except abi.UnreadableError as error:
        raise GarbageError(f"{error}") from None

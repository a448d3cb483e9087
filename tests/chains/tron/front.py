"""What a full node of TRON answers by HTTP, in a process of its own: `python -m
tests.chains.tron.front`.

Two nodes, /a and /b, see one chain; each can lag, refuse, or forget transactions. /test is the
test's own door. Source: java-tron `TronJsonRpcImpl`, `LogFilterWrapper`, the servlets under
`services/http`; its limits on JSON-RPC.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Final

from aiohttp import web
from tests.chains.tron.ledger import (
    ENERGY_SUN,
    FREE_BYTES,
    SOLID_BEHIND,
    Account,
    Block,
    Ledger,
    Log,
    Receipt,
    Refusal,
    logs_before,
)

RANGE_MAX: Final = 5_000
RESULTS_MAX: Final = 10_000
TOPICS_MAX: Final = 1_000
BATCH_MAX: Final = 100
INVALID, PARAMS, UNKNOWN, INTERNAL, LIMITED = -32600, -32602, -32601, -32000, -32005
_NOT_LATEST: Final = "QUANTITY not supported, just support TAG as latest"


class RpcError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass
class Node:
    """One node's faults. `code`: of every broadcast; `key`: it answers no other; `hides`:
    transactions that it has in no block."""

    lag: int = 0
    status: int = 0
    code: str = ""
    silent: bool = False
    key: str = ""
    hides: tuple[str, ...] = ()


class Front:
    def __init__(self, chain_id: int) -> None:
        self.chain_id = chain_id
        self.do_reset()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read() or b"{}")
        if request.path == "/test":
            return web.json_response(getattr(self, f"do_{body.pop('do')}")(**body))
        name, path = request.path[1:].split("/", 1)
        node = self.nodes[name]
        self.calls[path] = self.calls.get(path, 0) + 1
        if node.silent:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if node.key and request.headers.get("tron-pro-api-key") != node.key:
            return web.json_response({"Error": "ApiKey not exists"}, status=401)
        if node.status:
            return web.json_response({"Error": "request rate exceeded"}, status=node.status)
        view = View(self.ledger, node)
        if path == "jsonrpc":
            return web.json_response(view.rpc(body))
        place, call = path.split("/")
        found = getattr(view, call, None)
        if found is None:
            return web.json_response({"Error": "not found"}, status=404)
        return web.json_response(
            found(body, solid=True) if place == "walletsolidity" else found(body)
        )

    # The test's door
    # ----------------------------------------------------------------------------------------------

    def do_reset(self) -> None:
        self.ledger = Ledger(self.chain_id, int(time.time()) * 1_000)
        self.nodes = {"a": Node(), "b": Node()}
        self.calls: dict[str, int] = {}

    def do_mine(self, count: int, seconds: int) -> int:
        self.ledger.mine(count, seconds)
        return self.ledger.head.number

    def do_fork(self, depth: int, forget: bool) -> None:  # noqa: FBT001
        self.ledger.fork(depth, forget=forget)

    def do_add(self, owner: str, to: str | None, data: str) -> str:
        return self.ledger.add(_raw(owner), None if to is None else _raw(to), _raw(data)).hex()

    def do_grant(self, owner: str, **changes: int) -> None:
        self.ledger.grant(_raw(owner), **changes)

    def do_endow(self, holder: str, value: int) -> None:
        self.ledger.machine.endow(_raw(holder), value)

    def do_account(self, owner: str) -> dict[str, int]:
        account = self.ledger.accounts.get(_raw(owner), Account())
        return {one.name: getattr(account, one.name) for one in fields(account)}

    def do_node(self, name: str, **faults: Any) -> None:
        self.nodes[name] = Node(**faults)

    def do_next(self, vanish: int, late: int) -> None:
        self.ledger.vanish, self.ledger.late = vanish, late

    def do_info(self, txid: str) -> dict[str, Any]:
        return View(self.ledger, Node()).gettransactioninfobyid({"value": txid})

    def do_sent(self) -> dict[str, str]:
        """All that was signed and is in a block, by txid, with its result."""
        every = (one for block in self.ledger.blocks for one in block.receipts if not one.tx.free)
        return {one.tx.txid.hex(): one.ran.result for one in every}

    def do_calls(self) -> dict[str, int]:
        return self.calls


class View:
    """The chain as one node has it."""

    def __init__(self, ledger: Ledger, node: Node) -> None:
        self.ledger, self.node = ledger, node
        self.head = ledger.blocks[max(ledger.head.number - node.lag, 0)]
        self.solid = ledger.blocks[max(self.head.number - SOLID_BEHIND, 0)]
        self.accounts = self.head.accounts if node.lag else ledger.accounts

    def _found(self, txid: bytes, *, solid: bool = False) -> tuple[Block, int] | None:
        found = self.ledger.find(txid)
        last = self.solid if solid else self.head
        if found is None or found[0].number > last.number or txid.hex() in self.node.hides:
            return None
        return found

    # JSON-RPC
    # ----------------------------------------------------------------------------------------------

    def rpc(self, body: Any) -> Any:
        if not isinstance(body, list):
            return self._one(body)
        if len(body) > BATCH_MAX:
            return _error(None, LIMITED, f"Batch size {len(body)} exceeds the limit of {BATCH_MAX}")
        return [self._one(one) for one in body]

    def _one(self, asked: dict[str, Any]) -> Any:
        method = asked["method"]
        call = getattr(self, method, None) if method.startswith("eth_") else None
        if call is None:
            return _error(
                asked["id"], UNKNOWN, f"the method {method} does not exist/is not available"
            )
        try:
            return {"jsonrpc": "2.0", "id": asked["id"], "result": call(*asked.get("params", []))}
        except RpcError as error:
            return _error(asked["id"], error.code, error.message)

    def eth_chainId(self) -> str:  # noqa: N802 - as the wire has it, below too
        return "0x" + self.ledger.blocks[0].id[-4:].hex()

    def eth_blockNumber(self) -> str:  # noqa: N802
        return hex(self.head.number)

    def eth_gasPrice(self) -> str:  # noqa: N802
        return hex(ENERGY_SUN)

    def eth_getBalance(self, address: str, block: str) -> str:  # noqa: N802
        _latest(block)
        coins = self.ledger.machine.coins(_raw(address), self.head.root)
        return hex(self.accounts.get(_raw(address), Account()).balance + coins)

    def eth_getCode(self, address: str, block: str) -> str:  # noqa: N802
        _latest(block)
        return "0x" + self.ledger.machine.code(_raw(address), self.head.root).hex()

    def eth_call(self, asked: dict[str, Any], block: Any) -> str:
        if isinstance(block, dict):
            block = "latest"  # a node that has the block answers by its latest state
        _latest(block)
        to, data = _raw(asked["to"]), _raw(asked["data"])
        if not self.ledger.machine.code(to, self.head.root):
            raise RpcError(INVALID, "Smart contract is not exist.")
        ran = self.ledger.machine.call(
            to, data, sender=_raw(asked.get("from", "0x" + "00" * 20)), **self._at
        )
        if ran.result != "SUCCESS":
            raise RpcError(
                INTERNAL, "REVERT opcode executed" if ran.result == "REVERT" else ran.result
            )
        return "0x" + ran.output.hex()

    @property
    def _at(self) -> dict[str, Any]:
        return {"block": self.head.number, "seconds": self.head.at // 1_000, "root": self.head.root}

    def eth_getBlockByNumber(self, which: str, full: bool) -> Any:  # noqa: N802, FBT001
        number = self._number(which)
        return self._block(self.ledger.blocks[number]) if number <= self.head.number else None

    def eth_getBlockByHash(self, which: str, full: bool) -> Any:  # noqa: N802, FBT001
        block = self._by_id(_raw(which))
        return None if block is None else self._block(block)

    def _by_id(self, wanted: bytes) -> Block | None:
        number = int.from_bytes(wanted[:8], "big")
        if number > self.head.number or self.ledger.blocks[number].id != wanted:
            return None
        return self.ledger.blocks[number]

    def _number(self, which: str) -> int:
        if which == "pending":
            raise RpcError(PARAMS, "TAG pending not supported")
        tags = {"latest": self.head.number, "earliest": 0, "finalized": self.solid.number}
        if which in tags:
            return tags[which]
        try:
            return int(which, 16)
        except ValueError:
            raise RpcError(PARAMS, "invalid block number") from None

    def _block(self, block: Block) -> dict[str, Any]:
        return {
            "number": hex(block.number),
            "hash": "0x" + block.id.hex(),
            "parentHash": "0x" + block.parent.hex(),
            "timestamp": hex(block.at // 1_000),
            "transactions": ["0x" + one.tx.txid.hex() for one in block.receipts],
            "baseFeePerGas": "0x0",
        }

    def eth_getTransactionReceipt(self, txid: str) -> Any:  # noqa: N802
        found = self._found(_raw(txid))
        if found is None:
            return None
        block, place = found
        receipt = block.receipts[place]
        return {
            "transactionHash": "0x" + receipt.tx.txid.hex(),
            "blockHash": "0x" + block.id.hex(),
            "blockNumber": hex(block.number),
            "gasUsed": hex(receipt.ran.energy),
            "status": "0x1" if receipt.ran.result == "SUCCESS" else "0x0",
            "logs": list(_logs(block, place)),
        }

    def eth_getLogs(self, asked: dict[str, Any]) -> Any:  # noqa: N802
        begin, end = self._range(asked)
        if min(end, self.head.number) - begin > RANGE_MAX:
            raise RpcError(PARAMS, f"exceed max block range: {RANGE_MAX}")
        if any(
            isinstance(topic, list) and len(topic) > TOPICS_MAX for topic in asked.get("topics", [])
        ):
            raise RpcError(PARAMS, f"exceed max topics: {TOPICS_MAX}")
        found = [
            log
            for block in self.ledger.blocks[begin : min(end, self.head.number) + 1]
            for place, one in enumerate(block.receipts)
            if one.tx.txid.hex() not in self.node.hides
            for log in _logs(block, place)
            if _matches(log, asked)
        ]
        if len(found) > RESULTS_MAX:
            raise RpcError(LIMITED, f"query returned more than {RESULTS_MAX} results")
        return found

    def _range(self, asked: dict[str, Any]) -> tuple[int, int]:
        if "blockHash" in asked:
            block = self._by_id(_raw(asked["blockHash"]))
            if block is None:
                raise RpcError(PARAMS, "invalid blockHash")
            return block.number, block.number
        begin, end = asked.get("fromBlock", "latest"), asked.get("toBlock", "latest")
        first, last = self._number(begin), sys.maxsize if end == "latest" else self._number(end)
        if first > last:
            raise RpcError(PARAMS, "please verify: fromBlock <= toBlock")
        return first, last

    # /wallet and /walletsolidity
    # --------------------------------------------------------------------------------------

    def getnowblock(self, _: Any, *, solid: bool = False) -> Any:
        block = self.solid if solid else self.head
        return {
            "blockID": block.id.hex(),
            "block_header": {"raw_data": {"number": block.number, "timestamp": block.at}},
        }

    def broadcasthex(self, asked: dict[str, Any]) -> Any:
        if self.node.code:
            return {"result": False, "code": self.node.code, "message": "refused"}
        try:
            txid = self.ledger.broadcast(_raw(asked["transaction"]))
        except Refusal as refused:
            return {"result": False, "code": refused.code, "message": refused.message}
        except (ValueError, IndexError, KeyError) as error:
            return {"Error": f"class {type(error).__name__} : {error}"}
        return {"result": True, "code": "SUCCESS", "message": "", "txid": txid.hex()}

    def triggerconstantcontract(self, asked: dict[str, Any]) -> Any:
        owner = _tron(asked["owner_address"])
        if "contract_address" not in asked:
            made = self.ledger.machine.try_create(_raw(asked["data"]), sender=owner, **self._at)
            return {
                "result": {"result": True},
                "energy_used": made.energy,
                "transaction": {"ret": [{}]},
            }
        contract = _tron(asked["contract_address"])
        if not self.ledger.machine.code(contract, self.head.root):
            message = b"Smart contract is not exist.".hex()
            return {"result": {"code": "CONTRACT_VALIDATE_ERROR", "message": message}}
        ran = self.ledger.machine.call(contract, _raw(asked["data"]), sender=owner, **self._at)
        said: dict[str, Any] = {
            "result": {"result": True},
            "energy_used": ran.energy,
            "constant_result": [ran.output.hex()],
        }
        if ran.result == "SUCCESS":
            said["logs"] = [_log(one) for one in ran.logs]
            return {**said, "transaction": {"ret": [{}]}}
        said["result"]["message"] = b"REVERT opcode executed".hex()
        return {**said, "transaction": {"ret": [{"ret": "FAILED"}]}}

    def gettransactioninfobyid(self, asked: dict[str, Any], *, solid: bool = False) -> Any:
        found = self._found(_raw(asked["value"]), solid=solid)
        return {} if found is None else _info(found[0], found[0].receipts[found[1]])

    def getaccountresource(self, asked: dict[str, Any]) -> Any:
        account = self.accounts.get(_tron(asked["address"]))
        if account is None:
            return {}
        said = {"freeNetUsed": account.bytes_used, "freeNetLimit": FREE_BYTES}
        said |= {"EnergyUsed": account.energy_used, "EnergyLimit": account.energy}
        return {name: value for name, value in said.items() if value}


def _info(block: Block, one: Receipt) -> dict[str, Any]:
    paid = {
        "energy_usage": one.energy_own,
        "energy_fee": one.energy_fee,
        "energy_usage_total": one.ran.energy,
    }
    paid |= {"net_fee": one.bytes_fee}
    said: dict[str, Any] = {
        "id": one.tx.txid.hex(),
        "fee": one.energy_fee + one.bytes_fee,
        "blockNumber": block.number,
        "blockTimeStamp": block.at,
        "contractResult": [one.ran.output.hex()],
        "receipt": {
            **{name: value for name, value in paid.items() if value},
            "result": one.ran.result,
        },
        "log": [_log(log) for log in one.ran.logs],
    }
    if one.tx.contract is None:
        said["contract_address"] = "41" + one.tx.place.hex()
    if one.ran.result != "SUCCESS":
        said |= {"result": "FAILED", "resMessage": one.ran.result.encode().hex()}
    return said


def _logs(block: Block, place: int) -> Iterator[dict[str, Any]]:
    before = logs_before(block, place)
    for index, log in enumerate(block.receipts[place].ran.logs):
        yield {
            "address": "0x" + log.address.hex(),
            "topics": ["0x" + topic.hex() for topic in log.topics],
            "data": "0x" + log.data.hex(),
            "logIndex": hex(before + index),
            "blockNumber": hex(block.number),
            "blockHash": "0x" + block.id.hex(),
            "transactionHash": "0x" + block.receipts[place].tx.txid.hex(),
            "transactionIndex": hex(place),
            "removed": False,
        }


def _log(log: Log) -> dict[str, Any]:
    return {
        "address": log.address.hex(),
        "topics": [topic.hex() for topic in log.topics],
        "data": log.data.hex(),
    }


def _matches(log: dict[str, Any], asked: dict[str, Any]) -> bool:
    contracts = asked.get("address") or [log["address"]]
    if log["address"] not in contracts:
        return False
    topics = asked.get("topics", [])
    return len(topics) <= len(log["topics"]) and all(
        wanted is None or had in wanted for wanted, had in zip(topics, log["topics"], strict=False)
    )


def _latest(block: Any) -> None:
    if block in ("earliest", "pending", "finalized"):
        raise RpcError(PARAMS, "TAG [earliest | pending | finalized] not supported")
    if block != "latest":
        raise RpcError(PARAMS, _NOT_LATEST)


def _error(number: Any, code: int, message: str) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": number,
        "error": {"code": code, "message": message, "data": "{}"},
    }


def _raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _tron(text: str) -> bytes:
    raw = _raw(text)
    if len(raw) != 21 or raw[:1] != b"\x41":
        raise ValueError("Invalid address")
    return raw[1:]


async def _app(chain_id: int) -> web.Application:
    front = Front(chain_id)
    app = web.Application(client_max_size=16 << 20)
    app.router.add_post("/{path:.*}", front.answer)
    return app


if __name__ == "__main__":
    web.run_app(
        _app(int(sys.argv[1])),
        host="127.0.0.1",
        port=0,
        access_log=None,
        print=lambda said: print(said, flush=True),
        shutdown_timeout=0.1,
    )

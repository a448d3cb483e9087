"""A lying endpoint: an HTTP proxy before a node, which lags, drops, garbles or refuses as a test
tells it.

What it hides it hides consistently: a node that is behind knows no later block, log, receipt or
state. A fork's state is the node's own. It speaks batches, and hands on what is not JSON-RPC.
`Liar.faults` may be changed between two calls.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

REFUSED: Final = -32600  # invalid request
LIMITED: Final = -32005  # limit exceeded
_TAGS: Final = ("latest", "safe", "finalized")
_PAST: Final = (
    "eth_call",
    "eth_getBalance",
    "eth_getCode",
    "eth_getTransactionCount",
)  # the block comes second
_UNKNOWN: Final = -32000  # a block by its hash
_STORED: Final = frozenset(
    {"eth_getTransactionReceipt", "eth_getTransactionByHash", "eth_getBlockByHash"}
)

Request = dict[str, Any]
Answer = dict[str, Any]


@dataclass(slots=True)
class Faults:
    """All that can be wrong with an endpoint; as it is made, nothing is."""

    lag: int = 0  # blocks behind the node
    frozen_at: int | None = None  # the head, whatever is mined
    leap: int = 0  # blocks that the head is said to be ahead
    logs_max: int | None = None  # more are cut off without a word; 0 says that there are none
    log_loss: float = 0.0  # the share of log answers that are cut somewhere
    garbage: bytes | None = None  # the body of every answer
    silent: bool = False  # until it is switched off
    status: int | None = None  # of every answer, 429 for instance
    retry_after: str | None = None
    drops: bool = False  # the connection is closed instead of an answer
    chain_id: int | None = None
    batch_max: int | None = None  # 1 refuses all batches
    range_max: int | None = None  # blocks of one `eth_getLogs`
    fork_from: int | None = None  # from here on other blocks, in which `hides` is not
    hides: set[str] = field(default_factory=set)  # hashes of transactions
    answers: dict[str, Any] = field(default_factory=dict)  # method -> what is answered instead

    @property
    def hide_blocks(self) -> bool:
        return (
            bool(self.lag or self.leap) or self.frozen_at is not None or self.fork_from is not None
        )


@dataclass(frozen=True, slots=True)
class View:
    """How far this endpoint sees. `head` is what it says, `last` the last block that it has;
    `unknown` are hashes."""

    head: int
    last: int
    tags: Mapping[str, int]
    unknown: Set[str]


class Liar:
    """`calls` counts the requests by method, those in batches singly; `posts` what came by HTTP."""

    def __init__(self, upstream: str) -> None:
        self.upstream, self.url, self.faults = upstream, "", Faults()
        self.calls: dict[str, int] = {}
        self.posts = 0
        self._random = random.Random(1)
        self._real: dict[str, str] = {}  # a hash of the fork -> the node's
        self._session: ClientSession | None = None

    def heal(self) -> None:
        self.faults = Faults()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.posts += 1
        body = await request.read()
        asked = _json_rpc(body)
        for one in asked if isinstance(asked, list) else [asked]:
            name = one.get("method", request.path)
            self.calls[name] = self.calls.get(name, 0) + 1
        while self.faults.silent:  # noqa: ASYNC110 - a test sets it, and takes it back
            await asyncio.sleep(0.01)
        faults = self.faults
        if faults.drops:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if faults.status is not None:
            headers = {} if faults.retry_after is None else {"retry-after": faults.retry_after}
            return web.json_response({"error": "no"}, status=faults.status, headers=headers)
        if faults.garbage is not None:
            return web.Response(body=faults.garbage, content_type="application/json")
        path = "" if request.path_qs == "/" else request.path_qs
        if faults == Faults() or asked == {}:
            return web.Response(
                body=await self._forward(body, path), content_type="application/json"
            )
        return web.json_response(await self._lie(asked, path))

    async def _lie(self, asked: Any, path: str) -> Any:
        if not isinstance(asked, list):
            return (await self._each([asked], path))[0]
        most = self.faults.batch_max
        if most is not None and len(asked) > most:
            return _refusal(None, REFUSED, f"batches of more than {most} calls are refused")
        return await self._each(asked, path)

    async def _each(self, asked: Sequence[Request], path: str) -> list[Answer]:
        view = await self._view(asked, path) if self.faults.hide_blocks else None
        known = [self._without_asking(request, view) for request in asked]
        sent = [
            self._seen(request, view)
            for request, answer in zip(asked, known, strict=True)
            if answer is None
        ]
        told = iter(await self._ask(sent, path))
        return [
            self._told(request, next(told), view) if answer is None else answer
            for request, answer in zip(asked, known, strict=True)
        ]

    async def _view(self, asked: Sequence[Request], path: str) -> View:
        hashes = sorted(
            {found for request in asked for found in _block_hashes(request)} - set(self._real)
        )
        tags = [_call(0, "eth_getBlockByNumber", tag, False) for tag in _TAGS]
        blocks = [_call(0, "eth_getBlockByHash", found, False) for found in hashes]
        told = [_height(answer) for answer in await self._ask([*tags, *blocks], path)]
        numbers, named = told[: len(tags)], told[len(tags) :]
        node = numbers[0] or 0
        last = max(node - self.faults.lag, 0)
        if self.faults.frozen_at is not None:
            last = min(last, self.faults.frozen_at)
        fork = self.faults.fork_from
        return View(
            head=last + self.faults.leap,
            last=last,
            tags={
                tag: max(last - (node - at), 0)
                for tag, at in zip(_TAGS, numbers, strict=True)
                if at is not None
            },
            unknown={
                found
                for found, block in zip(hashes, named, strict=True)
                if block is None or block > last or (fork is not None and block >= fork)
            },
        )

    def _without_asking(self, request: Request, view: View | None) -> Answer | None:
        """What needs no node."""
        number, method, params = request["id"], request["method"], request.get("params", [])
        if method in self.faults.answers:
            return _answer(number, self.faults.answers[method])
        if self.faults.chain_id is not None and method in ("eth_chainId", "net_version"):
            said = self.faults.chain_id
            return _answer(number, hex(said) if method == "eth_chainId" else str(said))
        if view is not None and any(found in view.unknown for found in _block_hashes(request)):
            ahead = method == "eth_getBlockByHash"
            return _answer(number, None) if ahead else _refusal(number, _UNKNOWN, "unknown block")
        if view is not None and method == "eth_blockNumber":
            return _answer(number, hex(view.head))
        if (
            view is not None
            and method == "eth_getBlockByNumber"
            and _number(params[0], view) > view.last
        ):
            return _answer(number, None)
        at = params[1] if method in _PAST and len(params) > 1 else None
        if view is not None and _is_number(at) and int(at, 16) > view.last:
            return _refusal(number, _UNKNOWN, "header not found")
        if method == "eth_getLogs" and "blockHash" not in params[0]:
            return self._log_range(number, params[0], view)
        return None

    def _log_range(self, number: Any, asked: Mapping[str, Any], view: View | None) -> Answer | None:
        """A refusal of too wide a range; nothing for what lies ahead,
        as a node that lags says it."""
        first, last = asked.get("fromBlock", "latest"), asked.get("toBlock", "latest")
        if view is not None and _number(first, view) > view.last:
            return _answer(number, [])
        most = self.faults.range_max
        if (
            most is not None
            and _is_number(first)
            and _is_number(last)
            and int(last, 16) - int(first, 16) >= most
        ):
            return _refusal(number, LIMITED, f"a range of more than {most} blocks")
        return None

    def _seen(self, request: Request, view: View | None) -> Request:
        """The request in terms of the node: its hashes, and no block beyond the view."""
        method, params = (
            request["method"],
            [self._as_node(one) for one in request.get("params", [])],
        )
        if view is not None and method == "eth_getBlockByNumber":
            params[0] = _capped(params[0], view)
        elif view is not None and method == "eth_getLogs" and "blockHash" not in params[0]:
            both = {
                name: _capped(params[0].get(name, "latest"), view)
                for name in ("fromBlock", "toBlock")
            }
            params[0] = {**params[0], **both}
        elif view is not None and method in _PAST:
            block = params[1] if len(params) > 1 else "latest"
            params[1:2] = [block if isinstance(block, dict) else _capped(block, view)]
        return {**request, "params": params}

    def _as_node(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._as_node(one) for name, one in value.items()}
        return self._real.get(value, value) if isinstance(value, str) else value

    def _told(self, request: Request, answer: Answer, view: View | None) -> Answer:
        """The node's answer as this endpoint gives it."""
        result = answer.get("result")
        if result is None:
            return answer
        method = request["method"]
        if method in _STORED and (self._is_hidden(result) or self._is_ahead(result, view)):
            return _answer(request["id"], None)
        if method == "eth_getLogs":
            result = [
                log for log in result if not self._is_hidden(log) and not self._is_ahead(log, view)
            ]
            result = self._shortened(result)
        if (
            view is not None
            and self.faults.leap
            and method == "eth_getBlockByNumber"
            and request["params"][0] == "latest"
        ):
            result = {**result, "number": hex(view.head)}
        if self.faults.fork_from is not None:
            result = self._on_fork(result)
        return {**answer, "result": result}

    def _is_hidden(self, result: Mapping[str, Any]) -> bool:
        return result.get("transactionHash", result.get("hash")) in self.faults.hides

    @staticmethod
    def _is_ahead(result: Mapping[str, Any], view: View | None) -> bool:
        block = result.get("blockNumber") or (
            result.get("number") if "parentHash" in result else None
        )
        return view is not None and block is not None and int(block, 16) > view.last

    def _shortened(self, logs: list[Any]) -> list[Any]:
        if self.faults.logs_max is not None:
            logs = logs[: self.faults.logs_max]
        if logs and self._random.random() < self.faults.log_loss:
            logs = logs[: self._random.randrange(len(logs))]
        return logs

    def _on_fork(self, value: Any) -> Any:
        """The same with other hashes of the blocks from `fork_from` on."""
        if isinstance(value, list):
            return [self._on_fork(one) for one in value]
        if not isinstance(value, dict):
            return value
        changed = {name: self._on_fork(one) for name, one in value.items()}
        fork = self.faults.fork_from or 0
        if "parentHash" in value:
            number = int(value["number"], 16)
            self._rename(changed, "hash", number >= fork)
            self._rename(changed, "parentHash", number > fork)
            changed["transactions"] = [
                tx for tx in value["transactions"] if tx not in self.faults.hides
            ]
        elif value.get("blockNumber") is not None:
            self._rename(changed, "blockHash", int(value["blockNumber"], 16) >= fork)
        return changed

    def _rename(self, shown: dict[str, Any], name: str, yes: bool) -> None:
        if yes and (real := shown.get(name)) is not None:
            other = "0x" + sha256(real.encode()).hexdigest()
            self._real[other] = real
            shown[name] = other

    async def _ask(self, requests: Sequence[Request], path: str) -> list[Answer]:
        """The node's answers, in the order of the requests."""
        if not requests:
            return []
        numbered = [{**request, "id": place} for place, request in enumerate(requests)]
        told = json.loads(await self._forward(json.dumps(numbered).encode(), path))
        by_place = {answer["id"]: answer for answer in told}
        return [{**by_place[place], "id": request["id"]} for place, request in enumerate(requests)]

    async def _forward(self, body: bytes, path: str) -> bytes:
        assert self._session is not None
        headers = {"content-type": "application/json"}
        async with self._session.post(self.upstream + path, data=body, headers=headers) as reply:
            return await reply.read()

    async def open(self) -> None:
        self._session = ClientSession(
            timeout=ClientTimeout(total=30), connector=TCPConnector(limit=20)
        )

    async def close(self) -> None:
        self.faults.silent = False
        if self._session is not None:
            await self._session.close()


@asynccontextmanager
async def lying(upstream: str) -> AsyncIterator[Liar]:
    """A proxy on a port of its own, in this loop."""
    liar = Liar(upstream)
    app = web.Application(client_max_size=16 << 20)
    app.router.add_post("/{path:.*}", liar.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await liar.open()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        liar.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield liar
    finally:
        liar.faults.silent = False
        await runner.cleanup()
        await liar.close()


def _json_rpc(body: bytes) -> Any:
    """Empty for what is none, which some nodes have beside it."""
    asked = json.loads(body or b"{}")
    calls = asked if isinstance(asked, list) else [asked]
    return asked if all("method" in one for one in calls) else {}


def _block_hashes(request: Request) -> list[str]:
    """Blocks that a call names by their hash."""
    params = request.get("params", [])
    if request["method"] == "eth_getBlockByHash":
        return [params[0]]
    return [one["blockHash"] for one in params if isinstance(one, dict) and "blockHash" in one]


def _height(answer: Answer) -> int | None:
    block = answer.get("result")
    return None if block is None else int(block["number"], 16)


def _call(number: int, method: str, *params: Any) -> Request:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def _answer(number: Any, result: Any) -> Answer:
    return {"jsonrpc": "2.0", "id": number, "result": result}


def _refusal(number: Any, code: int, message: str) -> Answer:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}


def _is_number(block: object) -> bool:
    return isinstance(block, str) and block.startswith("0x")


def _number(block: str, view: View) -> int:
    return int(block, 16) if _is_number(block) else view.tags.get(block, view.last)


def _capped(block: str, view: View) -> str:
    return "earliest" if block == "earliest" else hex(min(_number(block, view), view.last))

"""JSON-RPC to a node, in batches. A node is asked, never believed: what an answer means is for
`watch`.

Source: JSON-RPC 2.0; ethereum/execution-apis.
"""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit, urlunsplit

from recoup.kernel.texts import parse_whole
from recoup.kernel.time import Clocks
from recoup.processors.gateways.transport import NoAnswerError, NotSentError, Transport

ANSWER_BYTES_MAX: Final = 32 << 20
TIMEOUT_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 5.0  # after a refusal for too many calls that names no time
PAUSE_SECONDS_MAX: Final = 300.0
BATCH_MAX: Final = 1_000  # calls in one request; halved where a node refuses
REQUESTS_MAX: Final = 64  # for one batch, where a node takes small ones or none
FORGIVEN_SECONDS: Final = 600.0  # then a node is asked for large batches again
RECEIPT: Final = "eth_getTransactionReceipt"
RECEIPT_BYTES_MAX: Final = (
    4 << 20
)  # whoever pays may put a hundred thousand logs beside the transfer
TRON_BATCH_MAX: Final = 100  # as java-tron has it by default
TOO_LARGE: Final = 413
_THROTTLED: Final = frozenset({402, 403, 429})
_NO_ARRAYS: Final = (
    -32600,
    -32601,
    -32602,
    -32700,
)  # what a node says that reads single calls alone


class AwayError(Exception):
    """The node gave no answer that can be read. Its text says why, without the address; `node` is
    its host."""

    node = ""


class TooLongError(AwayError):
    """More than is read, or than the node reads."""

    def __init__(self) -> None:
        super().__init__("an answer that is too long")


class ThrottledError(AwayError):
    """The node takes no more calls for a while: it is well, and is left alone until `until`, on the
    monotonic clock."""

    def __init__(self, until: float) -> None:
        super().__init__("too many calls")
        self.until = until


class GarbageError(AwayError):
    """The node's answer is none to this call."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A node's error in the place of one call's answer."""

    code: int
    message: str


_TOO_LONG: Final = Refused(0, "a receipt that is too long")
Call = tuple[str, list[Any]]


class Endpoint:
    """Endpoint of one node. `name` is its host, which may be shown; its address may hold a key,
    which may not."""

    batch_max = BATCH_MAX

    def __init__(self, url: str, transport: Transport, clocks: Clocks) -> None:
        self.name = urlsplit(url).hostname or ""
        self._url, self._transport, self._clocks = url, transport, clocks
        self._headers: dict[str, str] = {}
        self._until = 0.0
        self._together, self._refused_at = self.batch_max, 0.0
        self._long: dict[str, float] = {}  # transactions whose receipts are not read, since when

    async def call(self, method: str, *params: Any) -> Any:
        """Raises: AwayError; GarbageError for a node's own error, too."""
        (answer,) = await self.batch([(method, list(params))])
        return taken(answer)

    async def batch(self, calls: Sequence[Call]) -> list[Any]:
        """The answers in the order of the calls, `Refused` in the place of one that was refused, or
        that is a receipt which is too long: it holds up no other. Raises: AwayError."""
        now = self._clocks.monotonic()
        self._long = {
            tx: since for tx, since in self._long.items() if now <= since + FORGIVEN_SECONDS
        }
        known = [self._is_long(call) for call in calls]
        unread = [call for call, is_long in zip(calls, known, strict=True) if not is_long]
        try:
            results = iter(await self._fetch(unread, now))
        except AwayError as error:
            error.node = self.name
            raise
        return [_TOO_LONG if is_long else next(results) for is_long in known]

    def _is_long(self, call: Call) -> bool:
        return call[0] == RECEIPT and call[1][0] in self._long

    async def _fetch(self, calls: Sequence[Call], now: float) -> list[Any]:
        if now > self._refused_at + FORGIVEN_SECONDS:
            self._together = self.batch_max
        said: list[Any] = []
        together = self._together
        for _ in range(REQUESTS_MAX):
            part = calls[len(said) : len(said) + together]
            if not part:
                return said
            is_receipt, together = part[0][0] == RECEIPT, min(2 * together, self._together)
            try:
                if len(part) == 1:
                    most = RECEIPT_BYTES_MAX if is_receipt else ANSWER_BYTES_MAX
                    said.append(_result(await self._post(_request(0, part[0]), most=most), 0))
                    continue
                answer = await self._post(
                    [_request(number, call) for number, call in enumerate(part)]
                )
            except TooLongError:
                if len(part) > 1:
                    together = len(part) // 2
                elif is_receipt:
                    self._long[part[0][1][0]] = now
                    said.append(_TOO_LONG)
                else:
                    raise
                continue
            if _refuses_batch(answer, len(part)):
                together = self._together = len(part) // 2
                self._refused_at = now
            else:
                said += _in_order(answer, len(part))
        raise AwayError(
            f"takes {self._together} calls in one request, and {len(calls)} are too many for that"
        )

    async def _post(
        self, body: object, url: str | None = None, most: int = ANSWER_BYTES_MAX
    ) -> Any:
        if self._clocks.monotonic() < self._until:
            raise ThrottledError(self._until)
        try:
            reply = await self._transport.call(
                "POST",
                url or self._url,
                {"content-type": "application/json", **self._headers},
                json.dumps(body, separators=(",", ":")).encode(),
                timeout_seconds=TIMEOUT_SECONDS,
            )
        except (NotSentError, NoAnswerError) as error:
            raise AwayError(f"{error}") from None
        if reply.status in _THROTTLED:
            self._until = self._clocks.monotonic() + _pause(reply.headers.get("retry-after", ""))
            raise ThrottledError(self._until)
        if reply.status == TOO_LARGE or reply.body is None or len(reply.body) > most:
            raise TooLongError
        try:
            return json.loads(reply.body)
        except (ValueError, RecursionError):
            raise GarbageError(f"no JSON, status {reply.status}") from None


class TronEndpoint(Endpoint):
    """A full node of TRON by its base address: JSON-RPC stands at /jsonrpc, and what that lacks at
    /wallet. A key before the host (https://KEY@api.example) goes as TronGrid's header."""

    batch_max = TRON_BATCH_MAX

    def __init__(self, url: str, transport: Transport, clocks: Clocks) -> None:
        key, at, host = urlsplit(url).netloc.rpartition("@")
        self._base = urlunsplit(urlsplit(url)._replace(netloc=host))
        super().__init__(_under(self._base, "/jsonrpc"), transport, clocks)
        self._headers = {"TRON-PRO-API-KEY": key} if at else {}

    async def ask(self, path: str, **members: Any) -> dict[str, Any]:
        """The answer of the node's own interface. Raises: AwayError."""
        answer = await self._post(members, _under(self._base, path))
        if not isinstance(answer, dict) or "Error" in answer:
            _garbage("an answer", answer)
        return answer


@asynccontextmanager
async def opened(kind: str, urls: Iterable[str], clocks: Clocks) -> AsyncIterator[list[Endpoint]]:
    """Nodes with connections of their own, which end with the loop at the latest."""
    transport, made = (
        Transport(clocks, ANSWER_BYTES_MAX),
        TronEndpoint if kind == "tron" else Endpoint,
    )
    try:
        yield [made(url, transport, clocks) for url in dict.fromkeys(urls)]
    finally:
        await transport.close()


def taken(answer: Any) -> Any:
    """An answer that is no refusal. Raises: GarbageError."""
    if isinstance(answer, Refused):
        raise GarbageError(f"refused: {answer.code} {answer.message}")
    return answer


def number(value: Any) -> int:
    """A quantity. Raises: GarbageError."""
    if not isinstance(value, str) or not value.startswith("0x") or not 2 < len(value) <= 66:
        _garbage("a quantity", value)
    try:
        return int(value, 16)
    except ValueError:
        _garbage("a quantity", value)


def data(value: Any, length: int | None = None) -> bytes:
    """Bytes, of that length. Raises: GarbageError."""
    if not isinstance(value, str) or not value.startswith("0x"):
        _garbage("bytes", value)
    try:
        read = bytes.fromhex(value[2:])
    except ValueError:
        _garbage("bytes", value)
    if length is not None and len(read) != length:
        _garbage(f"{length} bytes", value)
    return read


def _under(base: str, path: str) -> str:
    """`base` may name /jsonrpc, too."""
    parts = urlsplit(base)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/").removesuffix("/jsonrpc") + path))


def _garbage(wanted: str, value: Any) -> NoReturn:
    raise GarbageError(f"not {wanted}: {str(value)[:40]}")


def _request(number: int, call: Call) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": call[0], "params": call[1]}


def _refuses_batch(answer: Any, count: int) -> bool:
    """True when it is the number of calls that the node refuses: geth says so in a list, others
    without one."""
    said = answer if isinstance(answer, list) else [answer]
    errors = [
        reply["error"]
        for reply in said
        if isinstance(reply, dict) and isinstance(reply.get("error"), dict)
    ]
    return len(said) < count and any(
        error.get("code") in _NO_ARRAYS or "batch" in str(error.get("message")).lower()
        for error in errors
    )


def _in_order(answers: Any, count: int) -> list[Any]:
    """Raises: GarbageError for a batch that lacks an answer or has one twice."""
    if not isinstance(answers, list):
        _garbage("a batch", answers)
    by_id = {str(answer.get("id")): answer for answer in answers if isinstance(answer, dict)}
    if len(answers) != count or set(by_id) != set(map(str, range(count))):
        raise GarbageError("a batch without all its answers")
    return [_result(by_id[str(number)], number) for number in range(count)]


def _result(answer: Any, number: int) -> Any:
    """Raises: GarbageError."""
    if not isinstance(answer, dict) or answer.get("id") != number:
        _garbage("the answer to a call", answer)
    error = answer.get("error")
    if error is not None:
        said = error if isinstance(error, dict) else {}
        code = said.get("code")
        return Refused(code if isinstance(code, int) else 0, str(said.get("message", ""))[:200])
    if "result" not in answer:
        _garbage("the answer to a call", answer)
    return answer["result"]


def _pause(text: str) -> float:
    seconds = parse_whole(text, 5)
    return min(max(PAUSE_SECONDS if seconds is None else seconds, 1.0), PAUSE_SECONDS_MAX)

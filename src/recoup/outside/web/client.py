"""The outgoing HTTP client: checked addresses, bounded time and size, no redirects, kept
connections.

aiohttp carries it. The pool keys connections by name, connects only to addresses that
`CheckedNames` returned, and checks certificates against the name, which is also what SNI and Host
say.
"""

import asyncio
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from yarl import URL

from recoup.kernel.cached import cached
from recoup.kernel.cause import traceparent
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.outside.web import guard
from recoup.outside.web.answers import DRAINED_BYTES_MAX, BoundedConnector, TooMuchFraming
from recoup.outside.web.names import Allowed, CheckedNames, Lookup, RefusedAddress
from recoup.outside.web.port import ANSWER_BYTES, Answer, Error
from recoup.outside.web.threads import in_thread

THREADS_MAX: Final = 32
EACH_MAX: Final = 4  # of one domain
WAITING_MAX: Final = 64  # of one domain
SLOW_SECONDS: Final = 1.0
REMEMBERED_MAX: Final = 4096

Ask = Callable[[str], list[str]]


class Lookups:
    """Per-client look-ups of names. `ask` blocks, and raises OSError for a name without an address.

    A name server that does not answer holds a question for ten seconds and more. So questions have
    threads of their own: the event loop's few serve databases and processors. One domain has few;
    slow ones have half of them together.
    """

    def __init__(self, ask: Ask | None = None) -> None:
        self._ask = ask or _resolve
        self._all, self._slow = asyncio.Semaphore(THREADS_MAX), asyncio.Semaphore(THREADS_MAX // 2)
        self._domains: dict[str, _Domain] = {}
        self._were_slow: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, host: str) -> list[str]:
        """Raises: OSError."""
        # Roughly what one owner has, and one set of name servers answers for.
        name = ".".join(host.lower().rsplit(".", 2)[-2:])
        async with self._turn(name):
            begun = monotonic()
            asking = in_thread(lambda: self._ask(host))
            try:
                return await asyncio.shield(asking)
            finally:
                self._note(name, monotonic() - begun)

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        domain = self._domains.setdefault(name, _Domain())
        if domain.count >= EACH_MAX + WAITING_MAX:
            raise OSError(f"too many names of {name} are asked for")
        domain.count += 1
        try:
            async with domain.room:
                if name not in self._were_slow:
                    async with self._all:
                        yield
                    return
                async with self._slow, self._all:
                    yield
        finally:
            domain.count -= 1
            if not domain.count:
                self._domains.pop(name, None)

    def _note(self, name: str, seconds: float) -> None:
        if seconds < SLOW_SECONDS:
            self._were_slow.pop(name, None)
            return
        self._were_slow[name] = None
        self._were_slow.move_to_end(name)
        if len(self._were_slow) > REMEMBERED_MAX:
            self._were_slow.popitem(last=False)


class _Domain:
    """`count`: who asks and who waits."""

    def __init__(self) -> None:
        self.room, self.count = asyncio.Semaphore(EACH_MAX), 0


def _resolve(host: str) -> list[str]:
    """IPv4 and IPv6."""
    infos: list[Any] = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    # A scope ("%eth0") only comes with addresses that are refused anyway; ip_address reads it.
    return [str(info[4][0]) for info in infos]


CONNECTIONS_MAX: Final = 512
CONNECTIONS_PER_RECEIVER_MAX: Final = 64
# Shorter than what servers usually keep (5 s and more), so that a kept connection is rarely a dead
# one.
KEPT_SECONDS: Final = 4.0
HEAD_LINE_BYTES_MAX: Final = 8190
HEAD_FIELDS_MAX: Final = 100


class WebClient:
    """Implements `Web`. Make it inside a running event loop, close it there.

    `loopback` allows `http://127.0.0.1:<port>` (the sandbox). `allowed` and `lookup` are for tests
    on this machine.
    """

    def __init__(
        self,
        *,
        loopback: bool,
        tls: ssl.SSLContext | None = None,
        lookup: Lookup | None = None,
        allowed: Allowed = guard.is_public,
        user_agent: str = "Recoup",
    ) -> None:
        self._loopback = loopback
        self._names = CheckedNames(lookup or Lookups(), allowed)
        self._tls = tls or tls_context()
        self._user_agent = user_agent
        self._pool = self._session(keep=True)
        self._once = self._session(keep=False)

    async def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        timeout_seconds: float = 10.0,
        max_answer_bytes: int = ANSWER_BYTES,
    ) -> Answer:
        """Sends `body` once and reads the beginning of the answer. Units: seconds from call to last
        byte.

        A longer answer is cut, not refused: its status counts. An answer that floods
        (`BoundedAnswers`) is an error, with a status or without. Redirects are answers. When a kept
        connection dies before a whole head of an answer, the call is made once more on a new one;
        callers send only what may arrive twice.
        """
        begun = time.perf_counter()
        target = _read_url(url, self._loopback)
        if target is None:
            return Answer(None, error="refused_address")
        call = _Call(target, {**headers, **traceparent()}, body, max_answer_bytes)
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._send(call)
            error = None
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as problem:
            error = error_word(problem)
        elapsed_ms = (time.perf_counter() - begun) * 1000
        return Answer(call.status, call.headers, bytes(call.kept), elapsed_ms, error, call.retried)

    async def close(self) -> None:
        await self._pool.close()
        await self._once.close()

    async def _send(self, call: "_Call") -> None:
        if call.name is not None:
            await self._names.addresses(call.name)
        trace = SimpleNamespace(reused=False)
        try:
            await self._exchange(self._pool, call, trace)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError):
            if not trace.reused or call.status is not None:
                raise
            call.retried = True
            await self._exchange(self._once, call, trace)

    async def _exchange(
        self, session: aiohttp.ClientSession, call: "_Call", trace: SimpleNamespace
    ) -> None:
        request = session.post(
            call.url,
            data=call.body,
            headers=call.sent_headers,
            allow_redirects=False,
            trace_request_ctx=trace,
        )
        async with request as response:
            call.status = response.status
            call.take_headers(response)
            await _read_start(response, call)

    def _session(self, *, keep: bool) -> aiohttp.ClientSession:
        connector = BoundedConnector(
            ssl=self._tls,
            resolver=self._names,
            use_dns_cache=False,
            limit=CONNECTIONS_MAX,
            limit_per_host=CONNECTIONS_PER_RECEIVER_MAX,
            force_close=not keep,
            keepalive_timeout=KEPT_SECONDS if keep else None,
        )
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_reuseconn.append(_mark_reused)
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),  # receivers of different merchants share nothing
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(
                total=None
            ),  # ours is around the whole call, name look-up included
            max_line_size=HEAD_LINE_BYTES_MAX,
            max_field_size=HEAD_LINE_BYTES_MAX,
            max_headers=HEAD_FIELDS_MAX,
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
            trace_configs=[tracing],
        )


class _Call:
    """Call under way: what goes out, and what has come back so far."""

    __slots__ = (
        "body",
        "headers",
        "kept",
        "kept_max",
        "name",
        "retried",
        "sent_headers",
        "status",
        "url",
    )

    def __init__(
        self, target: "_Target", headers: Mapping[str, str], body: bytes, kept_max: int
    ) -> None:
        self.url = target.url
        self.name = target.name
        self.sent_headers = headers
        self.body = body
        self.kept_max = kept_max
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.kept = bytearray()
        self.retried = False

    def take_headers(self, response: aiohttp.ClientResponse) -> None:
        taken: dict[str, str] = {}
        for name, value in response.headers.items():
            taken.setdefault(name.lower(), value)
        self.headers = taken


@frozen
class _Target:
    """`name` is set when the host is one and must be resolved before each call."""

    url: URL
    name: str | None


@cached(4096)
def _read_url(url: str, loopback: bool) -> _Target | None:
    """Reads a URL; None for an address that may not be called; remembered, because a receiver is
    called again and again."""
    parsed = guard.check_url(url, loopback=loopback)
    if isinstance(parsed, Problem):
        return None
    # Built from the checked parts, so that no second reader of the address can see another host in
    # it.
    path, _, query = parsed.target.partition("?")
    built = URL.build(
        scheme=parsed.scheme,
        host=parsed.host,
        port=parsed.port,
        path=path,
        query_string=query,
        encoded=True,
    )
    return _Target(built, parsed.host if parsed.address is None else None)


async def _read_start(response: aiohttp.ClientResponse, call: _Call) -> None:
    read = 0
    async for chunk in response.content.iter_any():
        read += len(chunk)
        if len(call.kept) < call.kept_max:
            call.kept += chunk[: call.kept_max - len(call.kept)]
        if read > DRAINED_BYTES_MAX:
            response.close()
            return


async def _mark_reused(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: object
) -> None:
    context.trace_request_ctx.reused = True


def error_word(problem: BaseException) -> Error:
    """The word for what went wrong; order matters, the first kind that fits says most."""
    cause: BaseException | None = problem
    while cause:
        if isinstance(cause, RefusedAddress):
            return "refused_address"
        cause = cause.__cause__ or cause.__context__
    if isinstance(problem, TimeoutError):
        return "timeout"
    if isinstance(problem, aiohttp.ClientSSLError | ssl.SSLError):
        return "tls"
    if isinstance(problem, aiohttp.ClientConnectorDNSError):
        return "dns"
    if isinstance(problem, aiohttp.ClientConnectorError):
        return "connect"
    if isinstance(problem, TooMuchFraming):
        return "too_large"
    if isinstance(problem, aiohttp.ClientResponseError):
        # The parser's own kinds of error do not survive to here; a test with each holds its words.
        return (
            "too_large" if problem.message.startswith(("Got more than", "Too many")) else "protocol"
        )
    if isinstance(problem, aiohttp.ClientError | ValueError | ConnectionError):
        return "protocol"
    return "dns" if isinstance(problem, OSError) else "protocol"


def tls_context() -> ssl.SSLContext:
    """Certificates of the machine's authorities, names checked, TLS 1.2 or newer."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context

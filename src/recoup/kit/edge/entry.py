"""The one way in, in front of all doors. A call is checked in this order: the proxies that it came
through and the host that it names, the spelling of its path, its ids, the size of its body, and
what else may stop it. Each answer passes here, too, and is noted.

A proxy that was not named makes everybody one caller on this machine: throttles would be shared by
the world, and what only this machine may do would be open to all. A name that is not ours is
another site's page that had its name point here (DNS rebinding), and so passes every check of a
form's origin.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from time import monotonic
from typing import Final

from recoup.kernel.cached import cached
from recoup.kernel.cause import begin
from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import (
    App,
    ClientGone,
    Headers,
    Message,
    Receive,
    Refuse,
    Scope,
    Send,
    send_refusal,
    state,
)
from recoup.kit.edge.crowded import PROBES
from recoup.kit.edge.cycle import Cycle
from recoup.kit.edge.incoming import BODY_BYTES_MAX, Incoming
from recoup.kit.edge.proxies import Proxies
from recoup.kit.edge.tracing import request_id_of, traceparent_of

_WITH_PORT: Final = re.compile(
    r"(?:\[([0-9a-f:.%]+)\]|([^:\[\]]*))(?::[0-9]{0,5})?", re.ASCII | re.IGNORECASE
)
TELL_SECONDS: Final = 3600.0
_LOG: Final = logging.getLogger("recoup.front")
PATH_MAX: Final = 1_024  # characters
PART_MAX: Final = 32_768  # bytes of a name and its value in a query
HEADER_MAX: Final = 8_192  # bytes of a header's value
CHAIN_MAX: Final = 2_000  # bytes of a header that says through whom a call came
_FORWARDED: Final = re.compile(rb"(?:x-forwarded-.*|forwarded)", re.DOTALL).fullmatch
_CLOSE: Final = (b"connection", b"close")
_SLASHES: Final = re.compile(r"/{2,}")
_RAW_SLASHES: Final = re.compile(rb"/{2,}")
_RESCUE: Final = ("/v1/", "/V1/")  # ids in these paths are GUIDs: none of them depends on its case
_UNNAMED: Final = Problem(
    "forbidden",
    "This call came through a proxy that Recoup was not told of.",
    cure="Set behind_proxy (RECOUP_BEHIND_PROXY) to the proxy's address, like 127.0.0.1 for one on "
    "this machine; "
    "without a proxy send no X-Forwarded-* and no Forwarded.",
)
_ENDING: Final = Problem(
    "unavailable",
    "Recoup is ending; it is not known to have taken this.",
    cure="Send the same call again.",
    retry_after_seconds=2,
)
_FOREIGN: Final = Problem(
    "forbidden",
    "Recoup does not answer under this Host.",
    cure="Call the address of public_url, or add the name to allowed_hosts (RECOUP_ALLOWED_HOSTS).",
)


class Hosts:
    """Names that calls may ask for. An address of numbers is always one: no page of another site
    has it for a name."""

    def __init__(self, names: Iterable[str]) -> None:
        """`*` is any name, `*.example.com` any below that one."""
        cleaned = [name.strip().lower().rstrip(".") for name in names if name.strip()]
        self._all = "*" in cleaned
        self._names = frozenset(name for name in cleaned if not name.startswith("*"))
        self._below = (".localhost", *(name[1:] for name in cleaned if name.startswith("*.")))
        self.allows = cached(1024)(self._allows)

    def _allows(self, host: bytes) -> bool:
        if self._all:
            return True
        name = _without_port(host.decode("latin-1").strip().lower()).rstrip(".")
        return (
            name in self._names
            or name == "localhost"
            or name.endswith(self._below)
            or _is_address(name)
        )


class Entry:
    """`larger`: paths whose door takes files and writes them down as they come, with their limit; a
    body that does not declare its length is kept to the usual one. Those in `streamed` take it
    without a declared length too. `gates`: each raises the Problem that stops a call. `answered`
    gets each answer: call, status, seconds.

    A Problem that a door leaves to the edge is answered in the dialect of the path.
    """

    def __init__(
        self,
        app: App,
        refuse: Refuse,
        *,
        lifespan: App | None = None,
        proxies: Proxies | None = None,
        hosts: "Hosts | None" = None,
        bytes_max: int = BODY_BYTES_MAX,
        larger: Mapping[str, int] | None = None,
        streamed: Mapping[str, int] | None = None,
        gates: Sequence[Callable[[Scope], None]] = (),
        answered: Callable[[Scope, int, float], None] | None = None,
    ) -> None:
        self._app, self._refuse, self._lifespan = app, refuse, lifespan or app
        self._proxies, self._hosts = proxies or Proxies(""), hosts or Hosts(["*"])
        self._bytes_max, self._larger, self._streamed = bytes_max, larger or {}, streamed or {}
        self._gates, self._answered = gates, answered
        self._last_warning_at = -TELL_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._lifespan(scope, receive, send)
            return
        first = dict(reversed(scope["headers"]))  # of each name
        incoming, answer = Incoming(receive), _Answer(scope, send, self._answered)
        try:
            if (problem := self._stranger(scope, first)) is not None:
                await send_refusal(answer, self._refuse(scope, problem), _CLOSE)
                return
            spell(scope)
            check_size(scope)
            answer.note_ids(first)
            if not await self._fits(scope, first, incoming, answer):
                return
            for gate in self._gates:
                gate(scope)
            await self._app(scope, incoming, answer)
        except ClientGone:
            return
        except asyncio.CancelledError:  # by a server that ends and waits no longer
            if answer.has_begun:
                raise
            await self._tell(scope, _ENDING, answer)
        except Problem as problem:
            if answer.has_begun:
                raise
            if problem.code == "too_large":
                await self._tell_too_large(scope, first, incoming, answer)
            else:
                await self._tell(scope, problem, answer)

    async def _tell(self, scope: Scope, problem: Problem, send: Send) -> None:
        refusal = self._refuse(scope, problem)
        seconds, names = problem.retry_after_seconds, {name for name, _ in refusal.headers}
        retry = (
            [(b"retry-after", b"%d" % seconds)]
            if seconds is not None and b"retry-after" not in names
            else []
        )
        await send_refusal(send, refusal, *retry)

    # The size of the body

    async def _fits(
        self, scope: Scope, first: Mapping[bytes, bytes], incoming: Incoming, send: Send
    ) -> bool:
        """A declared length is believed when it is too large. A body without one is read here, up
        to the limit, so that its size is known before anything else is said about the call. What a
        lying length lets through is counted while the door reads, and ends as the same 413."""
        declared, path = first.get(b"content-length"), scope["path"]
        streams = path in self._streamed and scope["method"] == "POST"
        if streams:
            incoming.bytes_max = self._streamed[path]
        else:
            incoming.bytes_max = (
                self._bytes_max if declared is None else self._larger.get(path, self._bytes_max)
            )
        if declared is not None:
            if not (
                declared.isdigit() and len(declared) <= 18 and int(declared) <= incoming.bytes_max
            ):
                await self._tell_too_large(scope, first, incoming, send)
                return False
        elif not streams and b"transfer-encoding" in first:
            try:
                await incoming.read_ahead()
            except Problem as problem:
                if problem.code == "too_large":
                    raise
                await send_refusal(send, self._refuse(scope, problem), _CLOSE)
                return False
        return True

    async def _tell_too_large(
        self, scope: Scope, first: Mapping[bytes, bytes], incoming: Incoming, send: Send
    ) -> None:
        # Who asks first (Expect: 100-continue) hears no before sending.
        if b"expect" not in first:
            await incoming.drain()
        await send_refusal(send, self._refuse(scope, incoming.too_large()), _CLOSE)

    # Who calls

    def _stranger(self, scope: Scope, first: Mapping[bytes, bytes]) -> Problem | None:
        """`X-Forwarded-For` and `-Proto` of a named proxy say who calls and over what; the last
        that is no proxy counts."""
        peer, problem = scope.get("client"), None
        if not all(
            [self._hosts.allows(value) for name, value in scope["headers"] if name == b"host"]
        ):
            problem = _FOREIGN
        if b"forwarded" in b" ".join(first) and any(map(_FORWARDED, first)):
            if peer is not None and peer[0] in self._proxies:
                self._believe(scope)
            else:
                problem = _UNNAMED
        if scope["path"] in PROBES:
            return None
        if problem is None and self._proxies and scope.get("client") is peer:
            self._warn_of_silence(peer)
        return problem

    def _warn_of_silence(self, client: tuple[str, int] | None) -> None:
        """A named proxy that does not say for whom it calls: all of its callers share one
        throttle."""
        if (
            client is not None
            and client[0] in self._proxies
            and monotonic() - self._last_warning_at >= TELL_SECONDS
        ):
            self._last_warning_at = monotonic()
            _LOG.warning(
                "The proxy %s sends no X-Forwarded-For: all who call through it count as one. Let "
                "it add the "
                "header (and X-Forwarded-Proto).",
                client[0],
            )

    def _believe(self, scope: Scope) -> None:
        """Read from the end: what stands before was written by the caller of the first proxy."""
        forwarded: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            if name in (b"x-forwarded-for", b"x-forwarded-proto"):
                forwarded.setdefault(name, []).extend(value[-CHAIN_MAX:].split(b","))
        scheme = forwarded.get(b"x-forwarded-proto", [b""])[-1].strip().decode("latin-1")
        if scheme in ("http", "https"):
            scope["scheme"] = scheme
        for address in reversed(forwarded.get(b"x-forwarded-for", [])):
            host = _without_port(address.strip().decode("latin-1"))
            if not _is_address(host):
                return
            scope["client"] = (host, 0)
            if host not in self._proxies:
                return


class _Answer:
    """Passes messages on; adds the answer's ids, and what handlers left in `answer_headers`, to its
    headers."""

    __slots__ = ("_answered", "_cycle", "_echo", "_scope", "_send", "_started", "has_begun")

    def __init__(
        self, scope: Scope, send: Send, answered: Callable[[Scope, int, float], None] | None
    ) -> None:
        self._scope, self._send, self._answered, self._started = scope, send, answered, monotonic()
        self._echo: tuple[bytes, bytes] | None = None
        cycle = getattr(send, "__self__", None)
        self._cycle = cycle if type(cycle) is Cycle else None
        self.has_begun = False

    def note_ids(self, first: Mapping[bytes, bytes]) -> None:
        kept = state(self._scope)
        kept["request_id"] = mine = request_id_of(first.get(b"x-request-id"))
        kept["cause"] = begin(mine, traceparent_of(first.get(b"traceparent")))
        self._echo = (b"x-request-id", mine.encode())

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = headers = list(message.get("headers", ()))
            self._begin(message["status"], headers)
        await self._send(message)

    def whole(self, status: int, headers: Headers, body: bytes) -> bool:
        """An answer in one piece, without waiting; False where it has to be sent."""
        if self._cycle is None or self._cycle.is_held:
            return False
        self._begin(status, headers)
        self._cycle.answer(status, headers, body)
        return True

    def _begin(self, status: int, headers: Headers) -> None:
        self.has_begun = True
        if self._echo is not None:
            headers += (self._echo, *state(self._scope).get("headers", ()))
        if self._answered is not None:
            self._answered(self._scope, status, monotonic() - self._started)


def check_size(scope: Scope) -> None:
    """Refuses what is longer than any address, parameter or header that a door reads. Raises:
    Problem(no_such_path), Problem(malformed)."""
    query: bytes = scope.get("query_string", b"")
    if len(scope["path"]) > PATH_MAX:
        raise Problem(
            "no_such_path", "There is nothing at this path.", cure="Check the path: it is too long."
        )
    if len(query) > PART_MAX and max(map(len, query.split(b"&"))) > PART_MAX:
        message = f"A parameter of the query has more than {PART_MAX:,} bytes."
        raise Problem("malformed", message, cure="Shorten it.")
    if any(len(value) > HEADER_MAX for _, value in scope["headers"]):
        raise Problem(
            "malformed", f"A header has more than {HEADER_MAX:,} bytes.", cure="Shorten it."
        )


def spell(scope: Scope) -> None:
    """Gives each path one spelling: clients join base and path carelessly (contract §18.1). Doubled
    slashes are folded, a trailing one is dropped, the rescue API's paths are read in any case. No
    redirect: POST would lose its body. What was sent stays under `sent_path`, for those who sign
    it."""
    path: str = scope["path"]
    plain = (
        _SLASHES.sub("/", path).rstrip("/") or "/"
        if "//" in path or path[-1:] in ("/", "")
        else path
    )
    if plain[:4] in _RESCUE and not plain.islower() and plain.isascii():
        plain = plain.lower()
    if plain != path:
        raw = scope.get("raw_path")
        scope["path"], scope["sent_path"] = plain, raw
        if raw is not None:
            scope["raw_path"] = _RAW_SLASHES.sub(b"/", raw).rstrip(b"/") or b"/"


def _without_port(text: str) -> str:
    """`[::1]:80`, `a.example:80`, `::1` -> the name or address alone. What has anything else behind
    it stays whole, and is no name."""
    match = _WITH_PORT.fullmatch(text)
    return match[1] or match[2] if match else text


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True

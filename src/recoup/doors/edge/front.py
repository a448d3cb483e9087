"""The proxies that a call came through and the host that it names: checked before anything else.

A proxy that was not named makes everybody one caller on this machine: throttles would be shared by the world, and what
only this machine may do would be open to all. A name that is not ours is another site's page that had its name point
here (DNS rebinding), and so passes every check of a form's origin.
"""

import logging
import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from time import monotonic
from typing import Final

from recoup.doors.edge.asgi import App, Receive, Refuse, Scope, Send, send_refusal
from recoup.doors.edge.crowded import PROBES
from recoup.doors.edge.proxies import Proxies
from recoup.kernel.problem import Problem

_WITH_PORT: Final = re.compile(r"(?:\[([0-9a-f:.%]+)\]|([^:\[\]]*))(?::[0-9]{0,5})?", re.ASCII | re.IGNORECASE)
TELL_SECONDS: Final = 3600.0
_LOG: Final = logging.getLogger("recoup.front")
CHAIN_MAX: Final = 2_000  # bytes of a header that says through whom a call came
_UNNAMED: Final = Problem(
    "forbidden",
    "This call came through a proxy that Recoup was not told of.",
    cure="Set behind_proxy (RECOUP_BEHIND_PROXY) to the proxy's address, like 127.0.0.1 for one on this machine; "
    "without a proxy send no X-Forwarded-* and no Forwarded.",
)
_FOREIGN: Final = Problem(
    "forbidden",
    "Recoup does not answer under this Host.",
    cure="Call the address of public_url, or add the name to allowed_hosts (RECOUP_ALLOWED_HOSTS).",
)


class Hosts:
    """Names that calls may ask for. An address of numbers is always one: no page of another site has it for a name."""

    def __init__(self, names: Iterable[str]) -> None:
        """`*` is any name, `*.example.com` any below that one."""
        cleaned = [name.strip().lower().rstrip(".") for name in names if name.strip()]
        self._all = "*" in cleaned
        self._names = frozenset(name for name in cleaned if not name.startswith("*"))
        self._below = (".localhost", *(name[1:] for name in cleaned if name.startswith("*.")))
        self.allows = lru_cache(maxsize=1024)(self._allows)

    def _allows(self, host: bytes) -> bool:
        if self._all:
            return True
        name = _without_port(host.decode("latin-1").strip().lower()).rstrip(".")
        return name in self._names or name == "localhost" or name.endswith(self._below) or _is_address(name)


class Front:
    """`X-Forwarded-For` and `-Proto` of a named proxy say who calls and over what; the last that is no proxy counts."""

    def __init__(self, app: App, refuse: Refuse, proxies: Proxies, hosts: Hosts) -> None:
        self._app, self._refuse, self._proxies, self._hosts = app, refuse, proxies, hosts
        self._last_warning_at = -TELL_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            forwarded, problem, peer = False, None, scope.get("client")
            for name, value in scope["headers"]:
                if name == b"host":
                    if not self._hosts.allows(value):
                        problem = _FOREIGN
                elif name.startswith(b"x-forwarded-") or name == b"forwarded":
                    forwarded = True
            if forwarded:
                if peer is not None and peer[0] in self._proxies:
                    self._believe(scope)
                else:
                    problem = _UNNAMED
            if problem is not None and scope["path"] not in PROBES:
                await send_refusal(send, self._refuse(scope, problem), (b"connection", b"close"))
                return
            if self._proxies and scope.get("client") is peer and scope["path"] not in PROBES:
                self._tell_of_silence(peer)
        await self._app(scope, receive, send)

    def _tell_of_silence(self, client: tuple[str, int] | None) -> None:
        """A named proxy that does not say for whom it calls: all of its callers share one throttle."""
        if client is not None and client[0] in self._proxies and monotonic() - self._last_warning_at >= TELL_SECONDS:
            self._last_warning_at = monotonic()
            _LOG.warning(
                "The proxy %s sends no X-Forwarded-For: all who call through it count as one. Let it add the "
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
        for one in reversed(forwarded.get(b"x-forwarded-for", [])):
            host = _without_port(one.strip().decode("latin-1"))
            if not _is_address(host):
                return
            scope["client"] = (host, 0)
            if host not in self._proxies:
                return


def _without_port(text: str) -> str:
    """`[::1]:80`, `a.example:80`, `::1` -> the name or address alone. What has anything else behind it stays whole, and
    is no name."""
    found = _WITH_PORT.fullmatch(text)
    return found[1] or found[2] if found else text


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True

"""Names to checked addresses, remembered for a few seconds so that a busy receiver is not a busy
name server; and for longer where the name servers do not answer."""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

REMEMBERED_SECONDS: Final = 5.0
# While nobody answers, an address that was checked at most so long ago is called again.
UNANSWERED_SECONDS: Final = 3600.0
PATIENCE_SECONDS: Final = 1.0
NAMES_MAX: Final = 4096
ADDRESSES_MAX: Final = 16

Lookup = Callable[[str], Awaitable[list[str]]]
Allowed = Callable[[IPv4Address | IPv6Address], bool]


class RefusedAddress(OSError):
    """A name has an address that may not be called."""


class CheckedNames(AbstractResolver):
    """Resolves for the connection pool. One address that may not be called refuses the whole name:
    a receiver that mixes public and inner addresses is either broken or trying something."""

    def __init__(self, lookup: Lookup, allowed: Allowed) -> None:
        self._lookup = lookup
        self._allowed = allowed
        self._known: OrderedDict[str, tuple[float, list[str]]] = (
            OrderedDict()
        )  # time of the answer, addresses
        self._asking: dict[str, asyncio.Task[list[str]]] = {}

    async def addresses(self, host: str) -> list[str]:
        """The checked addresses of a name, at most a few seconds old, or the last ones while no
        name server answers. Raises: RefusedAddress; OSError when the name does not resolve."""
        known, now = self._known.get(host), asyncio.get_running_loop().time()
        if known and now - known[0] < REMEMBERED_SECONDS:
            return known[1]
        asking = self._asking.get(host)
        if asking is None:
            # One question for all who wait; shielded, so that one caller's time-out does not end it
            # for the others.
            asking = self._asking[host] = asyncio.create_task(self._ask(host))
            asking.add_done_callback(lambda task: self._keep_answer(host, task))
        if known is None or now - known[0] >= UNANSWERED_SECONDS:
            return await asyncio.shield(asking)
        await asyncio.wait({asking}, timeout=PATIENCE_SECONDS)
        if not asking.done() or _is_unanswered(asking):
            return known[1]
        return asking.result()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The pool's way in; it connects to nothing but what this returns."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self.addresses(host)
        ]

    async def close(self) -> None:
        for task in list(self._asking.values()):
            task.cancel()

    async def _ask(self, host: str) -> list[str]:
        addresses = list(dict.fromkeys(await self._lookup(host)))
        if not addresses:
            raise OSError(f"{host} has no address")
        for address in addresses:
            if not self._allowed(ip_address(address)):
                raise RefusedAddress(f"{host} resolves to an address that is not public")
        return addresses[:ADDRESSES_MAX]

    def _keep_answer(self, host: str, task: asyncio.Task[list[str]]) -> None:
        self._asking.pop(host, None)
        if task.cancelled() or _is_unanswered(task):
            return
        if task.exception():
            self._known.pop(host, None)
            return
        self._known[host] = (asyncio.get_running_loop().time(), task.result())
        self._known.move_to_end(host)
        if len(self._known) > NAMES_MAX:
            self._known.popitem(last=False)


def _is_unanswered(task: asyncio.Task[list[str]]) -> bool:
    """True when nobody said whether the name has an address."""
    error = task.exception()
    return isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN

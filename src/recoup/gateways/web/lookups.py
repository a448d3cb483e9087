"""Questions to the machine's resolver, beside everything else that asks it.

A name server that does not answer holds a question for ten seconds and more, and the owner of a domain can have such a
one. So questions have threads of their own: the event loop's few serve the databases and the card processor. One domain
has few of them, and domains that were slow have half of them together.
"""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Final

from recoup.gateways.web.threads import in_thread

THREADS_MAX: Final = 32
EACH_MAX: Final = 4  # of one domain
WAITING_MAX: Final = 64  # of one domain
SLOW_SECONDS: Final = 1.0
REMEMBERED_MAX: Final = 4096

Ask = Callable[[str], list[str]]


class Lookups:
    """One a client. `ask` blocks, and raises OSError for a name without an address."""

    def __init__(self, ask: Ask | None = None) -> None:
        self._ask = ask or _resolve
        self._all, self._slow = asyncio.Semaphore(THREADS_MAX), asyncio.Semaphore(THREADS_MAX // 2)
        self._domains: dict[str, _Domain] = {}
        self._were_slow: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, host: str) -> list[str]:
        """Raises: OSError."""
        name = domain_of(host)
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


def domain_of(host: str) -> str:
    """The last two labels: roughly what one owner has, and one set of name servers answers for."""
    return ".".join(host.lower().rsplit(".", 2)[-2:])


def _resolve(host: str) -> list[str]:
    """IPv4 and IPv6."""
    infos: list[Any] = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    # A scope ("%eth0") only comes with addresses that are refused anyway; ip_address reads it.
    return [str(info[4][0]) for info in infos]

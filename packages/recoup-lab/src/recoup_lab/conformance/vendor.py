"""A vendor's connector before the stand-in of that vendor, as every such subject has it."""

import tempfile
from abc import abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Generic, TypeVar

from recoup.kernel.problem import Problem
from recoup.processors.gateways.connector import Connector, Notice, is_connector
from recoup.processors.gateways.kinds import KINDS, Connection
from recoup.processors.gateways.port import StatementLine
from recoup_lab.conformance.check import FailedError
from recoup_lab.conformance.subject import Subject
from recoup_lab.processors.serving import Serving

S = TypeVar("S", bound=Serving)


class VendorSubject(Subject, Generic[S]):
    """`kind`: of the connector. `server`: its stand-in. `paths`: what `break_down` breaks, as that
    names calls."""

    kind: str
    server: type[S]
    paths: Mapping[str, str] = {}
    standin: S

    async def _serve(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="recoup-conformance-")
        book, clocks = Path(self._folder.name) / "book.sqlite", self.clocks
        made = self.server(book, faults=self.faults, clock=lambda: clocks.wall().timestamp())
        self.standin = await made.start()

    async def _end(self) -> None:
        await self.standin.stop()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        return self.standin.address

    def calls(self) -> list[str]:
        return self.standin.calls

    def unpublished(self) -> list[str]:
        return self.standin.refused

    def _path(self, of: str) -> str:
        return self.paths[of]

    async def lines(self) -> list[StatementLine]:
        """Lines of the day before and the day after. Raises: FailedError."""
        begin, end = (self.clocks.wall() + timedelta(days=days) for days in (-1, 1))
        return [one async for page in self._reading("lines").lines(begin, end) for one in page]

    def read(self, headers: Mapping[str, str], body: bytes) -> list[Notice]:
        return self._reading("notices").read_notices(headers, body, self.clocks.wall())

    def _reading(self, what: str) -> Connector:
        """Raises: FailedError."""
        if not is_connector(self.connector):
            raise FailedError(f"it reads no {what}")
        return self.connector

    @abstractmethod
    def live_connection(self) -> Connection:
        """Connection in the sandbox with a key or an address of live."""

    def takes_live_key_in_sandbox(self) -> bool:
        try:
            self._open.append(KINDS[self.kind].make(self.live_connection(), None))
        except Problem:
            return False
        return True

"""HTTP of every stand-in: it counts calls, spoils them on demand, keeps a book, and sends signed
notices."""

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from recoup_lab.processors.book import KEPT_FOR, Book
from recoup_lab.processors.faults import Fault, Faults
from recoup_lab.processors.reports import LAYOUTS, report
from recoup_lab.processors.spoil import QUIET, cut, streamed

NOTICE_TRIES: Final = 3
BODY_BYTES_MAX: Final = 1_048_576


class Answered(NamedTuple):
    status: int
    body: str
    media_type: str = "application/json"


class Posted(NamedTuple):
    """A notice as it goes out."""

    body: bytes
    headers: Mapping[str, str]


class Serving(ABC):
    """Make it inside a running loop. `keys_kept_for`: how long it knows an idempotency key."""

    keys_kept_for = KEPT_FOR

    def __init__(
        self,
        path: Path | str,
        *,
        faults: Faults | None = None,
        notices_to: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.book, self.clock = Book(path, self.keys_kept_for), clock
        self.faults, self.notices_to = faults or Faults(), notices_to
        self.calls: list[str] = []
        self.refused: list[str] = []  # what the vendor does not publish of them
        self.under_way = set[str]()  # idempotency keys whose answer is on its way
        self.url = ""
        self._sending: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> Self:
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2, access_log=None, logger=QUIET)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        for task in self._sending:
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
        self.book.close()

    @property
    def address(self) -> str:
        """The address of the vendor's API."""
        return self.url

    @property
    def shown(self) -> str:
        """The text of what a caller needs to reach it."""
        return self.url

    def named(self, request: web.Request, text: str) -> str:
        """The call, as faults name it."""
        return f"{request.method} {request.path}"

    @abstractmethod
    def answer(self, request: web.Request, call: str, text: str) -> Answered:
        """Answers as the vendor would, in what it does and says."""

    @abstractmethod
    def refusal(self, kind: str) -> Answered | None:
        """The vendor's words for a fault that is answered in place of doing it; None for one that
        is not."""

    @abstractmethod
    def broken(self, *, status: int) -> Answered:
        """An error under this status, after it was done."""

    @abstractmethod
    def lied(self, kind: str, said: Answered) -> Answered:
        """The answer with this lie in it."""

    def while_running(self) -> Answered | None:
        """The answer to a repeat whose first answer is still on its way; None for that answer."""
        return None

    def notices(self) -> list[Posted]:
        """Notices of the calls since it was last read."""
        return []

    def signed_anew(self, posted: Posted) -> Posted:
        return posted

    def moved(self) -> Iterable[dict[str, Any]]:
        """Movements, oldest first, as its reports' rows are filled."""
        return ()

    def _download(self, name: str) -> web.Response:
        """`/downloads/NAME.csv`; the list of names at `/downloads`."""
        vendor = type(self).__module__.split(".")[-2]
        if name.removesuffix(".csv") not in LAYOUTS[vendor]:
            return web.json_response([f"{self.url}/downloads/{one}.csv" for one in LAYOUTS[vendor]])
        return web.Response(
            text=report(vendor, name.removesuffix(".csv"), self.moved()), content_type="text/csv"
        )

    def payer_page(self, request: web.Request, text: str) -> web.Response | None:
        """The page for a payer's browser sent here to confirm; None for a call of the API."""
        return None

    async def _take(self, request: web.Request) -> web.StreamResponse:
        text = (await request.read()).decode()
        if request.path.startswith("/downloads"):
            return self._download(request.path.rpartition("/")[2])
        if (page := self._shown(request, text)) is not None:
            return page
        call = self.named(request, text)
        self.calls.append(call)
        fault = self.faults.of(call)
        if fault is not None and (early := self._instead(fault, request)) is not None:
            return early
        key = request.headers.get("idempotency-key", "")
        if key in self.under_way and (busy := self.while_running()) is not None:
            return _response(busy)
        said = self._kept(request, call, text)
        self.send_notices(times=2 if fault is not None and fault.kind == "doubled" else 1)
        self.under_way.add(key)
        try:
            return await self._spoiled(fault, request, said)
        finally:
            self.under_way.discard(key)

    def _shown(self, request: web.Request, text: str) -> web.Response | None:
        self.book.begin()
        try:
            page = self.payer_page(request, text)
        except BaseException:
            self.book.undo()
            raise
        self.book.done()
        if page is not None:
            self.send_notices()
        return page

    def _kept(self, request: web.Request, call: str, text: str) -> Answered:
        self.book.begin()
        try:
            said = self.answer(request, call, text)
        except BaseException:
            self.book.undo()
            raise
        self.book.done()
        return said

    def _instead(self, fault: Fault, request: web.Request) -> web.StreamResponse | None:
        if fault.kind == "never":
            cut(request)
        if fault.kind == "redirect":
            raise web.HTTPTemporaryRedirect(f"{self.url}/elsewhere")
        said = self.refusal(fault.kind)
        return _response(said) if said is not None else None

    async def _spoiled(
        self, fault: Fault | None, request: web.Request, said: Answered
    ) -> web.StreamResponse:
        """The answer's way back."""
        kind = fault.kind if fault is not None else ""
        if kind == "late" and fault is not None:
            await asyncio.sleep(fault.seconds)
        if kind == "lost":
            cut(request)
        if kind == "html":
            return web.Response(text="<html>Bad gateway</html>", content_type="text/html")
        if kind in ("error_200", "saved_500"):
            return _response(self.broken(status=200 if kind == "error_200" else 500))
        if kind in ("cut", "endless"):
            return await streamed(request, said.body, endless=kind == "endless")
        lies = kind in ("other_id", "other_amount", "other_currency", "part") and said.status < 300
        return _response(self.lied(kind, said) if lies else said)

    def send_notices(self, *, times: int = 1) -> None:
        notices = self.notices()
        if not self.notices_to:
            return
        for posted in notices * times:
            task = asyncio.get_running_loop().create_task(self._notify(posted))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _notify(self, posted: Posted) -> None:
        async with ClientSession(timeout=ClientTimeout(5)) as session:
            for number in range(NOTICE_TRIES):
                body, headers = self.signed_anew(posted)
                try:
                    async with session.post(
                        self.notices_to, data=body, headers=headers
                    ) as response:
                        if response.status < 300:
                            return
                except (ClientError, TimeoutError):
                    pass
                await asyncio.sleep(0.2 * 2**number)


def _response(said: Answered) -> web.Response:
    return web.Response(text=said.body, status=said.status, content_type=said.media_type)


def as_json(plain: object, status: int = 200) -> Answered:
    return Answered(status, json.dumps(plain))

"""No body larger than the limit gets in, whatever it says about itself."""

import asyncio
from collections.abc import Mapping
from typing import Final

from recoup.doors.edge.asgi import App, Message, Receive, Refuse, Scope, Send, header, send_refusal
from recoup.doors.edge.json_body import READ_SECONDS_MAX
from recoup.kernel.problem import Problem

BODY_BYTES_MAX: Final = 1 << 20
# Read and thrown away before the answer, so that a client still writing hears 413 and not a broken pipe.
DRAINED_BYTES_MAX: Final = 8 << 20
DRAIN_SECONDS_MAX: Final = 2.0


class BodyLimit:
    """413 for a body over `bytes_max`, before routing and before any credential is looked at.

    A declared length is believed when it is too large. A body without one is read here first, up to the
    limit, so that its size is known before anything else is said about the call. What a lying length lets
    through is counted while the door reads, and ends as the same 413. `larger`: paths whose door takes files and writes
    them down as they come, with their limit; a body that does not declare its length is kept to the usual one. Those in
    `streamed` take it without a declared length too, and count it themselves.
    """

    def __init__(
        self,
        app: App,
        refuse: Refuse,
        bytes_max: int = BODY_BYTES_MAX,
        larger: Mapping[str, int] | None = None,
        streamed: Mapping[str, int] | None = None,
    ) -> None:
        self._app, self._first = app, True
        self._refuse = refuse
        self._bytes_max = bytes_max
        self._larger = {path: BodyLimit(app, refuse, most) for path, most in (larger or {}).items()}
        self._streamed = {path: BodyLimit(app, refuse, most) for path, most in (streamed or {}).items()}
        for one in self._streamed.values():
            one._first = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = header(scope, b"content-length")
        if scope["path"] in self._streamed and scope["method"] == "POST":
            await self._streamed[scope["path"]](scope, receive, send)
            return
        if declared is not None and scope["path"] in self._larger:
            await self._larger[scope["path"]](scope, receive, send)
            return
        if declared is not None and not self._fits(declared):
            await self._answer(scope, receive, send)
            return
        if self._first and declared is None and header(scope, b"transfer-encoding") is not None:
            try:
                async with asyncio.timeout(READ_SECONDS_MAX):
                    first = await self._read_first(receive)
            except TimeoutError:
                late = Problem("malformed", "The body did not arrive in time.", cure="Send it at once.")
                await send_refusal(send, self._refuse(scope, late), (b"connection", b"close"))
                return
            if first is None:
                await self._answer(scope, receive, send)
                return
            receive = _after(first, receive)
        await self._run(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, read = False, 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > self._bytes_max:
                    raise self._problem()
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except Problem as problem:
            if problem.code != "too_large" or started:
                raise
            await self._answer(scope, receive, send)

    async def _read_first(self, receive: Receive) -> Message | None:
        """The whole body as one message, or None when it is too large."""
        chunks, size = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return message
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self._bytes_max:
                return None
            if not message.get("more_body", False):
                return {"type": "http.request", "body": b"".join(chunks), "more_body": False}

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Who asks first (Expect: 100-continue) hears no before sending.
        if header(scope, b"expect") is None:
            await _drain(receive)
        await send_refusal(send, self._refuse(scope, self._problem()), (b"connection", b"close"))

    def _fits(self, declared: bytes) -> bool:
        return declared.isdigit() and len(declared) <= 18 and int(declared) <= self._bytes_max

    def _problem(self) -> Problem:
        message = f"The body is larger than {self._bytes_max} bytes."
        return Problem("too_large", message, cure="Send less in one call.", bytes_max=self._bytes_max)


def _after(first: Message, receive: Receive) -> Receive:
    """A receive that gives `first` before it goes on as before."""
    waiting = [first]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


async def _drain(receive: Receive) -> None:
    read = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS_MAX):
            while read < DRAINED_BYTES_MAX:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
                read += len(message.get("body", b""))
    except TimeoutError:
        return

"""Types that ASGI passes around, and how a refusal is written before any door is reached."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from dataclasses import field
from typing import Any

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


class ClientGone(Exception):
    """The caller hung up before its body was complete: there is nobody to answer."""


@frozen
class Refusal:
    """A whole answer in the dialect of the path. Header names are lower case."""

    status: int
    body: bytes
    headers: Headers = field(default_factory=list)


# Each dialect writes a Problem in its own shape; `main` chooses by path.
Refuse = Callable[[Scope, Problem], Refusal]


async def send_refusal(send: Send, refusal: Refusal, *extra: tuple[bytes, bytes]) -> None:
    headers = [*refusal.headers, *extra, (b"content-length", b"%d" % len(refusal.body))]
    whole = getattr(send, "whole", None)
    if whole is not None and whole(refusal.status, headers, refusal.body):
        return
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body})


async def send_stream(
    receive: Receive,
    send: Send,
    status: int,
    headers: Iterable[tuple[bytes, bytes]],
    parts: AsyncIterator[bytes],
) -> None:
    """A body whose length is not known before. It begins with its first part: a Problem until then
    is still raised. For a caller that hangs up nothing more is read."""
    first = await anext(parts, b"")
    gone = asyncio.create_task(hangs_up(receive))
    try:
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": first, "more_body": True})
        async for part in parts:
            if gone.done():
                return
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


async def hangs_up(receive: Receive) -> None:
    """Returns when the caller, whose body was read, does."""
    while (await receive())["type"] != "http.disconnect":
        pass


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of this lower-case name. Source: ASGI gives names in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            text: bytes = value
            return text
    return None


def answer_headers(scope: Scope) -> Headers:
    """Headers that the call's handlers add, whatever the answer becomes."""
    kept: Headers = state(scope).setdefault("headers", [])
    return kept


def state(scope: Scope) -> dict[str, Any]:
    """State that middlewares leave for the doors; Starlette shows it as `request.state`."""
    kept: dict[str, Any] = scope.setdefault("state", {})
    return kept

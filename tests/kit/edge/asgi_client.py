"""Calls an ASGI app with exactly the messages that a test wants to send."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import App, Message, Refusal, Scope


@dataclass
class Got:
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    scope: Scope = field(default_factory=dict)

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)


def scope_of(
    path: str = "/", headers: list[tuple[bytes, bytes]] | None = None, **more: Any
) -> Scope:
    base: Scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode()}
    return {**base, "headers": headers or [], "scheme": "http", "client": ("192.0.2.7", 5), **more}


def request(*chunks: bytes) -> list[Message]:
    """The messages of a body in these chunks."""
    bodies = chunks or (b"",)
    return [
        {"type": "http.request", "body": chunk, "more_body": number < len(bodies)}
        for number, chunk in enumerate(bodies, 1)
    ]


def call(app: App, scope: Scope, messages: list[Message]) -> Got:
    got, waiting = Got(scope=scope), list(messages)

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            got.status, got.headers = message["status"], list(message.get("headers", []))
        else:
            got.body += message.get("body", b"")

    asyncio.run(app(scope, receive, send))
    return got


def refuse(_scope: Scope, problem: Problem) -> Refusal:
    status = {"too_large": 413, "too_many_requests": 429, "unavailable": 503}[problem.code]
    return Refusal(status, problem.code.encode(), [(b"content-type", b"text/plain")])

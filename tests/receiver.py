"""A webhook receiver on 127.0.0.1 that answers as told, and the contract's §14.4 by hand, apart
from our own code."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.door import Door
from tests.odd_servers import serving


@dataclass(frozen=True)
class Delivery:
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def event(self) -> str:
        return str(self.json["Event"])

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["EventData"]
        return found


@dataclass
class Receiver:
    """`answers` are given in turn, then 200; `holding` keeps every answer back until it is set."""

    port: int
    got: list[Delivery] = field(default_factory=list)
    answers: list[bytes | int] = field(default_factory=list)
    holding: asyncio.Event | None = None

    def url(self, path: str = "/hooks") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def events(self) -> list[str]:
        return [delivery.event for delivery in self.got]


@contextmanager
def receiving(door: Door) -> Iterator[Receiver]:
    """Listens while the door's loop runs."""
    receiver = Receiver(0)

    async def behave(
        head: bytes, body: bytes, _connection: int, _number: int, writer: asyncio.StreamWriter
    ) -> None:
        line, *lines = head.decode("latin-1").strip().split("\r\n")
        pairs = [one.split(":", 1) for one in lines]
        receiver.got.append(
            Delivery(line, {name.lower(): value.strip() for name, value in pairs}, body)
        )
        answer = receiver.answers.pop(0) if receiver.answers else 200
        if receiver.holding is not None:
            await receiver.holding.wait()
        if isinstance(answer, int):
            answer = f"HTTP/1.1 {answer} Told\r\ncontent-length: 2\r\n\r\nok".encode()
        writer.write(answer)
        await writer.drain()

    context = serving(behave)
    receiver.port = door.run(context.__aenter__())
    try:
        yield receiver
    finally:
        door.run(context.__aexit__(None, None, None))


def is_standard(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether one of the signatures is the secret's, as Standard Webhooks say."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mine = hmac.new(base64.b64decode(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(mine).decode()}" in headers["webhook-signature"].split(" ")


def signed_by_hand(key_b64: str, headers: dict[str, str], body: bytes) -> None:
    """Asserts what §14.4 says, step by step, for one received request."""
    key = base64.b64decode(key_b64)
    assert len(key) == 64
    nonce, date, host = headers["x-fc-nonce"], headers["x-fc-date"], headers["host"]
    assert re.fullmatch("[0-9a-f]{32}", nonce)
    assert re.fullmatch(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT", date)
    content = base64.b64encode(hashlib.sha512(body).digest()).decode()
    assert headers["x-fc-content-sha512"] == content
    to_sign = f"POST\n{nonce};{date};{host};{content}"
    signature = base64.b64encode(hmac.new(key, to_sign.encode(), hashlib.sha512).digest()).decode()
    scheme = "HMAC-SHA512 SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature="
    assert headers["x-fc-authorization"] == scheme + signature
    assert (
        headers["x-fc-signature"]
        == base64.b64encode(hmac.new(key, body, hashlib.sha512).digest()).decode()
    )

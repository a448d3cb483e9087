"""How one call goes, without saying over what: a generator that yields requests and pauses, and is sent responses.

Two drivers perform it: one waits, one awaits.
"""

import asyncio
import email.utils
import random
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from recoup_client.problem import RecoupError, told, unanswered

TRIES = 4
PAUSE_SECONDS_MAX = 30.0
_AGAIN = frozenset({429, 502, 503, 504})
_KEYS = ("idempotencyKey", "merchant_order_id")


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


Talk = Generator[httpx.Request | Pause, Any, Any]


class Credential(Protocol):
    def sign(self, request: httpx.Request) -> Talk:
        """Makes the request the caller's own; may need calls of its own."""

    def renew(self) -> bool:
        """After a 401: whether a new proof may be taken where this one was not."""


def call(credential: Credential, base_url: str, method: str, path: str, *, body: Any = None, query: Any = None) -> Talk:
    """Returns the answer's JSON, None for an empty one, bytes for what is no JSON.

    Repeats what may be repeated: a call that was not heard or was refused for its rate, and one that the server makes
    once however often it comes. Raises: RecoupError for a refusal; httpx.TransportError when there is no answer, which
    the drivers make a RecoupError.
    """
    renewed = False
    for left in range(TRIES - 1, -1, -1):
        sent: Any = {"content": body} if isinstance(body, bytes) else {"json": body}
        request = httpx.Request(method, base_url + path, **sent, params=_given(query))
        yield from credential.sign(request)
        try:
            response: httpx.Response = yield request
        except httpx.TransportError as error:
            if not left or not (isinstance(error, httpx.ConnectError) or may_repeat(method, body)):
                raise
            yield Pause(_seconds(left, None))
            continue
        if left and response.status_code == 401 and not renewed:
            renewed = True
            if credential.renew():
                continue
        if left and response.status_code in _AGAIN and (response.status_code == 429 or may_repeat(method, body)):
            yield Pause(_seconds(left, response.headers.get("retry-after")))
            continue
        return read(response)
    raise AssertionError("the last try returns or raises")


def may_repeat(method: str, body: Any) -> bool:
    """Whether the same call twice does once what it does."""
    return method in ("GET", "PUT", "DELETE") or (isinstance(body, dict) and any(body.get(key) for key in _KEYS))


def read(response: httpx.Response) -> Any:
    """Raises: RecoupError."""
    if response.status_code >= 400:
        raise RecoupError(**told(response))
    if not response.content:
        return None
    return response.json() if "json" in response.headers.get("content-type", "") else response.content


def perform(client: httpx.Client, talk: Talk) -> Any:
    """The driver that waits. Raises: RecoupError."""
    answer: httpx.Response | None = None
    failed: httpx.TransportError | None = None
    while True:
        try:
            step = talk.throw(failed) if failed else talk.send(answer)
        except StopIteration as end:
            return end.value
        except httpx.TransportError as error:
            raise unanswered(error) from error
        answer = failed = None
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            continue
        try:
            answer = client.send(step)
        except httpx.TransportError as error:
            failed = error


async def perform_async(client: httpx.AsyncClient, talk: Talk) -> Any:
    """The driver that awaits. Raises: RecoupError."""
    answer: httpx.Response | None = None
    failed: httpx.TransportError | None = None
    while True:
        try:
            step = talk.throw(failed) if failed else talk.send(answer)
        except StopIteration as end:
            return end.value
        except httpx.TransportError as error:
            raise unanswered(error) from error
        answer = failed = None
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            continue
        try:
            answer = await client.send(step)
        except httpx.TransportError as error:
            failed = error


def _seconds(left: int, asked: str | None) -> float:
    """The server's own wish, else longer each time, never the same for all callers."""
    if asked and asked.isascii() and asked.isdigit():
        return min(float(asked), PAUSE_SECONDS_MAX)
    if asked:
        try:
            wanted = email.utils.parsedate_to_datetime(asked).timestamp() - time.time()
        except ValueError:
            wanted = 1.0
        return min(max(wanted, 0.0), PAUSE_SECONDS_MAX)
    return random.uniform(0.25, 0.5) * float(2 ** (TRIES - left))


def _given(query: Any) -> Any:
    return {name: value for name, value in query.items() if value is not None} if query else None

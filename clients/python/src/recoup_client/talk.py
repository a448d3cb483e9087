"""How one call goes, without saying over what: a generator that yields requests and pauses, and is
sent responses.

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

from recoup_client.errors import BY_CODE, RecoupError
from recoup_client.problem import BEFORE_SENDING, told, unanswered

PAUSE_SECONDS_MAX = 30.0
_AGAIN = frozenset({429, 500, 502, 503, 504})
_IN_PROGRESS = "409002"
_JSON = "application/json"
_KEYS = ("idempotencyKey", "merchant_order_id")


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


Talk = Generator[httpx.Request | Pause, Any, Any]


class Credential(Protocol):
    def sign(self, request: httpx.Request) -> Talk:
        """Makes the request the caller's own; may need calls of its own."""

    def renew(self, code: str) -> bool:
        """Answers, after a 401 with this code, whether a new proof may be taken where this one was
        not."""


def call(
    credential: Credential,
    base_url: str,
    method: str,
    path: str,
    *,
    body: Any = None,
    query: Any = None,
    key: str | None = None,
    retries: int,
) -> Talk:
    """Returns the answer's JSON, None for an empty one, bytes for what is no JSON. `key`: the
    Idempotency-Key.

    Repeats what may be repeated: a call that was not heard or was refused for its rate, one whose
    first call is still in progress, and one that the server makes once however often it comes; a
    refused token is renewed once. Raises: RecoupError, for a refusal or when there is no answer.
    """
    tries, renewed, repeatable = 0, False, bool(key) or may_repeat(method, body)
    while True:
        tries, is_signed = tries + 1, False
        sent: Any = {"content": body} if isinstance(body, bytes) else {"json": body}
        headers = {"Idempotency-Key": key} if key else None
        request = httpx.Request(
            method, base_url + path, **sent, params=_given(query), headers=headers
        )
        try:
            yield from credential.sign(request)
            is_signed = True
            response: httpx.Response = yield request
        except httpx.TransportError as error:
            was_sent = is_signed and not isinstance(error, BEFORE_SENDING)
            if tries > retries or (was_sent and not repeatable):
                raise unanswered(error, was_sent=was_sent) from error
            yield Pause(_seconds(tries, None))
            continue
        if response.status_code == 401 and not renewed:
            renewed = True
            if credential.renew(told(response)["code"]):
                tries -= 1
                continue
        if (
            tries <= retries
            and _is_passing(response)
            and (response.status_code == 429 or repeatable)
        ):
            yield Pause(_seconds(tries, response.headers.get("retry-after")))
            continue
        return read(response)


def _is_passing(response: httpx.Response) -> bool:
    """Whether the same call may fare better in a moment."""
    return (
        response.status_code in _AGAIN
        or response.status_code == 409
        and told(response)["code"] == _IN_PROGRESS
    )


def may_repeat(method: str, body: Any) -> bool:
    """Whether the same call twice does once what it does."""
    return method in ("GET", "PUT", "DELETE") or (
        isinstance(body, dict) and any(body.get(key) for key in _KEYS)
    )


def read(response: httpx.Response) -> Any:
    """Raises: RecoupError, also for a refund or capture that is refused with HTTP 200."""
    if not response.is_success:
        said = told(response)
        raise BY_CODE.get(said["code"], RecoupError)(**said)
    if response.headers.get("content-type", _JSON).partition(";")[0] != _JSON:
        return response.content
    if not response.content:
        return None
    answer = response.json()
    if isinstance(answer, dict) and answer.get("success") is False:
        refused = BY_CODE.get(answer.get("statusCode") or "")
        if refused is not None:
            raise refused(**told(response))
    return answer


def perform(client: httpx.Client, talk: Talk) -> Any:
    """The driver that waits. Raises: RecoupError."""
    answer: httpx.Response | None = None
    failed: httpx.TransportError | None = None
    while True:
        try:
            step = talk.throw(failed) if failed else talk.send(answer)
        except StopIteration as end:
            return end.value
        answer = failed = None
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            continue
        try:
            answer = client.send(_patient(step, client.timeout))
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
        answer = failed = None
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            continue
        try:
            answer = await client.send(_patient(step, client.timeout))
        except httpx.TransportError as error:
            failed = error


def _patient(request: httpx.Request, usual: httpx.Timeout) -> httpx.Request:
    """A call that lets the server wait has these seconds beside the usual ones."""
    wait = request.url.params.get("wait", "")
    if wait.isascii() and wait.isdigit() and usual.read is not None:
        request.extensions["timeout"] = {**usual.as_dict(), "read": usual.read + int(wait)}
    return request


def _seconds(tries: int, asked: str | None) -> float:
    """The server's own wish, else longer each time, never the same for all callers."""
    if asked and asked.isascii() and asked.isdigit():
        return min(float(asked), PAUSE_SECONDS_MAX)
    if asked:
        try:
            wanted = email.utils.parsedate_to_datetime(asked).timestamp() - time.time()
        except ValueError:
            wanted = 1.0
        return min(max(wanted, 0.0), PAUSE_SECONDS_MAX)
    return random.uniform(0.25, 0.5) * float(2 ** min(tries, 6))


def _given(query: Any) -> Any:
    return {name: value for name, value in query.items() if value is not None} if query else None

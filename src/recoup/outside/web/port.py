"""Port for calling out over HTTP, as a flow sees it."""

from collections.abc import Mapping
from dataclasses import field
from typing import Final, Literal, Protocol

from recoup.kernel.frozen import frozen

ANSWER_BYTES: Final = 2048  # what is kept of a body

# The last two are the flow's own: nothing was sent.
Error = Literal[
    "refused_address",
    "dns",
    "connect",
    "tls",
    "timeout",
    "too_large",
    "protocol",
    "not_rendered",
    "switched_off",
]


@frozen
class Answer:
    """Outcome of a single call.

    `status` is set as soon as the answer's head arrived; `error` when the call did not end well,
    and then counts before the status. `headers` have lower-case names, the first value of each.
    `body_start` is what was kept of the body, as sent (not decompressed). `latency_ms` runs from
    the start of the call to its end. `retried` tells that a kept connection turned out to be dead
    and the call was made again on a new one.
    """

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body_start: bytes = b""
    latency_ms: float = 0.0
    error: Error | None = None
    retried: bool = False

    @property
    def taken(self) -> bool:
        """Did the receiver say 2xx in time?"""
        return self.error is None and self.status is not None and 200 <= self.status < 300


class Web(Protocol):
    """Port: outgoing HTTP."""

    async def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        timeout_seconds: float = 10.0,
        max_answer_bytes: int = ANSWER_BYTES,
    ) -> Answer:
        """Sends once; never raises for what the network or the receiver does."""
        ...

    async def close(self) -> None: ...

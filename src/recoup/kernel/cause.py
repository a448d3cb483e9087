"""Cause of the work under way: a call, or something due. Log lines name it; calls outward carry its
trace."""

import os
import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final
from uuid import UUID

_TRACEPARENT: Final = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(slots=True)
class Cause:
    """`traceparent`: the caller's, as it came. `order_id`, `attempt_id`: the latest that it
    changed."""

    request_id: str
    traceparent: bytes | None = None
    order_id: UUID | None = None
    attempt_id: UUID | None = None
    _trace: str | None = None

    @property
    def trace(self) -> str:
        """`00-<32 hex>-<16 hex>-01`: the caller's trace, a span of ours; made when it is first
        asked for.

        Source: W3C Trace Context level 1 for `traceparent`; contract §1.2 for the trace id's shape.
        """
        if self._trace is None:
            match = _TRACEPARENT.fullmatch(self.traceparent or b"")
            self._trace = trace_of(match[1].decode() if match else os.urandom(16).hex())
        return self._trace

    @property
    def trace_id(self) -> str | None:
        """The trace's id, where the caller or somebody called knows it."""
        return self.trace[3:35] if self._trace is not None or self.traceparent is not None else None


CAUSE: Final[ContextVar[Cause | None]] = ContextVar("cause", default=None)


def begin(request_id: str, traceparent: bytes | None = None) -> Cause:
    """Begins a cause for this task and those that it starts."""
    cause = Cause(request_id, traceparent)
    CAUSE.set(cause)
    return cause


def begin_later(what: str, subject_id: UUID) -> None:
    """Work that no call waits for. Its trace has the id of its subject, an order's as a rule:
    whoever knows the order finds what was sent for it, and nothing is stored."""
    begin(what)._trace = trace_of(subject_id.hex)


def trace_of(trace_id: str) -> str:
    """Trace with a span of ours."""
    return f"00-{trace_id}-{os.urandom(8).hex()}-01"


def note_order(order_id: UUID, attempt_id: UUID | None = None) -> None:
    cause = CAUSE.get()
    if cause is not None:
        cause.order_id = order_id
        cause.attempt_id = attempt_id or cause.attempt_id


def traceparent() -> dict[str, str]:
    """The header of a call outward; none where nothing is traced."""
    cause = CAUSE.get()
    return {} if cause is None else {"traceparent": cause.trace}

"""Log lines that are written for each call and each attempt: as `main/logs` writes them, at a tenth
of the cost."""

from collections.abc import Callable
from typing import Final

from recoup.kernel.cause import CAUSE
from recoup.kernel.encode import encode
from recoup.kernel.time import Clocks

_clocks: Final = Clocks()
_write: Callable[[bytes], object] | None = None


def write_lines(write: Callable[[bytes], object] | None) -> None:
    """Sets where lines go; None: nowhere."""
    global _write
    _write = write


def line(event: str, **said: object) -> None:
    """Writes a line of JSON: ids of ours and words, never a body, a key or a name. What is None is
    left out. The request, the trace, the order and the attempt are those of the cause, unless
    said."""
    if _write is None:
        return
    fields: dict[str, object] = {"event": event, "level": "info"}
    cause = CAUSE.get()
    if cause is not None:
        fields["request"] = cause.request_id
        if (trace := cause.trace_id) is not None:
            fields["trace"] = trace
        if cause.order_id is not None:
            fields["order"] = cause.order_id
        if cause.attempt_id is not None:
            fields["attempt"] = cause.attempt_id
    for name, value in said.items():
        if value is not None:
            fields[name] = value
    fields["timestamp"] = _clocks.wall()
    _write(encode(fields) + b"\n")

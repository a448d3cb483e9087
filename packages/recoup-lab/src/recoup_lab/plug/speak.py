"""A world as a program: it answers each line of its input with a line, until the input ends.

What cannot be understood, or fails, is answered `{"error": …}`: the output has nothing but answers.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import msgspec

from recoup_lab.plug.wire import (
    ID_CHARS_MAX,
    LINE_BYTES_MAX,
    ROWS_MAX,
    Answers,
    ChargeRequest,
    Ended,
    HelloRequest,
    HistoryPage,
    HistoryRequest,
    Malformed,
    OrdersPage,
    OrdersRequest,
    Signals,
    SignalsRequest,
    read_request,
)
from recoup_lab.world.port import PROTOCOL, World, WorldBroke

_ENCODER: Final = msgspec.json.Encoder()


def speak(world: World, requests: BinaryIO, answers: BinaryIO) -> None:
    for line in _lines(requests):
        answers.write(_answered(world, line) + b"\n")
        answers.flush()


def _lines(requests: BinaryIO) -> Iterator[bytes | None]:
    """Lines of the input; None for one that is too long, whose rest is passed over."""
    while line := requests.readline(LINE_BYTES_MAX + 1):
        if len(line) <= LINE_BYTES_MAX or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = requests.readline(LINE_BYTES_MAX)
        yield None


def _answered(world: World, line: bytes | None) -> bytes:
    try:
        if line is None:
            raise Malformed(f"a line is longer than {LINE_BYTES_MAX} bytes")
        answer = _ENCODER.encode(_answer(world, read_request(line)))
    except (Malformed, WorldBroke) as error:
        return _ENCODER.encode({"error": str(error)})
    except Exception as error:  # noqa: BLE001
        # whatever it is: a traceback is no answer, and the caller waits for one
        return _ENCODER.encode({"error": f"the world failed: {type(error).__name__}"})
    if len(answer) > LINE_BYTES_MAX:
        return _ENCODER.encode(
            {"error": f"the answer is longer than {LINE_BYTES_MAX} bytes: ask for less at once"}
        )
    return answer


def _answer(world: World, request: Any) -> Any:
    """Raises: Malformed, WorldBroke."""
    if isinstance(request, HelloRequest):
        if request.protocol != PROTOCOL:
            raise Malformed(f"this is protocol {PROTOCOL}")
        return world.hello()
    if isinstance(request, HistoryRequest):
        return HistoryPage(*_page(world.history(request.after, _limit(request.limit))))
    if isinstance(request, OrdersRequest):
        return OrdersPage(*_page(world.orders(request.before, _limit(request.limit))))
    if not 1 <= len(request.arm) <= ID_CHARS_MAX:
        raise Malformed(f"arm has to have 1 to {ID_CHARS_MAX} characters")
    if isinstance(request, ChargeRequest):
        return Answers(tuple(world.charge(request.arm, request.charges)))
    if isinstance(request, SignalsRequest):
        return Signals(tuple(world.signals(request.arm, request.before)))
    return Ended(world.end(request.arm))


def _page(page: tuple[Any, Any]) -> tuple[tuple[Any, ...], Any]:
    return tuple(page[0]), page[1]


def _limit(limit: int) -> int:
    if not 1 <= limit <= ROWS_MAX:
        raise Malformed(f"limit is {limit}, not between 1 and {ROWS_MAX}")
    return limit

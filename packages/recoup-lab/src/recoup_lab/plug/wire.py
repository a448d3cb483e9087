"""The lines of recoup-world 1: requests as the world reads them, answers as Recoup reads them.

Units: bytes; money, times and chances as in `world/port`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from recoup_lab.world.port import HistoryRow, Score, Signal, WorldAnswer, WorldCharge, WorldOrder

LINE_BYTES_MAX: Final = 16 << 20
ROWS_MAX: Final = 100_000  # of one request
ID_CHARS_MAX: Final = 100
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class Malformed(ValueError):
    """A line that is none of the protocol's. The message names the member."""


class _Request(msgspec.Struct, frozen=True, tag_field="op", rename="camel"):
    """A JSON object; members that are not listed are ignored."""


class HelloRequest(_Request, frozen=True, tag="hello"):
    protocol: int


class HistoryRequest(_Request, frozen=True, tag="history"):
    limit: int
    after: str | None = None


class OrdersRequest(_Request, frozen=True, tag="orders"):
    before: datetime
    limit: int


class ChargeRequest(_Request, frozen=True, tag="charge"):
    arm: str
    charges: tuple[WorldCharge, ...]


class SignalsRequest(_Request, frozen=True, tag="signals"):
    arm: str
    before: datetime


class EndRequest(_Request, frozen=True, tag="end"):
    arm: str


Request = (
    HelloRequest | HistoryRequest | OrdersRequest | ChargeRequest | SignalsRequest | EndRequest
)


class HistoryPage(msgspec.Struct, frozen=True):
    rows: tuple[HistoryRow, ...]
    next: str | None


class OrdersPage(msgspec.Struct, frozen=True):
    orders: tuple[WorldOrder, ...]
    more: bool


class Answers(msgspec.Struct, frozen=True):
    answers: tuple[WorldAnswer, ...]


class Signals(msgspec.Struct, frozen=True):
    signals: tuple[Signal, ...]


class Ended(msgspec.Struct, frozen=True):
    score: Score


def read_object(line: bytes) -> dict[str, Any]:
    """Raises: Malformed."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"it is no JSON ({error})") from None
    if not isinstance(found, dict):
        raise Malformed("it is no JSON object")
    return found


def read_as(found: Mapping[str, Any], shape: Any) -> Any:
    """The object as that type. Raises: Malformed."""
    try:
        return msgspec.convert(found, shape)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Malformed(str(error)) from None


def check_times(records: Sequence[Mapping[str, Any]], names: Sequence[str], where: str) -> None:
    """Each record's members of these names, where it has them, are UTC, whole seconds, `Z`. Raises:
    Malformed."""
    for place, record in enumerate(records):
        for name in names:
            if name in record and not _TIME.fullmatch(str(record[name])):
                at = f"{where}[{place}].{name}" if where else name
                raise Malformed(f"{at} is not a time like 2026-03-02T15:04:05Z")


def read_request(line: bytes) -> Any:
    """Reads one of `Request`. Raises: Malformed."""
    found = read_object(line)
    request = read_as(found, Request)
    check_times([found], ["before"], "")
    if isinstance(request, ChargeRequest):
        check_times(found["charges"], ["sentAt"], "charges")
    return request

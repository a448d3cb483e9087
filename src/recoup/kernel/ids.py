"""Ids are made by us, before any call: UUIDv7 (RFC 9562), so that they sort by the wall time of
their making."""

import os
import re
import threading
from datetime import datetime
from typing import Final
from uuid import UUID, SafeUUID

from recoup.kernel.time import wall_ms

_USUAL: Final = re.compile("[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
# Before and after every id that is made: where a walk over all of them begins.
LOWEST: Final = UUID(int=0)
HIGHEST: Final = UUID(int=(1 << 128) - 1)
# begins the keys of forms: one that is opened again has another, so none names a refund
FORM: Final = "portal-"

_new: Final = object.__new__
_set: Final = object.__setattr__
_lock = threading.Lock()
_last_ms = 0
_counter = 0


_random = b""
_taken = 0


def _nine_random_bytes() -> int:
    """Random bytes from the system, fetched a page at a time: a call for each id is a fifth of a
    busy writer's time."""
    global _random, _taken
    if _taken + 9 > len(_random):
        _random, _taken = os.urandom(4096), 0
    _taken += 9
    return int.from_bytes(_random[_taken - 9 : _taken], "big")


def _forget() -> None:
    """A forked child must not give out its parent's ids."""
    global _random
    _random = b""


os.register_at_fork(after_in_child=_forget)


def new_id() -> UUID:
    """A UUIDv7 that sorts after every id this process made before."""
    global _last_ms, _counter
    with _lock:
        random = _nine_random_bytes()
        now_ms = wall_ms()
        if now_ms > _last_ms:
            _last_ms, _counter = now_ms, (random >> 62) & 0x3FF
        else:
            _counter += 1
            if _counter > 0xFFF:
                _last_ms, _counter = _last_ms + 1, 0
        value = _last_ms << 80 | 0x7 << 76 | _counter << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return id_of(value)


def id_of(value: int) -> UUID:
    """`UUID(int=value)`, without its checks: a call for each id is much of what a busy door
    does."""
    made = _new(UUID)
    _set(made, "int", value)
    _set(made, "is_safe", SafeUUID.unknown)
    return made


def first_id_of(moment: datetime) -> UUID:
    """Sorts before every id made from that moment on."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def uuid_of(digest: bytes) -> UUID:
    """A UUIDv8 (RFC 9562: custom) of the first 16 bytes: looks like an id, says nothing."""
    value = int.from_bytes(digest[:16], "big")
    value = value & ~(0xF << 76) | 0x8 << 76
    return id_of(value & ~(0b11 << 62) | 0b10 << 62)


def tail(value: UUID) -> str:
    """The last eight hex digits in upper case: `confirmationId` and `referenceNumber`; not
    unique."""
    return value.hex[-8:].upper()


def parse_tail(text: str) -> str | None:
    """Reads a tail as `tail` answers it, in any case, as an id ends with it; or None."""
    plain = text.strip().lower()
    return (
        plain if len(plain) == 8 and all(digit in "0123456789abcdef" for digit in plain) else None
    )


def parse_id(text: str) -> UUID | None:
    """A GUID in any usual spelling, or None."""
    try:
        if _USUAL.fullmatch(text):
            return id_of(int(text.replace("-", ""), 16))
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None


_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES: Final = {character: value for value, character in enumerate(_CROCKFORD)}


def wire_id(prefix: str, value: UUID) -> str:
    """`ord_01k…`: the prefix and the id's 128 bits as a lower-case ULID, 26 digits of Crockford's
    base 32."""
    bits = value.int
    return f"{prefix}_" + "".join(_CROCKFORD[bits >> shift & 31] for shift in range(125, -1, -5))


def parse_wire_id(prefix: str, text: str) -> UUID | None:
    """The id in `wire_id`'s one spelling, or None."""
    head, _, digits = text.partition("_")
    if head != prefix or len(digits) != 26 or digits[0] > "7":
        return None
    bits = 0
    for digit in digits:
        value = _VALUES.get(digit)
        if value is None:
            return None
        bits = bits << 5 | value
    return UUID(int=bits)

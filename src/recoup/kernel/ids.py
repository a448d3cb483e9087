"""Ids are made by us, before any call: UUIDv7 (RFC 9562), so that they sort by the wall time of their making."""

import os
import threading
from uuid import UUID

from recoup.kernel.time import wall_ms

_lock = threading.Lock()
_last_ms = 0
_counter = 0


def new_id() -> UUID:
    """A UUIDv7 that sorts after every id this process made before."""
    global _last_ms, _counter
    random = int.from_bytes(os.urandom(9), "big")
    with _lock:
        now_ms = wall_ms()
        if now_ms > _last_ms:
            _last_ms, _counter = now_ms, (random >> 62) & 0x3FF
        else:
            _counter += 1
            if _counter > 0xFFF:
                _last_ms, _counter = _last_ms + 1, 0
        value = _last_ms << 80 | 0x7 << 76 | _counter << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return UUID(int=value)


def tail(value: UUID) -> str:
    """The last eight hex digits in upper case: `confirmationId` and `referenceNumber`; not unique."""
    return value.hex[-8:].upper()


def parse_id(text: str) -> UUID | None:
    """A GUID in any usual spelling, or None."""
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None

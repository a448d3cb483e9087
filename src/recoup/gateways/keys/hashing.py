"""Keyed hashes (HMAC-SHA256): of bodies, secrets and card numbers, and ids derived from them."""

import hmac
import re
from typing import Final
from uuid import UUID

_PAN: Final = re.compile(r"[0-9]{8,19}", re.ASCII)

Part = str | bytes | int | UUID


def keyed_hash(key: bytes, purpose: str, *parts: bytes) -> bytes:
    """32 bytes. Parts are measured before they are joined, so that ("ab", "c") and ("a", "bc") differ."""
    message = b"".join(len(part).to_bytes(8, "big") + part for part in (purpose.encode(), *parts))
    return hmac.digest(key, message, "sha256")


def same(one: bytes, other: bytes) -> bool:
    """Equal? In a time that tells nothing about where they differ."""
    return hmac.compare_digest(one, other)


def pan_bytes(pan: str) -> bytes:
    """Raises: ValueError, without the number, for anything but 8 to 19 digits."""
    if not _PAN.fullmatch(pan):
        raise ValueError("a card number is 8 to 19 digits")
    return pan.encode()


def part_bytes(part: Part) -> bytes:
    """A kind letter and the value, so that 1 and "1" differ."""
    if isinstance(part, UUID):
        return b"u" + part.bytes
    if isinstance(part, bytes):
        return b"b" + part
    if isinstance(part, int):
        return b"i" + str(part).encode()
    return b"s" + part.encode()


def uuid_of(digest: bytes) -> UUID:
    """A UUIDv8 (RFC 9562: custom) of the first 16 bytes: looks like an id, says nothing."""
    value = int.from_bytes(digest[:16], "big")
    value = value & ~(0xF << 76) | 0x8 << 76
    return UUID(int=value & ~(0b11 << 62) | 0b10 << 62)

"""A browser in which somebody signed in before. That opens nothing: their tries there are counted
apart."""

import base64
import binascii
import hmac
import secrets
from typing import Final
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kit.world import World

TOKEN_LENGTH: Final = 64
_MAC_BYTES: Final = 16


@frozen
class Device:
    """`token`: as the browser keeps it."""

    user_id: UUID
    key: str
    token: str


def new_device(world: World, user_id: UUID) -> str:
    """The token for a browser in which this person just signed in."""
    named = user_id.bytes + secrets.token_bytes(16)
    return base64.urlsafe_b64encode(named + _mac(world, named)).decode()


def device_of(world: World, token: str) -> Device | None:
    """The device of a token; None for what we did not sign."""
    if len(token) != TOKEN_LENGTH or not token.isascii():
        return None
    try:
        plain = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    named, mac = plain[:32], plain[32:]
    if not hmac.compare_digest(mac, _mac(world, named)):
        return None
    return Device(UUID(bytes=named[:16]), named[16:].hex(), token)


def _mac(world: World, named: bytes) -> bytes:
    mac: bytes = world.keys.mac("device", named)
    return mac[:_MAC_BYTES]

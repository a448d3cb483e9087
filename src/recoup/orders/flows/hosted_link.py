"""Links to hosted pages: each names something of a merchant, we signed it for one purpose, nothing
secret is in it."""

import base64
import binascii
import hmac
from uuid import UUID

from recoup.kit.world import World

# names an attempt, by its key, whose customer comes back from the processor's page
PAYER_RETURN = "payer-return"
_MAC_BYTES = 16


def checkout_token(world: World, merchant_id: UUID, order_id: UUID) -> str:
    return signed_token(world, "checkout", merchant_id, order_id)


def order_of_token(world: World, token: str) -> tuple[UUID, UUID] | None:
    """(merchant, order), or None for what we did not sign for this world."""
    return named_by(world, "checkout", token)


def signed_token(world: World, purpose: str, merchant_id: UUID, subject_id: UUID) -> str:
    """The world's mark and 64 characters, as they stand in an address; good for this purpose in
    this world alone."""
    named = merchant_id.bytes + subject_id.bytes
    return world.mark + base64.urlsafe_b64encode(named + _mac(world, purpose, named)).decode()


def named_by(world: World, purpose: str, token: str) -> tuple[UUID, UUID] | None:
    """(merchant, subject), or None for what we did not sign for this purpose and world."""
    bare = token.removeprefix(world.mark)
    if len(bare) != 64 or not bare.isascii():
        return None
    try:
        plain = base64.b64decode(bare, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    named, mac = plain[:32], plain[32:]
    if not hmac.compare_digest(mac, _mac(world, purpose, named)):
        return None
    return UUID(bytes=named[:16]), UUID(bytes=named[16:])


def _mac(world: World, purpose: str, named: bytes) -> bytes:
    mac: bytes = world.keys.mac(purpose, world.name.encode() + b"\0" + named)
    return mac[:_MAC_BYTES]

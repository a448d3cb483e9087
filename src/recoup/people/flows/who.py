"""Somebody who is signed in."""

from uuid import UUID

from recoup.kernel.frozen import frozen


@frozen
class Oneself:
    """Person who is signed in. `session`: by what it is known, see `session_hash`."""

    user_id: UUID
    session: bytes
    address: str = "unknown"
    request: str = ""

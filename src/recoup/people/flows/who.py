"""Somebody who is signed in."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Oneself:
    """Person who is signed in. `session`: by what it is known, see `session_hash`."""

    user_id: UUID
    session: bytes
    address: str = "unknown"
    request: str = ""

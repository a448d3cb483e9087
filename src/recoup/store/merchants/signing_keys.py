"""Keys that sign calls, with their sealed secrets."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Read


class SigningKey(NamedTuple):
    """`secret`: sealed."""

    merchant_id: UUID
    secret: bytes


@DIRECTORY.statement("""
SELECT merchant_id, secret FROM signing_keys
WHERE key_id = $1 AND revoked_at IS NULL AND (retires_at IS NULL OR retires_at > $2)
""")
async def find_signing_key(db: Read, key_id: str, at: datetime) -> SigningKey | None:
    """None for an unknown key, and for one that has ended `at` that wall time."""

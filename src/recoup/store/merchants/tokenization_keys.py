"""Keys with which browsers tokenize; they are public."""

from datetime import datetime
from uuid import UUID

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Read, Row


class TokenizationKey(Row, frozen=True):
    environment_key: str
    created_at: datetime
    retires_at: datetime | None


@DIRECTORY.statement("""
SELECT environment_key, created_at, retires_at FROM tokenization_keys
WHERE merchant_id = $1 AND revoked_at IS NULL AND (retires_at IS NULL OR retires_at > $2)
ORDER BY created_at DESC, environment_key
""")
async def open_tokenization_keys(db: Read, merchant_id: UUID, at: datetime) -> list[TokenizationKey]:
    """Those that open something `at` that wall time, newest first."""

"""Keys that only read what another call had made."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

_REMEMBER = """
INSERT INTO requests (merchant_id, operation, key, input_mac, subject_id, state, answer, created_at)
VALUES ($1, $2, $3, $4, $5, 'answered', $6, $7) ON CONFLICT DO NOTHING
"""


async def remember(
    connection: asyncpg.Connection, merchant_id: UUID, operation: str, key: str, input_mac: bytes, subject_id: UUID,
    answer: dict[str, Any], at: datetime,
) -> None:  # fmt: skip
    """The same key with other content is a conflict from now on."""
    await connection.execute(_REMEMBER, merchant_id, operation, key, input_mac, subject_id, answer, at)

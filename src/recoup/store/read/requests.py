"""The gate's stored answers."""

from uuid import UUID

import asyncpg

_FIND = """
SELECT input_mac, subject_id, state, answer FROM requests WHERE merchant_id = $1 AND operation = $2 AND key = $3
"""


async def find_request(
    connection: asyncpg.Connection, merchant_id: UUID, operation: str, key: str
) -> asyncpg.Record | None:
    return await connection.fetchrow(_FIND, merchant_id, operation, key)

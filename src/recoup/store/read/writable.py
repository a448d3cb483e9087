"""Whether a server takes writes: one that was demoted answers all else as ever."""

import asyncpg


async def is_writable(connection: asyncpg.Connection) -> bool:
    return await connection.fetchval("SELECT NOT current_setting('transaction_read_only')::bool")  # type: ignore[no-any-return]

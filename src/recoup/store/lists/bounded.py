"""A transaction to read in, that gives up after a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg


@asynccontextmanager
async def bounded(connection: asyncpg.Connection, timeout_ms: int) -> AsyncIterator[None]:
    """A transaction to read in, as `bound_statement` makes it.

    Raises: asyncpg.QueryCanceledError when a statement takes longer; the connection is as it was.
    """
    inside = connection.is_in_transaction()
    try:
        async with connection.transaction(readonly=True):
            await bound_statement(connection, timeout_ms)
            yield
    except asyncpg.QueryCanceledError:
        # On a busy machine the COMMIT itself can be what took too long: then nobody has rolled back yet.
        if connection.is_in_transaction() and not inside:
            await connection.execute("ROLLBACK")
        raise


async def bound_statement(connection: asyncpg.Connection, timeout_ms: int) -> None:
    """For the open transaction: a time limit, and plans made with the values at hand. A merchant's orders are few
    among all: they are always reached by an index."""
    await connection.execute(
        f"SET LOCAL statement_timeout = {timeout_ms}; SET LOCAL plan_cache_mode = force_custom_plan;"
        " SET LOCAL enable_seqscan = off"
    )

"""A transaction to read in, that gives up after a time; what is counted in one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from recoup.db.statement import ReadConnection
from recoup.kernel.frozen import frozen


@frozen
class Count:
    """`value` of them; not `exact`: at least so many."""

    value: int
    exact: bool


@asynccontextmanager
async def bounded(connection: ReadConnection, timeout_ms: int) -> AsyncIterator[None]:
    """A transaction to read in, as `bound_statement` makes it.

    Raises: asyncpg.QueryCanceledError when a statement takes longer; the connection is as it was.
    """
    session: Any = connection
    inside = session.is_in_transaction()
    try:
        async with connection.transaction(readonly=True):
            await bound_statement(connection, timeout_ms)
            yield
    except asyncpg.QueryCanceledError:
        # On a busy machine the COMMIT itself can be what took too long: then nobody has rolled back
        # yet.
        if session.is_in_transaction() and not inside:
            await session.execute("ROLLBACK")
        raise


async def bound_statement(connection: ReadConnection, timeout_ms: int) -> None:
    """Bounds a statement as `bound_time`. A merchant's orders are few among all: they are always
    reached by an index."""
    await bound_time(connection, timeout_ms, "SET LOCAL enable_seqscan = off")


async def bound_time(connection: ReadConnection, timeout_ms: int, *more: str) -> None:
    """Bounds the open transaction: a time limit, and plans made with the values at hand."""
    session: Any = connection
    limits = (
        f"SET LOCAL statement_timeout = {timeout_ms}",
        "SET LOCAL plan_cache_mode = force_custom_plan",
    )
    await session.execute("; ".join((*limits, *more)))

"""The request log: what was answered, many at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

COLUMNS: Final = ("merchant_id", "call_id", "at", "request_id", "key_id", "method", "path", "status", "code", "ms",
                  "place", "why")  # fmt: skip
_GAPS: Final = ("merchant_id", "gap_id", "at", "calls")


async def add_calls(
    connection: asyncpg.Connection, calls: Sequence[tuple[Any, ...]], gaps: Sequence[tuple[UUID, UUID, datetime, int]]
) -> None:
    """`calls` as COLUMNS. In an open transaction."""
    await connection.copy_records_to_table("api_calls", records=calls, columns=COLUMNS)
    if gaps:
        await connection.copy_records_to_table("api_call_gaps", records=gaps, columns=_GAPS)

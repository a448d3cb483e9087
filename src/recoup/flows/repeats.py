"""A caller's key that came before: the first answer counts."""

from typing import Any
from uuid import UUID

import asyncpg

from recoup.kernel.problem import Problem
from recoup.store.read.requests import find_request


async def answered_before(
    connection: asyncpg.Connection, merchant_id: UUID, operation: str, key: str | None, input_mac: bytes, field: str
) -> dict[str, Any] | None:
    """What the key was answered; None for a new one, or none. `operation` names it to people too; `field`: the key's.

    Raises: Problem(conflict) when it came with other content.
    """
    known = await find_request(connection, merchant_id, operation, key) if key else None
    if known is None:
        return None
    if known.input_mac != input_mac:
        message = f"This idempotency key came before with another {operation}."
        raise Problem("conflict", message, field=field, cure=f"Use a new key for a new {operation}.")
    return dict(known.answer or {})

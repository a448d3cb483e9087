"""The stored decisions of a merchant, oldest first, a bounded number at a time."""

from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from recoup.kernel.ids import LOWEST
from recoup.store.read.proofs.walk import fetch

DECISIONS_MAX: Final = 1000
_DECISIONS: Final = """
SELECT decision_id, order_id, verdict, features, plan, rules, versions FROM decisions
WHERE merchant_id = $1 AND decision_id > $2 ORDER BY decision_id LIMIT $3
"""


async def read_decisions(
    connection: asyncpg.Connection, merchant_id: UUID
) -> AsyncIterator[Sequence[asyncpg.Record]]:
    after = LOWEST
    while rows := await fetch(connection, _DECISIONS, merchant_id, after, DECISIONS_MAX):
        yield rows
        after = rows[-1]["decision_id"]

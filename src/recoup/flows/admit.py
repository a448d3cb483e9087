"""The admission that both dialects share: whatever orders came in at one moment, by one statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.kernel.ids import first_id_of
from recoup.kernel.world import World
from recoup.store.pool import retrying
from recoup.store.write.intake import Raced, admit


async def admit_together(world: World, rows: Sequence[dict[str, Any]], recent: datetime) -> list[bool]:
    """For each row whether it was admitted now. Keys that came twice at once go in turn, so that the second finds the
    first. `recent`: transmissions from then on are looked at.
    """
    first: dict[tuple[UUID, str], dict[str, Any]] = {}
    for row in rows:
        first.setdefault((row["merchant_id"], row["key"]), row)
    batch = list(first.values())

    async def once() -> set[UUID]:
        async with world.db.connection() as connection:
            return await admit(connection, batch, first_id_of(recent))

    try:
        made = await retrying(once)
    except Raced:
        if len(batch) > 1:
            raise  # then each row is decided alone
        return [False] * len(rows)
    return [row["order_id"] in made for row in rows]

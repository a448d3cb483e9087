"""Codes and advices of the last weeks that nobody here knows: each such decline was read without
them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from recoup.kernel.ids import first_id_of
from recoup.kit.world import World
from recoup.notifications.store.unlisted_codes import UnlistedCode, unlisted_codes

DAYS: Final = 30


async def read_unlisted(world: World, merchant_id: UUID) -> list[UnlistedCode]:
    """Few, and the most frequent first."""
    return await unlisted_codes(
        world.db, merchant_id, first_id_of(world.clocks.wall() - timedelta(days=DAYS))
    )


async def count_unlisted(
    world: World, merchant_id: UUID, facts: Mapping[str, Any]
) -> dict[str, int]:
    """Counts the orders that had the code of a notification."""
    rows = {
        (code.scheme, code.kind, code.code): code.orders
        for code in await read_unlisted(world, merchant_id)
    }
    return {"orders": rows.get((facts["scheme"], facts["kind"], facts["code"]), 1), "days": DAYS}

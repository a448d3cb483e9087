"""Files that people take out of the portal: noted before the first byte leaves."""

from typing import Any
from uuid import UUID

from recoup.audit.moves import note
from recoup.kernel.scope import Scope
from recoup.kit.world import World


async def note_file(
    world: World, scope: Scope, what: str, subject_id: UUID | str = "", **facts: Any
) -> None:
    """Notes a file that was taken. `what` as "orders": of which list or object. `facts`: its form,
    and the filters as the address says them."""
    async with world.db.transaction() as tx:
        await note(tx, scope, world.clocks.wall(), "file.taken", subject_id, {"what": what} | facts)

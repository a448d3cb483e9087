"""An import begins with its due work, and ends it: each together with what it is about."""

from typing import Any
from uuid import UUID

from recoup.audit.moves import note
from recoup.db.statement import Tx
from recoup.imports.store.imports import begin_import, drop_rest, finish_import
from recoup.kernel.scope import Scope
from recoup.kernel.time import WallTime
from recoup.orders.moves.due import done_with, wait_for


async def receive_import(
    tx: Tx,
    scope: Scope,
    import_id: UUID,
    content_mac: bytes,
    profile: str,
    answers: dict[str, Any],
    file_name: str,
    wall: WallTime,
) -> bool:
    """The import with the work that will look after it. False when the same file is one already."""
    if not await begin_import(
        tx,
        scope.merchant_id,
        import_id,
        content_mac,
        profile,
        answers,
        file_name,
        scope.actor.text(),
        scope.request_id,
        wall,
    ):
        return False
    await wait_for(tx, scope.merchant_id, "import", import_id, wall)
    await note(tx, scope, wall, "import.sent", import_id)
    return True


async def end_import(tx: Tx, key: tuple[UUID, UUID], state: str, wall: WallTime) -> None:
    """Ends the import, under its lock. `stopped`: what was not taken over goes."""
    if state == "stopped":
        await drop_rest(tx, *key)
    await finish_import(tx, *key, state, wall)
    await done_with(tx, key[0], "import", key[1])

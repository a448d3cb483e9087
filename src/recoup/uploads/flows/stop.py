"""A merchant no longer wants the rest of a file. What was begun is finished; rows that were not are
left out."""

from uuid import UUID

from recoup.audit.moves import note
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.uploads.store import Upload, ask_stop, find_upload


async def stop_upload(world: World, scope: Scope, upload_id: UUID) -> Upload:
    """The upload as it stands now; a repeat answers the same. Raises: Problem(not_found);
    Problem(wrong_state)."""
    async with world.db.transaction() as tx:
        wall = world.clocks.wall()
        stopping = await ask_stop(tx, scope.merchant_id, upload_id, wall, scope.actor.text())
        if stopping:
            await note(tx, scope, wall, "upload.stopped", upload_id)
    upload = await one_upload(world, scope.merchant_id, upload_id)
    if not stopping and upload.state == "completed":
        raise Problem(
            "wrong_state",
            "All rows of this upload are already processed.",
            cure="Cancel single orders with POST /v1/orders/{id}/cancel.",
        )
    return upload


async def one_upload(world: World, merchant_id: UUID, upload_id: UUID) -> Upload:
    """Raises: Problem(not_found)."""
    found = await find_upload(world.db, merchant_id, upload_id)
    if found is None:
        raise Problem(
            "not_found",
            "There is no such upload.",
            cure="Check the id; GET /v1/uploads lists them.",
        )
    return found

"""Files whose time is over go, and what runs that died have left behind."""

from recoup.flows.lists.folder import lying
from recoup.flows.world import World
from recoup.store.lists.exports import forget_exports, living


async def forget_files(world: World) -> None:
    if world.exports is None:
        return
    async with world.db.connection() as connection:
        await forget_exports(connection, world.clocks.wall())
        files = list(lying(world))
        if not files:
            return
        known = set(await living(connection, list({export_id for _, export_id, _, _ in files})))
    unnamed = {(export_id, run_no) for _, export_id, run_no in known}
    for merchant_id, export_id, run_no, path in files:
        if merchant_id is None and (export_id, run_no) in unnamed:
            continue
        if (merchant_id, export_id, run_no) not in known:
            path.unlink(missing_ok=True)

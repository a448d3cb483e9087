"""Does a lost database swallow the cancellation of a worker loop?"""
import asyncio, asyncpg
from tests.worlds import sandbox_world, owner
from recoup.doors.clock import worker

def test_it(server):
    async def story():
        async with sandbox_world(server) as (world,_,_), owner(world) as beside:
            async def once():
                async with world.db.transaction() as tx:
                    try:
                        await asyncio.sleep(30)
                    finally:
                        tx.terminate()
                return 0
            task=asyncio.create_task(worker._loop("x", once, 0.05))
            await asyncio.sleep(0.5)
            pids=[r[0] for r in await beside.fetch("select pid from pg_stat_activity where application_name='test' and datname=current_database()")]
            task.cancel()
            for c in list(world.db.__dict__.get('_free')._queue): pass

            done,_=await asyncio.wait({task},timeout=3)
            print("ended" if done else "SWALLOWED", task.cancelling())
            if not done:
                task.cancel(); await asyncio.wait({task},timeout=3)
            assert done
    asyncio.run(story())

import asyncio, time
from datetime import timedelta
from tests.worlds import *
def test_try(server):
    async def go():
        t=time.time()
        async with sandbox_world(server) as (w,o,d):
            print("made", time.time()-t); t=time.time()
            s = await make_shop(w,o,d)
            a = await s.admit()
            b = await s.admit(days=None, code="05")
            print("admitted", time.time()-t); t=time.time()
            await s.run_due()
            print(await s.happenings(a), await s.happenings(b))
            await s.advance(timedelta(days=22))
            print("adv", time.time()-t)
            print(await s.happenings(a), (await s.order(a))["stage"])
            print(await s.close_pages())
            t=time.time()
        print("drop", time.time()-t); t=time.time()
        async with sandbox_world(server) as (w,o,d):
            print("made", time.time()-t); t=time.time()
    asyncio.run(go())

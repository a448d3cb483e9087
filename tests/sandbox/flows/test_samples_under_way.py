"""Samples to receivers that hold them: a few of one caller at once, some more of all."""

import asyncio
from contextlib import ExitStack
from uuid import UUID, uuid4

import pytest
from tests.odd_servers import OK, serving
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.sandbox.flows.samples_under_way import ALL_MAX, OF_OWNER_MAX, SamplesUnderWay
from recoup.webhooks.flows import endpoints
from recoup.webhooks.flows.send_sample import send_sample


def test_one_caller_has_a_few_under_way_and_another_is_served() -> None:
    samples, one, other = SamplesUnderWay(), uuid4(), uuid4()
    with ExitStack() as held:
        for _ in range(OF_OWNER_MAX):
            held.enter_context(samples.one(one))
        with pytest.raises(Problem, match="5 samples are under way") as refused, samples.one(one):
            pass
        assert refused.value.code == "too_many_requests"
        assert refused.value.retry_after_seconds
        with samples.one(other):
            pass
    with samples.one(one):
        pass


def test_of_all_callers_only_so_many_are_under_way() -> None:
    samples = SamplesUnderWay()
    with ExitStack() as held:
        for number in range(ALL_MAX):
            held.enter_context(samples.one(UUID(int=number)))
        with (
            pytest.raises(Problem, match="64 samples of all callers are under way"),
            samples.one(uuid4()),
        ):
            pass
    with samples.one(uuid4()):
        pass


def test_samples_that_a_receiver_holds_keep_further_ones_from_leaving(
    server: ServerAddress,
) -> None:
    """A refused one counts for nothing: it may leave as soon as another has ended,
    in whatever way."""

    async def story() -> None:
        arrived: asyncio.Queue[bytes] = asyncio.Queue()
        answering = asyncio.Event()

        async def hold(
            _h: bytes, body: bytes, _c: int, _n: int, writer: asyncio.StreamWriter
        ) -> None:
            arrived.put_nowait(body)
            await answering.wait()
            writer.write(OK)

        async with sandbox_world(server) as made, serving(hold) as port:
            shop = await make_shop(*made)
            url = f"http://127.0.0.1:{port}/"
            which = (
                await endpoints.create(shop.world, shop.scope, url, None, "rescue")
            ).endpoint_id
            held = [
                asyncio.create_task(send_sample(shop.world, shop.scope, which, None))
                for _ in range(OF_OWNER_MAX)
            ]
            for _ in held:
                await arrived.get()
            with pytest.raises(Problem, match="5 samples are under way"):
                await send_sample(shop.world, shop.scope, which, None)
            held[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await held[0]
            last = asyncio.create_task(send_sample(shop.world, shop.scope, which, None))
            await arrived.get()
            answering.set()
            sent = await asyncio.gather(*held[1:], last)
            assert [one.status for one in sent] == [200] * OF_OWNER_MAX
            assert (
                await shop.value("SELECT count(*) FROM audit_lines WHERE action = 'webhook.tested'")
                == 6
            )

    asyncio.run(story())

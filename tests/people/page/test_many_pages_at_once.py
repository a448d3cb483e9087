"""One person who opens very many pages at once keeps nobody else waiting for theirs."""

import asyncio

import httpx
import pytest
from tests.people.page.test_portal import visit
from tests.shop import Shop, drop_shop, make_shop

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.people.page import portal
from recoup.people.page.portal import AT_ONCE, WAITING_MAX, AtOnce


def test_pages_of_one_person_are_made_a_few_at_a_time_and_those_of_others_beside_them() -> None:
    async def story() -> None:
        rooms, one, other, made = AtOnce(), new_id(), new_id(), []
        over = asyncio.Event()

        async def page(user_id: object) -> None:
            async with rooms.of(user_id):  # type: ignore[arg-type]
                made.append(user_id)
                await over.wait()

        asking = [asyncio.create_task(page(one)) for _ in range(AT_ONCE + WAITING_MAX + 5)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        beside = asyncio.create_task(page(other))
        await asyncio.sleep(0)
        assert (made.count(one), made.count(other)) == (AT_ONCE, 1)
        over.set()
        ended = await asyncio.gather(*asking, beside, return_exceptions=True)
        refused = [error for error in ended if error is not None]
        assert len(refused) == 5
        assert {type(error) for error in refused} == {Problem}
        assert made.count(one) == AT_ONCE + WAITING_MAX
        assert not rooms._rooms

    asyncio.run(story())


def test_too_many_pages_at_once_are_told_to_wait(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal, "WAITING_MAX", 2)

    async def work(client: httpx.AsyncClient, _shop: Shop) -> None:
        answers = await asyncio.gather(*(client.get("/orders") for _ in range(40)))
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) == {200, 429}
        assert statuses.count(200) >= AT_ONCE + 2
        told = answers[statuses.index(429)]
        assert "too many pages at once" in told.text
        assert told.headers["retry-after"] == "5"
        assert (await client.get("/orders")).status_code == 200

    shop = asyncio.run(make_shop(server, orders=20))
    try:
        visit(shop, work)
    finally:
        asyncio.run(drop_shop(server, shop))

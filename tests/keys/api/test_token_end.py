"""An access token ends at its second, in whatever order calls come."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.door import application, client_of
from tests.rescue.flows.test_two_clocks import Shifted
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.keys.api import v1_resource as resource
from recoup.keys.api.v1_resource import Services


def test_a_token_that_is_checked_while_it_ends_is_not_good_for_another_second(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its check began in its last second and ended in the next one, in which the door then
    remembered it."""
    reached, go = asyncio.Event(), asyncio.Event()
    check = resource.authenticate

    async def slow(*args: Any) -> Any:
        caller = await check(*args)
        if not go.is_set():
            reached.set()
            await go.wait()
        return caller

    async def story() -> None:
        clocks = Shifted(timedelta(0))
        async with sandbox_world(server, clocks=clocks) as made:
            shop, world = await make_shop(*made), made[0]
            services = Services(*made[:2])
            async with world.key_endings.heard(), client_of(application(services)) as client:
                keys = {"AppKey": shop.keys.app_key, "AppSecret": shop.keys.app_secret}
                answer = await client.post("/v1/oauth2/token", json=keys)
                head = {"authorization": f"Bearer {answer.json()['accessToken']}"}
                claims = world.keys.verify_token(
                    answer.json()["accessToken"], int(clocks.wall().timestamp())
                )
                left = claims["exp"] - clocks.wall().timestamp()
                clocks.by = timedelta(
                    seconds=left - 0.9
                )  # in its last second, for as long as a call takes
                monkeypatch.setattr(resource, "authenticate", slow)
                last = asyncio.create_task(client.get("/v1/orders", headers=head))
                await reached.wait()
                monkeypatch.setattr(resource, "authenticate", check)
                clocks.by = timedelta(seconds=left + 0.1)
                assert (await client.get("/v1/orders", headers=head)).status_code == 401
                go.set()
                assert (await last).status_code == 200
                assert (await client.get("/v1/orders", headers=head)).status_code == 401

    asyncio.run(story())

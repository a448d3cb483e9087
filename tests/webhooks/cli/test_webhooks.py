"""`recoup webhooks`: the endpoints of a merchant, and its events once more."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from click.testing import CliRunner
from tests.here import Here, Work
from tests.webhooks.page.test_webhooks import receiving
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.webhooks.cli.webhooks import webhooks
from recoup.webhooks.flows import endpoints


def _run(opened: Opened, loop: asyncio.AbstractEventLoop, *words: str) -> Any:
    def does(work: Work) -> Any:
        return asyncio.run_coroutine_threadsafe(work(opened), loop).result(30)

    ran = CliRunner().invoke(webhooks, words, obj=Here(does))
    return ran.exception if isinstance(ran.exception, Problem) else ran.output


def test_events_are_counted_listed_and_sent_again(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made, receiving() as receiver:
            shop = await make_shop(*made)
            opened, loop = (
                Opened(made[0], Services(*made[1:]), tmp_path, "http://127.0.0.1"),
                asyncio.get_running_loop(),
            )

            async def said(*words: str) -> Any:
                return await asyncio.to_thread(
                    _run, opened, loop, *words, "--merchant", str(shop.merchant_id)
                )

            assert await said("list") == ""
            one = await endpoints.create(
                shop.world, shop.scope, receiver.url, ["order.submitted"], "rescue"
            )
            which = str(one.endpoint_id)
            assert f"{which}  active    new" in await said("list")
            await shop.admit_many(2)
            await shop.publish()
            assert len(receiver.got) == 2
            assert await said("replay", which, "--count") == "2 events of 2 orders\n"
            assert "0 events" in await said("replay", which, "--count", "--until", "2020-01-01")
            told = json.loads(await said("replay", which, "--key", "once", "--json"))
            assert (told["events"], told["orders"], told["exact"]) == (2, 2, True)
            assert (
                told["id"]
                == json.loads(await said("replay", which, "--key", "once", "--json"))["id"]
            )
            await shop.run_due()
            await shop.publish()
            assert len(receiver.got) == 4
            for words, why in (
                (("x",), "not an endpoint's id"),
                ((str(uuid4()),), "no such webhook endpoint"),
                ((which, "--event", "order.unheard"), "does not subscribe"),
                ((which, "--since", "never"), "is no moment"),
                ((which, "--from-number", "0"), "Invalid value"),
                ((which, "--from-number", "999"), "ends at"),
            ):
                assert why in str(await said("replay", *words)), words

    asyncio.run(story())

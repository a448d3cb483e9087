"""`recoup partner`: shown, changed by the operator, refused with the reason; what was done is
noted."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from tests.here import Here, Work
from tests.worlds import owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.merchants.flows.find_partner import own_merchant, read_partner
from recoup.onboarding.flows.partners import make_partner
from recoup.partners.cli import partner


def _run(opened: Opened, loop: asyncio.AbstractEventLoop, *words: str) -> Any:
    def does(work: Work) -> Any:
        return asyncio.run_coroutine_threadsafe(work(opened), loop).result(30)

    ran = CliRunner().invoke(partner, words, obj=Here(does))
    return ran.exception if isinstance(ran.exception, Problem) else ran.output


def test_what_the_operator_allows_is_shown_and_changed(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            world, partner_id = made[0], uuid4()
            await make_partner(world, partner_id, "Subscriptions Inc")
            opened, loop = (
                Opened(made[0], Services(*made[1:]), tmp_path, "http://127.0.0.1"),
                asyncio.get_running_loop(),
            )

            async def said(*words: str) -> Any:
                return await asyncio.to_thread(_run, opened, loop, *words)

            assert "Subscriptions Inc" in await said()
            told = json.loads(
                await said(str(partner_id), "--merchants-max", "3", "--state", "paused", "--json")
            )
            assert told == [
                {
                    "id": str(partner_id),
                    "name": "Subscriptions Inc",
                    "state": "paused",
                    "merchants": 0,
                    "merchants_max": 3,
                    "calls_per_minute": 60000,
                }
            ]
            assert (await read_partner(world, partner_id)).state == "paused"
            for words, why in (
                ((str(uuid4()),), "no such partner"),
                (("x",), "by its id"),
                (("--merchants-max", "3"), "by its id"),
                ((str(partner_id), "--calls-per-minute", "0"), "between 1 and"),
                ((str(partner_id), "--merchants-max", "-1"), "between 0 and"),
            ):
                assert why in str(await said(*words)), words
            async with owner(world) as connection:
                noted = await connection.fetch(
                    "SELECT happening, actor, about->>'merchants_max' AS n FROM partner_log"
                )
            assert [tuple(row) for row in noted] == [("quota_set", "operator:command", "3")]
            with pytest.raises(Problem, match="no such merchant"):
                await own_merchant(world, partner_id, uuid4())

    asyncio.run(story())

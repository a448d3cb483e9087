"""`recoup credentials`: what keys allow, and the operator's word on what one waits for."""

import asyncio
import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from tests.here import Here
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.services import Services
from recoup.keys.cli.credentials import credentials
from recoup.keys.flows.merchant_keys import make_key
from recoup.merchants.cli import Opened


def test_what_a_key_waits_for_is_shown_and_approved(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop, loop = await make_shop(*made), asyncio.get_running_loop()
            opened = Opened(made[0], Services(*made[1:]), tmp_path, "http://127.0.0.1")
            here = Here(
                lambda work: asyncio.run_coroutine_threadsafe(work(opened), loop).result(30)
            )

            async def said(*words: str) -> Any:
                typed = [*words, "--merchant", str(shop.merchant_id)]
                ran = await asyncio.to_thread(CliRunner().invoke, credentials, typed, obj=here)
                assert ran.exception is None or isinstance(ran.exception, Problem), ran.exc_info
                return (
                    ran.exception
                    if isinstance(ran.exception, Problem)
                    else ran.output.splitlines()[-1]
                )

            dev = Scope(shop.merchant_id, Actor("user", "dev"), "portal", role="developer")
            new = await make_key(shop.world, dev, "api", None, "", ["refunds:write", "orders:read"])
            waits, *_ = json.loads(await said("--json"))
            assert waits["key"] == f"…{new.key[-4:]}"
            assert (waits["requested"], waits["scopes"]) == (
                ["refunds:write"],
                ["orders:read", "refunds:read"],
            )
            for text in (new.key, new.secret):
                assert text not in await said()
            assert "no such key" in str(await said("--approve", "f" * 64)).lower()
            await said("--approve", waits["print"], "--by", "olga")
            given, *_ = json.loads(await said("--json"))
            assert "refunds:write" in given["scopes"]
            assert given["requested"] == []
            assert (
                await shop.value("SELECT count(*) FROM audit_lines WHERE action = 'key.decided'")
                == 1
            )

    asyncio.run(story())

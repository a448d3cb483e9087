"""What the product makes of one more field of the settlement terms, as JSON: run by
`test_one_declaration` in a process whose terms have it."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from tests.here import Here, Work
from tests.worlds import make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.cli.terms import terms
from recoup.kernel.services import Services
from recoup.kit.terms import page_rows
from recoup.merchants.cli import Opened
from recoup.terms.store.settlement_terms import terms_at

COLUMN = "ALTER TABLE settlement_terms ADD grace_days smallint NOT NULL DEFAULT 0"
NOTED = "SELECT facts ->> 'grace_days' FROM audit_lines WHERE action = 'settlement_terms.set'"


def main(server: ServerAddress) -> None:
    print(json.dumps(asyncio.run(_story(server))))


async def _story(server: ServerAddress) -> dict[str, Any]:
    async with sandbox_world(server) as made:
        async with owner(made[0]) as db:
            await db.execute(COLUMN)
        shop = await make_shop(*made)
        loop = asyncio.get_running_loop()

        def does(work: Work) -> Any:
            opened = Opened(made[0], Services(*made[1:]), Path(), "http://recoup.test")
            return asyncio.run_coroutine_threadsafe(
                work(opened),  # type: ignore[arg-type]
                loop,
            ).result(30)

        async def verb(*words: str) -> Any:
            words = ("settlement", "--merchant", str(shop.merchant_id), *words)
            return await asyncio.to_thread(CliRunner().invoke, terms, words, obj=Here(does))

        refused = (await verb("--grace-days", "31")).exception
        first = json.loads((await verb("--grace-days", "5", "--json")).output)
        then = await shop.now()
        await shop.advance(timedelta(days=1))
        text = (await verb("--grace-days", "7", "--delay-days", "1")).output
        past = json.loads((await verb("--as-of", then.isoformat(), "--json")).output)
        at = [
            await terms_at(shop.world.db, shop.merchant_id, at) for at in (then, await shop.now())
        ]
        return {
            "help": "--grace-days INTEGER" in (await verb("--help")).output,
            "refused": [refused.message, refused.field],
            "first": first["now"]["grace_days"],
            "text": text,
            "past": past["now"]["grace_days"],
            "at": [one.grace_days for one in at],  # type: ignore[attr-defined]
            "noted": await shop.value(NOTED),
            "page": [str(words) for _, words in page_rows(at[1])],
        }

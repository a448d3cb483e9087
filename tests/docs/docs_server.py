"""The doors as `main` joins them, with operations of our own described, on a real socket in a
thread of its own."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from tests.door import listening
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.docs.routes import routes as docs_routes
from recoup.keys.api.v1_resource import Services
from recoup.kit.edge.dialect import Dialect
from recoup.kit.edge.entry import Entry
from recoup.main.api import routes as rescue_routes
from recoup.main.app import refuse
from recoup.main.portal import routes as portal_routes
from recoup.onboarding.flows.make_merchant import Keys


@dataclass(frozen=True)
class Documented:
    address: str
    keys: Keys


@contextmanager
def documented(server: ServerAddress, dialects: Sequence[Dialect]) -> Iterator[Documented]:
    ready, stop = threading.Event(), threading.Event()
    told: list[Documented] = []

    async def serve() -> None:
        async with sandbox_world(server) as (world, orders, deliveries):
            shop = await make_shop(world, orders, deliveries)
            services = Services(world, orders)
            app = Starlette(
                routes=[
                    *rescue_routes(services),
                    *docs_routes(world, dialects, "0"),
                    *portal_routes(world, orders),
                ]
            )
            typed: Any = app
            async with listening(Entry(typed, refuse)) as port:
                told.append(Documented(f"http://127.0.0.1:{port}", shop.keys))
                ready.set()
                await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(30)
    try:
        yield told[0]
    finally:
        stop.set()
        thread.join(30)

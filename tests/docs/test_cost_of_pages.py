"""What strangers may ask for as often as they like costs little:
counted in steps, not in seconds."""

import asyncio
import sys
from types import FrameType

import pytest
from starlette.applications import Starlette
from tests.docs.operations import own_dialects
from tests.door import client_of
from tests.worlds import sandbox_world

from recoup.db.server import ServerAddress
from recoup.docs.guides import GUIDES
from recoup.docs.routes import STANDING, freshened, reference_page, routes
from recoup.docs.site import make_site
from recoup.kernel.time import Clocks
from recoup.kit.edge.example_values import fresh_at
from recoup.main.app import _who_reads
from recoup.main.docs import dialects

STEPS_MAX = 40_000  # the reference of the rescue API took fifty times as many
NARROWED = "/docs/test-cards?scheme=visa&kind=script&answer=approved"


def test_no_page_of_the_documentation_is_rendered_for_each_visitor(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            app = Starlette(routes=list(routes(world, dialects(), "0")))
            references = (f"/docs/{one.name}" for one in dialects())
            pages = ["/docs", *references, *(f"/docs/{name}" for name in GUIDES), NARROWED]
            async with client_of(app) as client:
                for path in pages:
                    assert (await client.get(path)).status_code == 200, path
                    steps = await steps_of(client.get(path))
                    assert steps < STEPS_MAX, path

    asyncio.run(story())


def test_pages_for_strangers_are_counted_by_their_address() -> None:
    def who(path: str) -> str | None:
        return _who_reads({"path": path, "client": ("203.0.113.9", 1)})

    counted = (
        "/docs",
        "/docs/rescue",
        "/docs/static/page.js",
        "/v1/openapi.json",
        "/api/v1/openapi.json",
    )
    assert {who(path) for path in counted} == {"203.0.113.9"}
    assert {
        who(path) for path in ("/", "/v1/evaluate", "/healthz", "/orders", "/docsomething")
    } == {None}


@pytest.mark.parametrize("dialect", [one.name for one in dialects() if one.operations])
def test_a_page_of_before_says_what_one_that_is_rendered_now_would(
    server: ServerAddress, dialect: str
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            for several in (dialects(), own_dialects()):
                site, fresh = make_site(world, several, "0"), fresh_at(Clocks().wall())
                if dialect not in site.references:
                    continue
                reference = site.references[dialect]
                now, kept = (
                    reference_page(site, reference, fresh),
                    reference_page(site, reference, STANDING),
                )
                assert fresh.number.encode() in now
                assert freshened(kept, fresh) == now

    asyncio.run(story())


async def steps_of(work: object) -> int:
    """Calls that were made meanwhile, of Python's functions and of built-in ones."""
    steps = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        await work  # type: ignore[misc]
    finally:
        sys.setprofile(before)
    return steps

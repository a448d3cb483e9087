"""A process dies between every two steps of publishing, delivering, sending again, replacing a key;
another goes on.

No event is lost, each order's events come in their order, and what was asked for twice happens
once. What the receiver noted down says what really happened.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.left_processes import Killer, dying_process, kills, run_until_killed
from tests.odd_servers import serving
from tests.rings import deep, each
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, PartnerScope
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.onboarding.flows.partners import make_partner
from recoup.orders.rules.events import CATALOGUE
from recoup.orders.rules.signature import verify as verify_signature
from recoup.webhooks.flows import endpoints, replay, rotate
from recoup.webhooks.flows.publish import publish, publish_for, read_feed
from recoup.webhooks.rules.breaker import FAILURES_TO_OPEN

pytestmark = deep("kills")

STEPS_MAX = 80
NO, YES = (b"HTTP/1.1 %s Told\r\ncontent-length: 0\r\n\r\n" % status for status in (b"500", b"200"))


@dataclass
class Book:
    """What the receiver noted down, in the order in which it came."""

    port: int = 0
    ill: bool = False
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


@dataclass
class Case:
    """`shop` with its endpoint, whose receiver writes into `book`; `partner` hears of the same
    events."""

    shop: Shop
    book: Book
    endpoint_id: UUID
    partner: PartnerScope
    run: int = 0
    replays: set[UUID] = field(default_factory=set)


Act = Callable[[Case, Shop], Awaitable[Any]]


async def events(case: Case, number: int = 1) -> None:
    """New orders, each with two events that are committed and not in the feed."""
    for _ in range(number):
        await case.shop.ask(days=None, pan=APPROVE_CARDS[0], code="91")


async def fed(case: Case, number: int = 1) -> None:
    await events(case, number)
    await publish(case.shop.world, case.shop.merchant_id)


async def delivered(case: Case) -> None:
    await fed(case)
    await case.shop.publish()


async def asked(case: Case) -> None:
    await delivered(case)
    made = await replay.ask(
        case.shop.world, case.shop.scope, case.endpoint_id, await the_newest(case), None
    )
    case.replays.add(made.replay_id)


async def the_newest(case: Case) -> replay.ReplayRequest:
    last = await case.shop.value(
        "SELECT number FROM closers WHERE merchant_id = $1", case.shop.merchant_id
    )
    return replay.ReplayRequest(from_number=last - 1)


async def dead(case: Case) -> None:
    """So many events that their failing opens the breaker, on top of what failed before."""
    case.book.ill = True
    async with owner(case.shop.world) as connection:
        await connection.execute(
            "UPDATE endpoints SET failures = $1, failing_since = now()", FAILURES_TO_OPEN - 2
        )
    await fed(case, 3)


async def do_publish(case: Case, shop: Shop) -> None:
    await publish(shop.world, shop.merchant_id)
    await publish_for(shop.world, shop.merchant_id)


async def do_deliver(case: Case, shop: Shop) -> None:
    while await shop.deliveries.claim(merchant_id=shop.merchant_id):
        await shop.deliveries.drain()


async def do_ask(case: Case, shop: Shop) -> None:
    asked_for = await the_newest(case)
    made = await replay.ask(shop.world, shop.scope, case.endpoint_id, asked_for, f"key-{case.run}")
    case.replays.add(made.replay_id)


async def do_replay(case: Case, shop: Shop) -> None:
    for replay_id in case.replays:
        await replay.go_on(shop.world, shop.merchant_id, replay_id)
    await do_deliver(case, shop)


async def do_rotate(case: Case, shop: Shop) -> None:
    try:
        await rotate.rotate_endpoint(shop.world, shop.scope, case.endpoint_id, timedelta(hours=1))
    except Problem as problem:
        if problem.code != "conflict":  # it was replaced already
            raise
    await do_deliver(case, shop)


STORIES: tuple[tuple[str, Callable[[Case], Awaitable[None]], Act, bool], ...] = (
    ("publish", events, do_publish, False),
    ("deliver", fed, do_deliver, False),
    ("break", dead, do_deliver, False),
    ("ask for a replay", delivered, do_ask, True),
    ("replay", asked, do_replay, False),
    ("rotate", fed, do_rotate, True),
)


@asynccontextmanager
async def a_case(made: Any) -> AsyncIterator[Case]:
    book = Book()

    async def note(
        head: bytes, body: bytes, _c: int, _n: int, writer: asyncio.StreamWriter
    ) -> None:
        lines = [line.split(":", 1) for line in head.decode("latin-1").strip().split("\r\n")[1:]]
        if not book.ill:
            book.got.append(({name.lower(): value.strip() for name, value in lines}, body))
        writer.write(NO if book.ill else YES)
        await writer.drain()

    async with serving(note) as book.port:
        shop, partner_id = await make_shop(*made), new_id()
        await make_partner(shop.world, partner_id, "P")
        async with owner(shop.world) as connection:
            await connection.execute(
                "INSERT INTO partner_merchants (merchant_id, partner_id, created_at) VALUES ($1, "
                "$2, now())",
                shop.merchant_id,
                partner_id,
            )
        url = f"http://127.0.0.1:{book.port}/hook"
        endpoint = await endpoints.create(
            shop.world, shop.scope, url, list(CATALOGUE), "rescue", own_key=True
        )
        yield Case(
            shop,
            book,
            endpoint.endpoint_id,
            PartnerScope(partner_id, Actor("partner", "p"), "test"),
        )


async def finish(case: Case) -> None:
    """What a worker does when leases have run out and pauses are over."""
    case.book.ill = False
    shop = case.shop
    async with owner(shop.world) as connection:
        await connection.execute(
            "UPDATE lanes SET lease_until = NULL, due_at = now(); UPDATE due_work SET lease_until "
            "= NULL;"
            " UPDATE endpoints SET probe_at = now() WHERE probe_at IS NOT NULL"
        )
    while await publish(shop.world, shop.merchant_id):
        pass
    await shop.run_due()
    await shop.publish()
    await publish_for(shop.world, shop.merchant_id)
    assert not await shop.value(
        "SELECT count(*) FROM lanes WHERE merchant_id = $1", shop.merchant_id
    )


async def judge(case: Case) -> None:
    shop, told = case.shop, case.book.events
    page = await read_feed(shop.world, shop.scope, 0, 500, ())
    assert [number for number, _ in page.events] == list(range(1, len(page.events) + 1))
    came = {one["EventData"]["EventId"] for one in told}
    assert came == {str(event.event_id) for _, event in page.events}, "an event was never delivered"
    for resent in (False, True):
        seen: dict[str, list[int]] = {}
        for one in told:
            numbers = seen.setdefault(one["OrderId"], [])
            if one["IsResent"] is resent and one["EventData"]["Sequence"] not in numbers:
                numbers.append(one["EventData"]["Sequence"])
        assert all(numbers == sorted(numbers) for numbers in seen.values()), "out of order"
    theirs = await read_feed(shop.world, case.partner, 0, 500, ())
    assert [n for n, _ in theirs.events] == [n for n, _ in page.events]
    assert [event for _, event in theirs.events] == [event for _, event in page.events]


@pytest.mark.timeout(500)
@each("name", [story[0] for story in STORIES])
def test_a_kill_between_any_two_steps_loses_no_event(server: ServerAddress, name: str) -> None:
    _, prepare, act, again = next(story for story in STORIES if story[0] == name)

    async def tell() -> None:
        async with sandbox_world(server) as made, a_case(made) as case:
            for killer in kills(name, least=2, most=STEPS_MAX):
                case.run += 1
                case.replays.clear()
                await prepare(case)
                async with dying_process(case.shop, killer) as dying:
                    told = await run_until_killed(killer, act(case, dying))
                if isinstance(told, BaseException):
                    raise told
                if again:
                    await act(case, case.shop)
                    assert len(case.replays) <= 1, "asked twice with one key"
                await finish(case)
            await judge(case)
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(tell())


def test_a_signature_holds_with_one_of_the_keys_whenever_its_replacement_dies(
    server: ServerAddress,
) -> None:
    async def tell() -> None:
        async with sandbox_world(server) as made, a_case(made) as case:
            for k in range(1, 12):
                before = await endpoints.read(case.shop.world, case.shop.scope, case.endpoint_id)
                await fed(case)
                async with dying_process(case.shop, Killer(k, after=bool(k % 2))) as dying:
                    await run_until_killed(dying.world.web._killer, do_rotate(case, dying))
                await finish(case)
                after = await endpoints.read(case.shop.world, case.shop.scope, case.endpoint_id)
                headers, body = case.book.got[-1]
                keys = (before.signing_key, after.signing_key)
                assert any(verify_signature(key, headers["host"], headers, body) for key in keys)
                async with owner(case.shop.world) as connection:
                    await connection.execute(
                        "UPDATE endpoints SET previous_key = NULL, previous_until = NULL"
                    )

    asyncio.run(tell())

"""A shop to look at: two databases, the portal over them, its people, and some 300 orders in every
status."""

import asyncio
import random
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from starlette.applications import Starlette
from tests.databases import drop, empty
from tests.order_rows import make_merchant
from tests.order_stories import STORIES, Story, tell, write

from recoup.db.connect import speak_json
from recoup.db.pool import Database
from recoup.db.server import ServerAddress
from recoup.kit.world import World
from recoup.main.open_world import OpenWorld
from recoup.main.portal import routes
from recoup.outside.keys.keyring import Keyring
from recoup.outside.keys.material import fresh
from recoup.people.flows.make_user import Membership, make_user, register_merchant, register_partner
from recoup.rescue.flows.locked import Orders

PASSWORD = "correct horse battery"
NAMES = [
    "Beatriz Almeida",
    "Tomasz Wójcik",
    "Hana Sato",
    "نورا العتيبي",
    "小林 楓",
    "Grace Mbeki",
    "Oliver Brandt",
    "Priya Raman",
    "Sofía Herrera",
    "Liam O’Connor",
    "Mei-Ling Chan",
    "Aleksander van der Berg-Wolkonsky",
    '<script>alert(1)</script> "Bobby"',
    "Zoë 😀 Quinn",
]
ASSETS = ["USD", "USD", "USD", "EUR", "JPY", "KWD"]


@dataclass
class Shop:
    """`stories` by name: the newest order that lived through each."""

    dsn: str
    people_dsn: str
    merchant_id: uuid.UUID
    other_id: uuid.UUID
    empty_id: uuid.UUID
    sites: list[uuid.UUID]
    stories: dict[str, Story]
    other_order: uuid.UUID
    keys: Keyring

    @property
    def files(self) -> Path:
        return Path(tempfile.gettempdir()) / f"recoup-exports-{self.merchant_id.hex}"


async def make_shop(server: ServerAddress, orders: int = 300) -> Shop:
    tag = uuid.uuid4().hex[:10]
    dsn, people_dsn = [
        await empty(server, kind, f"portal_{kind}_{tag}") for kind in ("world", "people")
    ]
    connection = await asyncpg.connect(dsn)
    await speak_json(connection)
    now = datetime.now(UTC).replace(microsecond=0)
    merchant_id, sites = await make_merchant(connection, sites=3)
    other_id, other_sites = await make_merchant(connection, name="Other & Sons")
    empty_id, _ = await make_merchant(connection, name="Empty Ltd", offset_us=21 * 86_400_000_000)
    endpoint_id = uuid.uuid4()
    await connection.execute(
        "INSERT INTO endpoints (merchant_id, endpoint_id, url, events, format, created_at)"
        " VALUES ($1, $2, 'https://hooks.brightleaf.example/recoup', '{}', 'rescue', now())",
        merchant_id,
        endpoint_id,
    )
    stories, told = _stories(merchant_id, sites, now, orders), {}
    for name, story in stories:
        told[name] = story
    await write(connection, endpoint_id, [story for _, story in stories])
    foreign = Story(
        other_id, other_sites[0], "OTHER-1", "Eve Other", "eve@other.example", "USD", 1000, now
    )
    await write(connection, uuid.uuid4(), [tell(foreign, "draft")])
    await connection.execute("ANALYZE")
    await connection.close()
    keys = Keyring(fresh())
    shop = Shop(
        dsn, people_dsn, merchant_id, other_id, empty_id, sites, told, foreign.order_id, keys
    )
    await _people(shop)
    return shop


def _stories(
    merchant_id: uuid.UUID, sites: list[uuid.UUID], now: datetime, count: int
) -> list[tuple[str, Story]]:
    dice, found = random.Random(7), []
    for number in range(count):
        placed = (
            now
            - timedelta(minutes=(count - number) * 53, seconds=dice.randrange(60))
            - timedelta(days=3)
        )
        name, asset = dice.choice(NAMES), dice.choice(ASSETS)
        units = dice.choice([990, 2490, 4590, 12900, 124900]) + number % 3
        kind, source = ("mit_managed", "ecommerce")
        if number % 5 == 1:
            kind, source = dice.choice([("cit_web", "ecommerce"), ("cit_callcenter", "callcenter")])
        items = [
            {
                "sku": "LEAF-1",
                "name": "Leaf Club, November",
                "amount": units - units // 10,
                "quantity": 3,
                "tax": units // 10,
            }
        ]
        story = Story(
            merchant_id,
            sites[number % 3],
            f"SUB-{7000 + number}-2026-11",
            name,
            f"buyer{number}@example.test",
            asset,
            units,
            placed,
            kind,
            source,
            items if number % 2 else [],
        )
        told = STORIES[number % len(STORIES)]
        found.append((told + ("_items" if items and number % 2 else ""), tell(story, told)))
    return found


async def _people(shop: Shop) -> None:
    world = await make_world(shop)
    partner = uuid.uuid4()
    await register_partner(world, partner, "Checkout Partner")
    await register_merchant(world, shop.merchant_id, "Brightleaf Tea", partner)
    await register_merchant(world, shop.other_id, "Other & Sons", None)
    await register_merchant(world, shop.empty_id, "Empty Ltd", partner)
    for email, name, memberships in (
        (
            "maya@example.test",
            "Maya Okafor",
            [Membership("merchant", shop.merchant_id, "operations")],
        ),
        ("ann@example.test", "Ann Lyst", [Membership("merchant", shop.merchant_id, "analyst")]),
        ("pat@example.test", "Pat Partner", [Membership("partner", partner, "owner")]),
        (
            "op@example.test",
            "Olga Operator",
            [Membership("operator", uuid.UUID(int=0), "operations")],
        ),
        ("new@example.test", "Nobody Yet", []),
        ("empty@example.test", "Emma Empty", [Membership("merchant", shop.empty_id, "owner")]),
    ):
        await make_user(world, email, name, PASSWORD, memberships)
    await world.db.close()
    await world.people.close()


async def make_world(shop: Shop, **fields: Any) -> World:
    db = await Database(shop.dsn, size=6, reads=3).open()
    people = await Database(shop.people_dsn, size=3).open()
    return OpenWorld(
        name="sandbox",
        db=db,
        keys=shop.keys,
        processors={},
        web=None,
        people_database=people,
        exports=shop.files,
        **fields,
    )


def make_app(world: World) -> Starlette:
    return Starlette(routes=routes(world, Orders(world)))


async def drop_shop(server: ServerAddress, shop: Shop) -> None:
    shutil.rmtree(shop.files, ignore_errors=True)
    for dsn in (shop.dsn, shop.people_dsn):
        await drop(server, dsn.partition("@/")[2].partition("?")[0])


async def in_the_clear(shop: Shop, *, role: str = "operations", sight: str = "shown") -> None:
    """People of this role see customers' data so, from the next page on."""
    connection = await asyncpg.connect(shop.dsn)
    try:
        await connection.execute(
            "UPDATE merchants SET sight = sight || jsonb_build_object($2::text, $3::text) WHERE "
            "merchant_id = $1",
            shop.merchant_id,
            role,
            sight,
        )
    finally:
        await connection.close()
    await asyncio.sleep(1.1)  # until the portal reads a merchant's settings again


def plain(file: httpx.Response) -> str:
    """A CSV of the portal without the mark that it begins with."""
    mark, text = file.content[:3], file.content[3:].decode()
    assert mark == b"\xef\xbb\xbf"
    return text

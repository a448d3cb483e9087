"""Orders of every status, what narrows their list, their customers and one's sessions: no English
in another language.

The ground of its sisters has few orders; here are those whose pages a walk found to be half
English.
"""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
from tests.isolation.test_no_english import english_in as chinese_english_in
from tests.isolation.test_no_english_in_latin import english_in as latin_english_in
from tests.order_stories import Story, tell, write
from tests.people.page.test_portal import visit
from tests.shop import Shop, drop_shop, make_shop

from recoup.db.connect import speak_json
from recoup.db.server import ServerAddress

_LANGUAGES = ("de", "fr", "es", "zh")
_PAGES_MIN = 30
_LISTS = (
    "/orders?status=5&status=1",
    "/orders?reason=expired",
    "/orders?channel=mit",
    "/orders?placed=last7",
    "/account/sessions",
)
_BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/150.0.0.0 Safari/537.36"
)
# Versions, and what the stories wrote themselves.
_NAMES = re.compile(
    r"policy \S+, decider .*|The rescue ends now\."
    r"|The card's allowance of 20 sends in 30 days is used up\."
    r"|No answer for 24 hours: the processor is asked by hand\.|One box arrived damaged"
)
_CURE = "mark it |said, or let the harvest find it: decision 0040\n"


def english_in(page: str, language: str) -> list[str]:
    plain = _NAMES.sub("§", page.replace("&#39;", "'"))
    return chinese_english_in(plain) if language == "zh" else latin_english_in(plain, language)


def rare(shop: Shop) -> list[Story]:
    """What the ordinary stories lack."""

    def story(name: str, asset: str = "USD", **more: str) -> Story:
        placed = datetime.now(UTC).replace(microsecond=0) - timedelta(days=4)
        return Story(
            shop.merchant_id,
            shop.sites[0],
            f"RARE-{name}",
            "Zoe Quinn",
            "zoe@example.test",
            asset,
            4590,
            placed,
            **more,
        )

    over = tell(story("expired", "USDT", kind="stable", source="mock"), "expired")
    unreachable = story("unreachable")
    unreachable.begin()
    attempt = unreachable.send()
    attempt["state"] = "not_sent"
    unreachable.line(
        "attempt_not_sent", attempt["attempt_id"], number=1, why="The processor was not reachable."
    )
    advised = story("advised")
    advised.begin()
    attempt = advised.send() | {"state": "declined", "scheme_code": "100"}
    advised.line(
        "attempt_declined",
        attempt["attempt_id"],
        number=1,
        scheme="amex",
        code="100",
        advice="24",
        meaning="deny",
    )
    held = story("held")
    held.begin()
    held.line("authorised", capture_before=(datetime.now(UTC) + timedelta(days=6)).isoformat())
    return [over, unreachable, advised, held]


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    async def make() -> Shop:
        made = await make_shop(server, orders=30)
        connection = await asyncpg.connect(made.dsn)
        await speak_json(connection)
        stories = rare(made)
        await write(connection, uuid.uuid4(), stories)
        await connection.close()
        made.stories.update({one.external_id: one for one in stories})
        return made

    made = asyncio.run(make())
    yield made
    asyncio.run(drop_shop(server, made))


async def pages(client: httpx.AsyncClient, shop: Shop) -> AsyncIterator[tuple[str, str]]:
    paths = [f"/orders/{one.order_id}" for one in shop.stories.values()] + list(_LISTS)
    customers = re.findall(
        r'href="(/customers/[0-9a-f-]{36})"', (await client.get("/customers")).text
    )
    for path in [*paths, *dict.fromkeys(customers)]:
        answer = await client.get(path)
        assert answer.status_code == 200, path
        yield path, answer.text


@pytest.mark.parametrize("language", _LANGUAGES)
def test_no_order_of_any_status_is_shown_half_in_english(shop: Shop, language: str) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        client.headers.update({"accept-language": language, "user-agent": _BROWSER})
        read = {path: page async for path, page in pages(client, shop)}
        assert len(read) > _PAGES_MIN, "the walk has lost its pages"
        found = {path: left for path, page in read.items() if (left := english_in(page, language))}
        assert not found, _CURE + "\n".join(map(str, found.items()))

    visit(shop, work)

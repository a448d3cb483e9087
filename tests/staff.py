"""A shop's portal with its people, a partner's and the operator's,
each in a browser of their own."""

import asyncio
import html
import re
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
from starlette.applications import Starlette
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.main.portal import routes
from recoup.onboarding.flows.partners import make_partner
from recoup.people.flows.make_user import Membership, make_user, register_merchant, register_partner

PASSWORD = "correct horse battery"
PARTNER, RIVAL = UUID(int=7), UUID(int=8)
# Who -> what they belong to, and as what; "shop" stands for the shop.
PEOPLE: dict[str, tuple[str, UUID | None, str]] = {
    "owner": ("merchant", None, "owner"),
    "clerk": ("merchant", None, "analyst"),
    "ops": ("merchant", None, "operations"),
    "dev": ("merchant", None, "developer"),
    "olga": ("operator", UUID(int=0), "owner"),
    "otto": ("operator", UUID(int=0), "operations"),
    "pat": ("partner", PARTNER, "owner"),
    "pia": ("partner", PARTNER, "analyst"),
    "rita": ("partner", RIVAL, "owner"),
}
As = Callable[[str], Awaitable[httpx.AsyncClient]]


def portal(
    server: ServerAddress, story: Callable[[Shop, As], Awaitable[None]], **terms: int
) -> None:
    """`story` gets the shop, and what signs somebody in: with an empty name a browser of nobody.
    `terms` are the shop's."""

    __tracebackhide__ = True

    async def inside() -> None:
        __tracebackhide__ = True
        async with sandbox_world(server) as made:
            shop = await make_shop(*made, **terms)
            world = shop.world
            for partner_id, name in ((PARTNER, "Subscriptions Inc"), (RIVAL, "Rival Inc")):
                await register_partner(world, partner_id, name)
                await make_partner(world, partner_id, name)
            await register_merchant(world, shop.merchant_id, "Brightleaf Tea", PARTNER)
            others = await make_shop(*made, name="Rival's shop")
            await register_merchant(world, others.merchant_id, "Rival's shop", RIVAL)
            for name, (kind, subject, role) in PEOPLE.items():
                await make_user(
                    world,
                    f"{name}@example.test",
                    name.title(),
                    PASSWORD,
                    [Membership(kind, subject or shop.merchant_id, role)],
                )
            app = Starlette(routes=routes(world, shop.orders, shop.merchants))
            clients: list[httpx.AsyncClient] = []

            async def signed_in(name: str) -> httpx.AsyncClient:
                client = httpx.AsyncClient(
                    transport=httpx.ASGITransport(app=app), base_url="http://portal.test"
                )
                clients.append(client)
                if name:
                    data = {"email": f"{name}@example.test", "password": PASSWORD}
                    assert (await client.post("/signin", data=data)).status_code == 303
                return client

            try:
                await story(shop, signed_in)
            finally:
                for client in clients:
                    await client.aclose()

    asyncio.run(inside())


async def token(client: httpx.AsyncClient, on: str) -> str:
    """The form token of the page `on`."""
    found = re.search(r'name="csrf" value="([^"]*)"', (await client.get(on)).text)
    assert found, on
    return html.unescape(found[1])


async def post(client: httpx.AsyncClient, on: str, to: str, **fields: object) -> httpx.Response:
    """A form of the page `on`."""
    return await client.post(to, data={"csrf": await token(client, on)} | fields)


def texts(page: httpx.Response, status: int = 200) -> str:
    assert page.status_code == status, page.text
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text)))


_REVIEW = re.compile(
    r'<form class="row" method="post" action="([^"]*)">((?:(?!</form>).)*name="seen".*?)</form>',
    re.S,
)


def review_form(page: httpx.Response) -> tuple[str, dict[str, list[str]]]:
    """Where the form of a review goes, and its hidden fields."""
    assert page.status_code in (200, 409), page.text
    found = _REVIEW.search(page.text)
    assert found, texts(page, page.status_code)
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', found[2]):
        fields.setdefault(name, []).append(html.unescape(value))
    return html.unescape(found[1]), fields


async def approve_reviewed(client: httpx.AsyncClient, review: str) -> httpx.Response:
    """Opens the review at this address and presses its button."""
    to, fields = review_form(await client.get(review))
    return await client.post(to, data=fields | {"decision": "approve"})


def payout_review(payout_id: object) -> str:
    return f"/approvals/payouts?payout={payout_id}"

"""A paused partner's people look at its merchants and change nothing;
the shops' own people go on."""

from typing import Any
from uuid import UUID

import httpx
from starlette.applications import Starlette
from starlette.routing import Route
from tests.staff import As, portal, post, texts, token
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.main.portal import routes

# They ask for no merchant, choose what is looked at, or leave; below /account it is one's own.
OPEN = {
    "/signin",
    "/signin/code",
    "/signin/forgot",
    "/signin/password/{token}",
    "/signup",
    "/signout",
    "/handover/{token}",
    "/invitations/{token}",
    "/merchant",
    "/world",
}


async def run(pool: Any, sql: str, *args: Any) -> Any:
    async with pool.connection() as connection:
        return await connection.fetch(sql, *args)


async def pause(shop: Shop) -> None:
    await run(
        shop.world.db, "UPDATE partners SET state = 'paused' WHERE name = 'Subscriptions Inc'"
    )


async def member(shop: Shop, who: str, role: str) -> None:
    await run(
        shop.world.people,
        "INSERT INTO memberships SELECT user_id, 'merchant', $2, $3, now() FROM users WHERE email "
        "= $1",
        f"{who}@example.test",
        shop.merchant_id,
        role,
    )


async def switched(client: httpx.AsyncClient, shop: Shop) -> tuple[int, bool]:
    """The answer's status, and whether the merchant takes MIT afterwards."""
    answer = await post(
        client, "/switches", "/switches", flip=f"merchant:{shop.merchant_id}:mit:off", why="test"
    )
    rows = await run(
        shop.world.db, "SELECT mit FROM merchants WHERE merchant_id = $1", shop.merchant_id
    )
    return answer.status_code, rows[0]["mit"]


def test_no_form_of_a_paused_partners_people_changes_anything(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        pat = await signed_in("pat")
        csrf = await token(pat, "/switches")
        await pause(shop)
        app, walked = Starlette(routes=routes(shop.world, shop.orders)), 0
        for route in app.routes:
            if (
                not isinstance(route, Route)
                or "POST" not in (route.methods or ())
                or route.path in OPEN
            ):
                continue
            if route.path.startswith(
                ("/account", "/notifications", "/unsubscribe", "/look-as/end")
            ):  # their own
                continue
            path = route.path.format_map({name: UUID(int=1) for name in route.param_convertors})
            answer = await pat.post(path, data={"csrf": csrf})
            assert answer.status_code == 403, path
            if not path.startswith("/approvals"):  # these are the operator's alone, paused or not
                assert "people of Subscriptions Inc may view" in texts(answer, 403), path
            walked += 1
        assert walked > 40
        assert await switched(pat, shop) == (403, True)

    portal(server, story)


def test_a_paused_partners_people_still_look(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        pat = await signed_in("pat")
        await pause(shop)
        for path in (
            "/orders",
            "/switches",
            "/invitations",
            "/partner",
            "/applications",
            "/onboarding",
        ):
            page = await pat.get(path)
            assert "Subscriptions Inc is paused" in texts(page), path
        again = await post(pat, "/orders", "/merchant", merchant=str(shop.merchant_id))
        assert again.status_code == 303, "which merchant is looked at is no change"

    portal(server, story)


def test_a_shops_own_people_go_on_while_its_partner_is_paused(server: ServerAddress) -> None:
    """Whoever is both acts by what they are at the shop."""

    async def story(shop: Shop, signed_in: As) -> None:
        owner, pat, olga = await signed_in("owner"), await signed_in("pat"), await signed_in("olga")
        await pause(shop)
        await member(shop, "pat", "analyst")
        assert await switched(pat, shop) == (403, True), (
            "an analyst of the shop, for as long as the partner is paused"
        )
        assert "is paused" not in texts(await pat.get("/switches"))
        await run(
            shop.world.people,
            "UPDATE memberships SET role = 'operations' WHERE role = 'analyst' AND subject_kind = "
            "'merchant'",
        )
        assert await switched(pat, shop) == (303, False)
        for client in (owner, olga):
            assert await switched(client, shop) == (303, False)
        await run(shop.world.db, "UPDATE partners SET state = 'active'")
        assert "Brightleaf Tea" in texts(await pat.get("/invitations")), (
            "an owner of it, by the partner, again"
        )

    portal(server, story)

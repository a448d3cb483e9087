"""A key does and shows no more than who made it: what its maker may not give alone waits for an
owner, who is somebody else; at rotation, too."""

import re

import httpx
from tests.people.page.test_impersonation import look, people_sql
from tests.staff import PARTNER, As, portal, post, texts
from tests.worlds import Shop
from tests.worlds import owner as as_owner

from recoup.db.server import ServerAddress
from recoup.keys.flows.credentials import Credentials

SECRET = re.compile(r'<dd class="mono wrap">([^<]*)</dd>')
ALL = {"customers:read"} | {
    f"{one}:write"
    for one in (
        "keys",
        "merchants",
        "orders",
        "payments",
        "payouts",
        "refunds",
        "reports",
        "webhooks",
    )
}
OF_A_DEVELOPER = {one.replace(":write", ":read") for one in ALL} - {
    "customers:read",
    "webhooks:read",
} | {"webhooks:write"}


async def made(
    client: httpx.AsyncClient, kind: str = "api", overlap: str = "keep", **more: object
) -> tuple[str, str]:
    answer = await post(client, "/keys", "/keys", kind=kind, overlap=overlap, sure="yes", **more)
    assert answer.status_code == 200, answer.text
    key, secret = SECRET.findall(answer.text)
    return key, secret


async def allows(shop: Shop, key: tuple[str, str]) -> set[str]:
    return set((await Credentials(shop.world).from_api_key(*key)).scopes)


async def the_print(shop: Shop, key: str) -> str:
    return str(await shop.value("SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')", key))


async def decided(
    client: httpx.AsyncClient, shop: Shop, key: str, decision: str = "approve"
) -> int:
    answer = await post(
        client, "/overview", "/keys/decide", print=await the_print(shop, key), decision=decision
    )
    return answer.status_code


def test_a_developers_key_reads_masked_until_an_owner_approves_the_rest(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        dev, owner, rita = await as_("dev"), await as_("owner"), await as_("rita")
        key = await made(dev)
        assert await allows(shop, key) == OF_A_DEVELOPER
        assert "Waits for an owner" in texts(await dev.get("/keys"))
        assert ">Approve<" not in (await dev.get("/keys")).text
        assert await decided(dev, shop, key[0]) == 403
        assert await decided(rita, shop, key[0]) in (403, 404), "another merchant's owner"
        await people_sql(
            shop,
            "UPDATE memberships SET role = 'owner' WHERE user_id = "
            "(SELECT user_id FROM users WHERE email = 'dev@example.test')",
        )
        assert await decided(dev, shop, key[0]) == 404, "nor as an owner since: they made it"
        assert await allows(shop, key) == OF_A_DEVELOPER
        olga = await as_("olga")
        assert (await look(olga, shop, "owner", act=True)).status_code == 303
        assert await decided(olga, shop, key[0]) == 403
        assert ">Approve<" in (await owner.get("/keys")).text
        assert await decided(owner, shop, key[0]) == 303
        assert await decided(owner, shop, key[0]) == 404, "in another tab"
        assert await allows(shop, key) >= ALL
        assert "decided what a key may" in texts(await owner.get("/audit"))

    portal(server, story)


def test_what_an_owner_refuses_is_not_asked_again(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        dev, owner = await as_("dev"), await as_("owner")
        key = await made(dev, scope=["refunds:write", "orders:read"])
        assert await allows(shop, key) == {"refunds:read", "orders:read"}
        assert await decided(owner, shop, key[0], "refuse") == 303
        assert await decided(owner, shop, key[0]) == 404
        assert await allows(shop, key) == {"refunds:read", "orders:read"}
        nothing = await made(dev, scope=["customers:read"])
        assert await decided(owner, shop, nothing[0], "refuse") == 303
        assert await allows(shop, await made(owner, "api", "24")) == set(), "none is not all"

    portal(server, story)


def test_a_key_that_replaces_another_keeps_its_scopes_and_gives_a_developer_no_more(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        dev, owner = await as_("dev"), await as_("owner")
        for kind in ("api", "stablecoin"):
            await made(owner, kind, scope=["orders:read", "refunds:write"])
            table = "api_keys" if kind == "api" else "signing_keys"
            column = "app_key" if kind == "api" else "key_id"
            sql = f"SELECT scopes FROM {table} WHERE {column} = $1"  # noqa: S608
            rotated = await made(owner, kind, "24")
            assert set(await shop.value(sql, rotated[0])) == {"orders:read", "refunds:write"}
            by_dev = await made(dev, kind, "0")
            assert set(await shop.value(sql, by_dev[0])) == {"orders:read", "refunds:read"}
            waits = sql.replace("scopes", "requested")
            assert await shop.value(waits, by_dev[0]) == ["refunds:write"]
            assert await shop.value(waits, (await made(owner, kind, "24"))[0]) == [], (
                "what was asked for is an owner's"
            )
        answer = await post(
            owner, "/keys", "/keys", kind="api", overlap="keep", scope=["orders:all"]
        )
        assert "There is no scope 'orders:all'." in texts(answer, 400)

    portal(server, story)


def test_an_owner_with_limits_gives_no_key_that_has_none_alone(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        owner, pat = await as_("owner"), await as_("pat")
        assert (
            await post(
                owner, "/roles", "/roles/limits", role="owner", currency="USD", second_from="50"
            )
        ).is_redirect
        key = await made(owner)
        assert await allows(shop, key) == ALL - {"refunds:write"} | {"refunds:read"}
        assert await decided(owner, shop, key[0]) == 404
        assert await decided(pat, shop, key[0]) == 303, "another owner: the partner's"
        assert "refunds:write" in await allows(shop, key)
        assert (
            await post(owner, "/roles", "/roles/sight", role="owner", sight="masked")
        ).is_redirect
        assert "customers:read" not in await allows(
            shop, await made(owner, scope=["customers:read", "orders:read"])
        )

    portal(server, story)


def test_a_partners_developer_gives_no_more_either(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        await people_sql(
            shop,
            "UPDATE memberships SET role = 'developer' WHERE user_id = "
            "(SELECT user_id FROM users WHERE email = 'pia@example.test')",
        )
        async with as_owner(shop.world) as connection:
            await connection.execute(
                "INSERT INTO partner_merchants (merchant_id, partner_id, created_at) VALUES ($1, "
                "$2, now()) "
                "ON CONFLICT DO NOTHING",
                shop.merchant_id,
                PARTNER,
            )
        pia, pat = await as_("pia"), await as_("pat")
        here = f"/partner/merchants/{shop.merchant_id}"
        answer = await post(pia, here, f"{here}/keys", overlap="24")
        assert answer.status_code == 200, texts(answer)
        scopes = (
            "SELECT scopes FROM api_keys WHERE merchant_id = $1 ORDER BY created_at DESC LIMIT 1"
        )
        assert set(await shop.value(scopes, shop.merchant_id)) == OF_A_DEVELOPER
        answer = await post(pia, "/partner/keys", "/partner/keys", overlap="24", name="")
        own = "SELECT app_key, scopes, requested FROM partner_keys ORDER BY created_at DESC LIMIT 1"
        key, has, requested = await shop.world.db.fetchrow(own)
        assert (set(has), set(requested)) == (
            {"keys:read", "partner:read", "webhooks:write"},
            {"keys:write", "partner:write"},
        )
        for who, status in ((pia, 403), (pat, 303), (pat, 404)):
            fields = {"print": await the_print(shop, key), "decision": "approve"}
            answer = await post(who, "/partner/keys", "/partner/keys/decide", **fields)
            assert answer.status_code == status, texts(answer)
        assert set((await shop.world.db.fetchrow(own))[1]) >= {"keys:write", "partner:write"}

    portal(server, story)

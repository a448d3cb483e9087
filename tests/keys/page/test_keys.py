"""A merchant's people make and end its keys: what is made works, is shown once, and nobody else
makes any."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.log_lines import logged
from tests.staff import As, portal, post, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.keys.flows import issue_key
from recoup.keys.flows.call_log import CallLog
from recoup.keys.flows.credentials import Credentials
from recoup.keys.flows.merchant_keys import KEYS_MAX, list_keys, make_key
from recoup.keys.store.merchant_keys import find_signing_key
from recoup.webhooks.flows.endpoints import create, list_all
from recoup.webhooks.flows.rotate import shared_key_state

SECRET = re.compile(r'<dd class="mono wrap">([^<]*)</dd>')
NO_TIME = timedelta(0)
DOORS = {"shared": "rescue", "stablecoin": "stablecoin"}


def scope_of(shop: Shop) -> Scope:
    return Scope(shop.merchant_id, Actor("user", "test"), "test")


async def made(client: httpx.AsyncClient, kind: str, overlap: str = "0") -> list[str]:
    """What the page shows of the key that it made: its parts, in their order."""
    answer = await post(client, "/keys", "/keys", kind=kind, overlap=overlap, sure="yes")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return SECRET.findall(answer.text)


async def works(shop: Shop, app_key: str, secret: str) -> bool:
    try:
        await Credentials(shop.world).sign_in(app_key, secret)
    except Problem as problem:
        return problem.code != "bad_credentials"
    return True


async def live(shop: Shop, kind: str) -> list[Any]:
    wall = shop.world.clocks.wall()
    rows = await list_keys(shop.world, scope_of(shop))
    return [row for row in rows if row.kind == kind and (row.ends_at is None or row.ends_at > wall)]


def test_an_owner_makes_api_keys_that_work_and_ends_them(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        first = (shop.keys.app_key, shop.keys.app_secret)
        assert await works(shop, *first)
        with logged() as logs:
            second = await made(owner, "api", "keep")
            third = await made(owner, "api", "keep")
        assert await works(shop, *first)
        assert await works(shop, *second)
        page = await owner.get("/keys")
        assert "by Owner" in texts(page)
        for secret in (*second, *third):
            assert secret not in page.text, "shown once"
            assert secret not in str(logs)
        print_ = next(row.print for row in await live(shop, "api") if row.key == second[0])
        assert (
            await post(owner, "/keys", "/keys/end", kind="api", print=print_, sure="yes")
        ).status_code == 303
        assert [await works(shop, *key) for key in (first, second, third)] == [True, False, True]
        assert (
            await post(owner, "/keys", "/keys/end", kind="api", print=print_)
        ).status_code == 404
        last = await made(owner, "api", "0")
        assert [await works(shop, *key) for key in (first, second, third, last)] == [
            False,
            False,
            False,
            True,
        ]
        ended = next(
            row for row in await list_keys(shop.world, scope_of(shop)) if row.key == first[0]
        )
        assert ended.ended_by.startswith("user:")

    portal(server, story)


def test_old_keys_of_one_kind_go_on_as_long_as_was_chosen(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        dev, world = await signed_in("dev"), shop.world
        before = {
            kind: (await live(shop, kind))[0].key for kind in ("api", "stablecoin", "tokenization")
        }
        key_id, secret = await made(dev, "stablecoin", "24")
        for row in await live(shop, "stablecoin"):
            if row.key == before["stablecoin"]:
                assert (
                    timedelta(hours=23) < row.ends_at - world.clocks.wall() <= timedelta(hours=24)
                )
        async with world.db.connection() as connection:
            found = await find_signing_key(connection, key_id, world.clocks.wall())
            later = world.clocks.wall() + timedelta(hours=25)
            assert await find_signing_key(connection, before["stablecoin"], later) is None
        assert found
        assert secret.encode() not in found[1], "it is sealed"
        [tokenization] = await made(dev, "tokenization")
        credentials = Credentials(world)
        assert await credentials.merchant_of_environment(tokenization) == shop.merchant_id
        assert await credentials.merchant_of_environment(before["tokenization"]) is None
        assert [row.key for row in await live(shop, "api")] == [before["api"]], (
            "the other kinds stay"
        )

    portal(server, story)


@pytest.mark.parametrize("who", ["clerk", "ops", "pia"])
def test_others_look_and_make_no_key(server: ServerAddress, who: str) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        client = await signed_in(who)
        page = await client.get("/keys")
        assert "API keys" in texts(page)
        print_ = (await live(shop, "api"))[0].print
        assert print_ not in page.text
        assert shop.keys.tokenization_key not in page.text
        for path in ("/keys", "/keys/end", "/keys/signing"):
            told = await post(
                client, "/keys", path, kind="api", print=print_, which="shared", overlap="0"
            )
            assert "not create or end keys" in texts(told, 403), path
        assert await works(shop, shop.keys.app_key, shop.keys.app_secret)

    portal(server, story)


def test_of_two_keys_made_at_once_one_works_and_there_are_never_too_many(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, scope = await signed_in("owner"), scope_of(shop)
        await asyncio.gather(*(make_key(shop.world, scope, "api", NO_TIME) for _ in range(4)))
        assert len(await live(shop, "api")) == 1
        asked = [make_key(shop.world, scope, "api", None) for _ in range(KEYS_MAX + 2)]
        told = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(one, Problem) and one.code == "conflict" for one in told) == 3
        assert len(await live(shop, "api")) == KEYS_MAX
        answer = await post(owner, "/keys", "/keys", kind="api", overlap="24")
        assert "End one first" in texts(answer, 409)
        assert "no such kind" in texts(
            await post(owner, "/keys", "/keys", kind="webhook", overlap="0"), 400
        )

    portal(server, story)


def test_a_key_made_and_ended_without_end_slows_nobody_down(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of twenty thousand that end within minutes no process keeps account: each call of everybody
    asks the database."""

    async def story(shop: Shop, signed_in: As) -> None:
        owner, scope = await signed_in("owner"), scope_of(shop)
        monkeypatch.setattr(issue_key, "A_DAY_MAX", 3)  # one came with the merchant
        for _ in range(2):
            await make_key(shop.world, scope, "api", NO_TIME)
        told = texts(await post(owner, "/keys", "/keys", kind="api", overlap="0", sure="yes"), 429)
        assert "3 keys of this kind were made within a day" in told
        assert len(await live(shop, "api")) == 1, "the last one works"
        await make_key(shop.world, scope, "tokenization", NO_TIME)

    portal(server, story)


def test_what_webhooks_are_signed_with_is_replaced(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, world, scope = await signed_in("owner"), shop.world, scope_of(shop)
        await create(world, scope, "https://hooks.example.com/shared", None, "rescue")
        own = await create(
            world, scope, "https://hooks.example.com/own", None, "rescue", own_key=True
        )
        page = await owner.get("/keys")
        assert own.signing_key not in page.text

        async def new(which: str, overlap: str = "24", status: int = 200) -> list[str]:
            answer = await post(
                owner, "/keys", "/keys/signing", which=which, overlap=overlap, sure="yes"
            )
            assert answer.status_code == status, answer.text
            return SECRET.findall(answer.text)

        [shared] = await new("shared")
        keys = {
            hook.url.rpartition("/")[2]: hook.signing_key for hook in await list_all(world, scope)
        }
        assert keys == {"shared": shared, "own": own.signing_key}, (
            "that one is replaced on the endpoint's page"
        )
        assert f'href="/webhooks/{own.endpoint_id}"' in page.text
        assert "The previous key works until" in texts(await owner.get("/keys"))
        await new("shared", status=409)
        form = {
            name: re.findall(rf'name="{name}" value="([^"]+)"', page.text)[0]
            for name in ("csrf", "of")
        }
        form |= {"which": "shared", "overlap": "24"}
        assert SECRET.findall((await owner.post("/keys/signing", data=form)).text) == [shared], (
            "sent twice"
        )
        assert await new("shared", "0") != [shared]
        assert (await new("stablecoin"))[0].startswith("whsec_")
        for wrong in ("nothing", str(own.endpoint_id)):
            await new(wrong, status=400)

    portal(server, story)


def test_a_new_key_ends_the_old_one_only_as_its_owner_chooses(server: ServerAddress) -> None:
    """The form began with "after a day": who made a second key for another server lost the first
    one's."""

    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        page = (await owner.get("/keys")).text
        selects = re.findall(r'<select class="in" id="(overlap[^"]*)"(.*?)>(.*?)</select>', page)
        chosen = {name: re.findall(r'value="([^"]*)"', options) for name, _, options in selects}
        assert chosen.pop("overlap") == ["keep", "24", "168", "0"]
        assert [more for name, more, _ in selects if name == "overlap"] == [' name="overlap"']
        assert all(options[0] == "24" for options in chosen.values()), "what is replaced has a day"
        told = await post(owner, "/keys", "/keys", kind="api", overlap="")
        assert "Choose when the old key ends." in texts(told, 400)
        assert [row.key for row in await live(shop, "api")] == [shop.keys.app_key]

    portal(server, story)


def test_a_key_that_ends_at_once_is_asked_about_first(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, world = await signed_in("owner"), shop.world
        first = (shop.keys.app_key, shop.keys.app_secret)
        name = {
            "name": "Billing server",
            "kind": "api",
            "print": (await live(shop, "api"))[0].print,
        }
        assert (await post(owner, "/keys", "/keys/name", **name)).status_code == 303
        log = CallLog(world)
        log.note(shop.merchant_id, first[0], "r1", "POST", "/v1/transmit", 200, None, 3)
        await log.write()
        used = (await live(shop, "api"))[0].last_used_at
        assert world.clocks.wall() - used < timedelta(minutes=5)

        asked = await post(owner, "/keys", "/keys", kind="api", overlap="0", name="Next")
        said = texts(asked)
        assert "End this key at once?" in said
        assert f"API key “ Billing server ” …{first[0][-4:]} last used" in said
        assert not SECRET.findall(asked.text), "nothing was made"
        assert len(await live(shop, "api")) == 1
        assert await works(shop, *first)
        end = {"kind": "api", "print": (await live(shop, "api"))[0].print}
        assert "End this key at once?" in texts(await post(owner, "/keys", "/keys/end", **end))
        assert await works(shop, *first)

        form = dict(
            re.findall(
                r'name="([^"]+)" value="([^"]*)"', asked.text[asked.text.index('id="question"') :]
            )
        )
        second = SECRET.findall((await owner.post("/keys", data=form)).text)
        assert [await works(shop, *first), await works(shop, *second)] == [False, True]
        assert (await live(shop, "api"))[0].name == "Next"
        long = {**end, "name": "x" * 61}
        assert "at most 60 characters" in texts(
            await post(owner, "/keys", "/keys/name", **long), 400
        )

    portal(server, story)


def test_webhook_keys_are_asked_about_too_and_the_stablecoin_secret_overlaps(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, world, scope = await signed_in("owner"), shop.world, scope_of(shop)
        hook = await create(
            world, scope, "https://hooks.example.com/own", None, "rescue", own_key=True
        )
        for which in ("shared", "stablecoin"):
            before = await shared_key_state(world, scope, DOORS[which])
            asked = await post(owner, "/keys", "/keys/signing", which=which, overlap="0")
            assert "End this key at once?" in texts(asked)
            assert await shared_key_state(world, scope, DOORS[which]) == before
        at = f"/webhooks/{hook.endpoint_id}"
        assert "End this key at once?" in texts(
            await post(owner, at, f"{at}/rotate", overlap="0", of="x")
        )
        assert (await list_all(world, scope))[-1].signing_key == hook.signing_key
        made = await post(owner, "/keys", "/keys/signing", which="stablecoin", overlap="24")
        assert SECRET.findall(made.text)[0].startswith("whsec_")
        mark, until = await shared_key_state(world, scope, "stablecoin")
        assert until is not None
        assert timedelta(hours=23) < until - world.clocks.wall() <= timedelta(hours=24)
        assert (await shared_key_state(world, scope))[1] is None, "the other API's key is another"

    portal(server, story)

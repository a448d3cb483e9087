"""A partner's pages, the page that hands credentials over, and sign-up, as a browser without a
script uses them."""

import asyncio
import html
import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.applications import Starlette
from tests.rings import each
from tests.worlds import Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.keys.api.v1_resource import Services
from recoup.keys.flows.call_log import CallLog
from recoup.keys.flows.credentials import Credentials
from recoup.kit.edge.called import note_call
from recoup.kit.edge.entry import Entry
from recoup.kit.world import World
from recoup.main.api import routes as rescue_routes
from recoup.main.app import refuse
from recoup.main.portal import routes
from recoup.onboarding.flows.partners import make_partner, make_partner_key
from recoup.people.flows.make_user import Membership, make_user, register_merchant, register_partner
from recoup.rescue.flows.run_due import run_due

PASSWORD = "correct horse battery"
ROLES = ("owner", "operations", "analyst", "developer")


class Office:
    """One world, a partner with a merchant and its people; browsers that sign in as them."""

    def __init__(self, shop: Shop, partner_id: UUID) -> None:
        self.shop, self.world, self.partner_id = shop, shop.world, partner_id
        self._app = Starlette(routes=routes(shop.world, shop.orders))
        self._clients: list[httpx.AsyncClient] = []

    def browser(self, address: str = "192.0.2.1") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self._app, client=(address, 1234))
        self._clients.append(httpx.AsyncClient(transport=transport, base_url="http://portal.test"))
        return self._clients[-1]

    async def as_(self, name: str) -> httpx.AsyncClient:
        client = self.browser()
        answer = await client.post(
            "/signin", data={"email": f"{name}@example.test", "password": PASSWORD}
        )
        assert answer.status_code == 303
        return client

    async def sql(self, statement: str, *args: Any) -> list[Any]:
        async with owner(self.world) as connection:
            return list(await connection.fetch(statement, *args))

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


def office(server: ServerAddress, story: Callable[[Office], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop, partner_id = await make_shop(*made), uuid4()
            world = shop.world
            await make_partner(world, partner_id, "Subscriptions Inc")
            await register_partner(world, partner_id, "Subscriptions Inc")
            await register_merchant(world, shop.merchant_id, "Brightleaf Tea", partner_id)
            async with owner(world) as connection:
                await connection.execute(
                    "INSERT INTO partner_merchants (merchant_id, partner_id, external_id, "
                    "created_at)"
                    " VALUES ($1, $2, 'crm-1', now())",
                    shop.merchant_id,
                    partner_id,
                )
            for role in ROLES:
                await make_user(
                    world,
                    f"{role}@example.test",
                    role.title(),
                    PASSWORD,
                    [Membership("partner", partner_id, role)],
                )
            at = Office(shop, partner_id)
            try:
                await story(at)
            finally:
                await at.close()

    asyncio.run(inside())


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return html.unescape(found[1])


async def post(client: httpx.AsyncClient, on: str, to: str, **fields: Any) -> httpx.Response:
    return await client.post(to, data={"csrf": field((await client.get(on)).text, "csrf")} | fields)


def shown(page: str) -> dict[str, str]:
    """A list of facts: word -> value."""
    return {
        html.unescape(word): html.unescape(value)
        for word, value in re.findall(r"<dt>([^<]*)</dt><dd[^>]*>([^<]*)</dd>", page)
    }


NEW = {
    "name": "Tea <b>& Sons</b>",
    "external_id": "crm-2",
    "site_url": "https://tea.example",
    "site_name": "Tea",
    "descriptor": "TEAANDSONS",
}


def test_a_merchant_is_made_shown_once_and_handed_over(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        client = await at.as_("operations")
        form = (await client.get("/partner/merchants/new")).text
        sent = NEW | {"csrf": field(form, "csrf"), "key": field(form, "key")}
        made = await client.post("/partner/merchants", data=sent)
        assert made.status_code == 200, made.text
        assert made.headers["cache-control"] == "no-store"
        assert "<b>&" not in made.text
        given = shown(made.text)
        await Credentials(at.world).sign_in(given["App key"], given["App secret"])
        again = await client.post("/partner/merchants", data=sent)
        assert "already existed" in again.text
        assert given["App secret"] not in again.text
        link = re.search(r"http://recoup.test(/handover/[\w=-]+)", again.text)
        assert link
        visitor = at.browser()
        page = await visitor.get(link[1])
        assert given["App secret"] not in page.text, "a link that is only looked at shows nothing"
        seen = await visitor.post(link[1])
        assert shown(seen.text)["App secret"] == given["App secret"]
        over, never = await visitor.post(link[1]), await visitor.post("/handover/" + "A" * 64)
        assert (over.status_code, never.status_code) == (404, 404)
        assert re.sub(r"[0-9a-f]{32}", "", over.text) == re.sub(r"[0-9a-f]{32}", "", never.text)
        await run_due(at.world, at.shop.orders)
        listed = (await client.get("/partner")).text
        assert "Tea &lt;b&gt;&amp; Sons&lt;/b&gt;" in listed
        assert "crm-2" in listed
        for wrong, field_name in (
            ({"site_url": "http://x"}, "https address"),
            ({"descriptor": "a"}, "5 to 22"),
            ({"name": ""}, "name"),
            ({"external_id": "crm-1", "key": str(uuid4())}, "Another"),
        ):
            answer = await client.post(
                "/partner/merchants", data=sent | {"key": str(uuid4()), "external_id": ""} | wrong
            )
            if field_name != "Another":
                assert answer.status_code == 400
                assert field_name in answer.text

    office(server, story)


def test_the_list_is_searched_and_many_are_switched(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        client = await at.as_("owner")
        for n in range(3):
            form = (await client.get("/partner/merchants/new")).text
            await client.post(
                "/partner/merchants",
                data=NEW
                | {
                    "name": f"Shop {n}",
                    "external_id": f"e{n}",
                    "csrf": field(form, "csrf"),
                    "key": field(form, "key"),
                },
            )
        await at.shop.ask()
        page = (await client.get("/partner?q=shop")).text
        mids = re.findall(r'name="mid" value="([0-9a-f-]{36})"', page)
        assert len(mids) == 3
        assert "crm-1" not in page
        assert "Shop 1" in (await client.get("/partner?q=e1")).text, (
            "found by the partner's own id too"
        )
        assert "No matches" in (await client.get("/partner?q=nothing&state=paused")).text
        answer = await post(
            client,
            "/partner",
            "/partner/switches",
            mid=[*mids[:2], str(uuid4())],
            mit="off",
            why="w",
        )
        assert "2 of 3 merchants switched" in answer.text
        assert "There is no such merchant" in answer.text
        off = await at.sql("SELECT merchant_id FROM merchants WHERE NOT mit ORDER BY 1")
        assert [str(row[0]) for row in off] == sorted(mids[:2])
        noted = await at.sql("SELECT DISTINCT left(actor, 5) AS who FROM switch_changes")
        assert [row[0] for row in noted] == ["partn"]
        assert (
            await post(client, "/partner", "/partner/switches", mid=mids[:1])
        ).status_code == 400

    office(server, story)


def test_a_merchants_page_shows_how_it_stands_and_new_keys_end_the_old(
    server: ServerAddress,
) -> None:
    async def story(at: Office) -> None:
        path = f"/partner/merchants/{at.shop.merchant_id}"
        client, developer, analyst = (
            await at.as_("owner"),
            await at.as_("developer"),
            await at.as_("analyst"),
        )
        page = (await client.get(path)).text
        assert "A green checklist: Still open: " in page
        assert at.shop.keys.app_key[-4:] in page
        assert at.shop.keys.app_key not in page
        assert 'id="h-keys"' not in (await analyst.get(path)).text
        assert "Create keys" in (await developer.get(path)).text
        asked = await post(developer, path, f"{path}/keys", overlap="0")
        assert "End these keys at once?" in asked.text
        await Credentials(at.world).sign_in(at.shop.keys.app_key, at.shop.keys.app_secret)
        made = await post(developer, path, f"{path}/keys", overlap="0", sure="yes")
        given = shown(made.text)
        assert "Webhook key" not in given
        await Credentials(at.world).sign_in(given["App key"], given["App secret"])
        with pytest.raises(Problem, match="ended"):
            await Credentials(at.world).sign_in(at.shop.keys.app_key, at.shop.keys.app_secret)
        assert (await post(client, path, path, state="paused")).status_code == 303
        assert "Paused" in (await client.get(path)).text
        assert (await post(client, path, path, name="New name")).status_code == 303
        assert "New name" in (await client.get(path)).text
        other = f"/partner/merchants/{uuid4()}"
        assert (await client.get(other)).status_code == 404

    office(server, story)


def test_roles_may_what_they_may(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        path = f"/partner/merchants/{at.shop.merchant_id}"
        for role in ROLES:
            client = await at.as_(role)
            csrf = field((await client.get("/partner")).text, "csrf")
            tried = {
                "change": await client.post(path, data={"csrf": csrf, "state": "active"}),
                "switch": await client.post(
                    "/partner/switches",
                    data={"csrf": csrf, "mid": str(at.shop.merchant_id), "mit": "on"},
                ),
                "key": await client.post("/partner/keys", data={"csrf": csrf, "overlap": "24"}),
                "see": await client.get("/partner/keys"),
            }
            may = {name for name, answer in tried.items() if answer.status_code != 403}
            assert (
                may
                == {
                    "owner": {"change", "switch", "key", "see"},
                    "operations": {"change", "switch", "see"},
                    "developer": {"key", "see"},
                    "analyst": set(),
                }[role]
            ), role
            assert (await client.get("/partner")).status_code == 200
            forged = await client.post(path, data={"csrf": "x", "state": "paused"})
            assert forged.status_code == 403

    office(server, story)


def test_a_paused_partner_looks_and_changes_nothing(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        client = await at.as_("owner")
        await at.sql("UPDATE partners SET state = 'paused'")
        page = (await client.get("/partner")).text
        assert "is paused" in page
        csrf = field(page, "csrf")
        for path in (
            "/partner/keys",
            "/partner/switches",
            f"/partner/merchants/{at.shop.merchant_id}",
        ):
            assert (await client.post(path, data={"csrf": csrf})).status_code == 403, path

    office(server, story)


def test_of_two_keys_made_at_once_the_second_ends_the_first(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        await asyncio.gather(*(make_partner_key(at.world, at.partner_id) for _ in range(4)))
        live = await at.sql(
            "SELECT app_key FROM partner_keys WHERE partner_id = $1 AND revoked_at IS NULL",
            at.partner_id,
        )
        assert len(live) == 1

    office(server, story)


def test_a_key_in_daily_use_is_not_said_to_be_unused_before_it_ends(server: ServerAddress) -> None:
    """Of a partner's own keys no use was noted: the question called each of them "not used yet"."""

    async def story(at: Office) -> None:
        developer, log = await at.as_("developer"), CallLog(at.world)
        key = await make_partner_key(at.world, at.partner_id)
        app: Any = Starlette(routes=rescue_routes(Services(at.world, at.shop.orders)))
        noted: Any = Entry(app, refuse, answered=lambda *told: note_call(log.note, *told))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=noted), base_url="http://r.test"
        ) as api:
            headers = {"authorization": f"ApiKey {key.app_key}:{key.app_secret}"}
            assert "not used yet" in (await developer.get("/partner/keys")).text
            assert (await api.get("/v1/partner", headers=headers)).status_code == 200
        assert await log.write() == 0, "the call is in no merchant's request log"
        assert "not used yet" not in (await developer.get("/partner/keys")).text
        on, print_ = "/partner/keys", sha256(key.app_key.encode()).hexdigest()
        assert (
            await post(developer, on, f"{on}/name", print=print_, name="Billing server")
        ).status_code == 303
        asked = (await post(developer, on, on, overlap="0", name="Next")).text
        told = " ".join(re.sub("<[^>]*>", " ", asked[asked.index('id="question"') :]).split())
        assert f"Partner key “ Billing server ” …{key.app_key[-4:]} last used" in told
        form = dict(
            re.findall(r'name="([^"]+)" value="([^"]*)"', asked[asked.index('id="question"') :])
        )
        assert "The secret is shown only once" in (await developer.post(on, data=form)).text
        names = await at.sql("SELECT name FROM partner_keys WHERE revoked_at IS NULL")
        assert [row["name"] for row in names] == ["Next"]
        long = await post(developer, on, f"{on}/name", print=print_, name="x" * 61)
        assert (long.status_code, "at most 60 characters" in long.text) == (400, True)
        gone = await post(developer, on, f"{on}/name", print="none", name="x")
        assert (gone.status_code, "There is no such key" in gone.text) == (404, True)

    office(server, story)


def test_who_may_not_make_keys_does_not_see_those_that_an_owner_made(server: ServerAddress) -> None:
    """The form of a merchant that was made, sent again, had answered with the link to its newest
    keys."""

    async def story(at: Office) -> None:
        operations, boss = await at.as_("operations"), await at.as_("owner")
        form = (await operations.get("/partner/merchants/new")).text
        sent = NEW | {"csrf": field(form, "csrf"), "key": field(form, "key")}
        first = re.search(
            r"(/handover/[\w=-]+)", (await operations.post("/partner/merchants", data=sent)).text
        )
        mid = (
            await at.sql("SELECT merchant_id FROM partner_merchants WHERE external_id = 'crm-2'")
        )[0][0]
        page = f"/partner/merchants/{mid}"
        assert (await post(operations, page, f"{page}/keys", overlap="0")).status_code == 403
        second = re.search(
            r"(/handover/[\w=-]+)", (await post(boss, page, f"{page}/keys", overlap="24")).text
        )
        again = re.search(
            r"(/handover/[\w=-]+)", (await operations.post("/partner/merchants", data=sent)).text
        )
        assert first
        assert second
        assert again
        assert again[1] == first[1] != second[1]
        await at.browser().post(first[1])
        assert "/handover/" not in (await operations.post("/partner/merchants", data=sent)).text

    office(server, story)


# sign-up
# --------------------------------------------------------------------------------------------------

ME = {"email": "Ana@Shop.example", "password": PASSWORD, "name": "Ana's shop", "kind": "both",
      "site_url": "https://shop.example"}  # fmt: skip


def test_a_paused_partner_invites_nobody(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        boss = await at.as_("owner")
        await at.sql("UPDATE partners SET state = 'paused'")
        told = await post(
            boss,
            "/invitations",
            "/invitations",
            email="z@x.example",
            role="owner",
            subject="partner",
        )
        assert told.status_code == 403

    office(server, story)


def test_somebody_signs_up_and_has_a_merchant_and_a_partner(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        client = at.browser("198.51.100.1")
        assert "/signup" in (await client.get("/signin")).text
        assert (await client.get("/signup")).status_code == 200
        done = await client.post("/signup", data=ME)
        assert done.status_code == 200, done.text
        assert done.headers["cache-control"] == "no-store"
        keys = re.findall(
            r"<dt>App key</dt><dd[^>]*>([^<]*)</dd>\n?<dt>App secret</dt><dd[^>]*>([^<]*)</dd>",
            done.text,
        )
        assert [key[:3] for key, _ in keys] == ["pk_", "ppk"]
        credentials = Credentials(at.world)
        for key, secret in keys:
            await credentials.sign_in(key, secret)
        assert "Ana&#39;s shop" in (await client.get("/partner")).text
        assert (await client.get("/orders")).status_code == 200
        other = at.browser("198.51.100.2")
        signed = await other.post(
            "/signin", data={"email": "ana@shop.example", "password": PASSWORD}
        )
        assert signed.status_code == 303
        back = at.browser("198.51.100.3")
        again = await back.post("/signup", data=ME | {"name": "Another company", "kind": "partner"})
        assert "You already have an account" in again.text, (
            "an account with its password: signed in, and no key ends"
        )
        assert (await back.get("/orders")).status_code == 200
        await credentials.sign_in(*keys[0])

    office(server, story)


def test_who_signs_up_says_where_the_account_is(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        client = at.browser("198.51.100.7")
        assert 'name="country"' in (await client.get("/signup")).text
        refused = await client.post("/signup", data=ME | {"country": "EU"})
        assert refused.status_code == 400
        assert "is no country" in refused.text
        assert 'aria-describedby="why-country"' in refused.text
        assert (await client.post("/signup", data=ME | {"country": "de"})).status_code == 200
        [(country, region)] = [
            tuple(row)
            for row in await at.sql(
                "SELECT country, region FROM merchants WHERE country IS NOT NULL"
            )
            if row[0] != "US"
        ]
        assert (country, region) == ("DE", "eea")
        page = await client.get("/switches")
        assert 'id="country"' in page.text
        done = await post(client, "/switches", "/switches/country", country="gb")
        assert done.status_code == 303
        assert 'value="GB"' in (await client.get("/switches")).text
        told = await post(client, "/switches", "/switches/country", country="ZZ")
        assert told.status_code == 400

    office(server, story)


@pytest.mark.parametrize("kind", ["merchant", "partner"])
def test_each_kind_lands_where_it_belongs(server: ServerAddress, kind: str) -> None:
    async def story(at: Office) -> None:
        client = at.browser("198.51.100.4")
        done = await client.post(
            "/signup",
            data=ME
            | {"kind": kind, "site_url": "" if kind == "partner" else "https://shop.example"},
        )
        assert done.status_code == 200, done.text
        home = await client.get("/orders")
        if kind == "partner":
            assert (home.status_code, home.headers["location"]) == (303, "/partner")
            assert "No merchants yet" in (await client.get("/partner")).text
            assert "/docs/people-and-partners#partners" in done.text
            assert "/docs/first-payment" not in done.text
        else:
            assert home.status_code == 200
            assert (await client.get("/partner")).status_code == 403

    office(server, story)


def test_nobody_learns_by_sign_up_who_has_an_account(server: ServerAddress) -> None:
    """A taken e-mail with another password makes an account of its own, found by that password."""

    async def story(at: Office) -> None:
        first, second = at.browser("198.51.100.5"), at.browser("198.51.100.6")
        free = await first.post("/signup", data=ME)
        taken = await second.post("/signup", data=ME | {"password": "another good password"})
        assert free.status_code == taken.status_code == 200

        def plain(page: str) -> str:
            return re.sub(r"<dd[^>]*>[^<]*</dd>|<pre[^>]*>[^<]*</pre>", "", page)

        assert plain(free.text) == plain(taken.text)
        assert {name.lower() for name in free.headers} == {name.lower() for name in taken.headers}
        mids = [shown(page.text)["Merchant id"] for page in (free, taken)]
        assert mids[0] != mids[1]
        third = at.browser("198.51.100.7")
        for password, mid in ((PASSWORD, mids[0]), ("another good password", mids[1])):
            assert (
                await third.post("/signin", data={"email": ME["email"], "password": password})
            ).status_code == 303
            assert mid in str([row[0] for row in await at.sql("SELECT merchant_id FROM merchants")])
            key = re.findall(
                r'value="([0-9a-f-]{36})" aria-current', (await third.get("/partner")).text
            )
            assert key in ([mid], [])
        wrong = await third.post(
            "/signin", data={"email": ME["email"], "password": "neither of the two"}
        )
        assert wrong.status_code == 401
        # An account that an operator made stays its owner's.
        await third.post(
            "/signup",
            data=ME | {"email": "owner@example.test", "password": "another good password"},
        )
        assert await at.as_("owner")

    office(server, story)


def test_a_sign_up_sent_twice_at_once_shows_keys_that_work(server: ServerAddress) -> None:
    """The second one had ended the keys that the first one showed, and then refused itself."""

    async def story(at: Office) -> None:
        both = await asyncio.gather(
            *(at.browser(f"198.51.100.{n}").post("/signup", data=ME) for n in (30, 31))
        )
        assert sorted(page.status_code for page in both)[0] == 200
        shape = r"<dt>App key</dt><dd[^>]*>([^<]*)</dd>\n?<dt>App secret</dt><dd[^>]*>([^<]*)</dd>"
        keys = [key for page in both for key in re.findall(shape, page.text)]
        assert len(keys) == 2, "of the merchant and the partner, shown by one of the two"
        for key, secret in keys:
            await Credentials(at.world).sign_in(key, secret)

    office(server, story)


def test_passwords_are_not_guessed_by_sign_up(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        guess = ME | {"email": "owner@example.test", "kind": "partner"}
        for n in range(8):
            await at.browser(f"203.0.113.{n}").post(
                "/signup", data=guess | {"password": f"a wrong password {n}"}
            )
        right = await at.browser("203.0.113.9").post("/signup", data=guess | {"password": PASSWORD})
        assert right.status_code == 429
        assert "set-cookie" not in right.headers

    office(server, story)


def test_sign_ups_are_few_from_one_address(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        statuses = [
            (
                await at.browser("198.51.100.8").post(
                    "/signup", data=ME | {"email": f"a{n}@x.example", "kind": "partner"}
                )
            ).status_code
            for n in range(6)
        ]
        assert statuses == [200] * 5 + [429]
        assert (await at.browser("198.51.100.9").post("/signup", data=ME)).status_code == 200

    office(server, story)


@each(
    ("changes", "told"),
    [
        ({"email": "no mail"}, "not an e-mail"),
        ({"email": "a#b@x.example"}, "not an e-mail"),
        ({"password": "short"}, "12 to"),
        ({"name": ""}, "1 to 128"),
        ({"kind": "king"}, "Choose"),
        ({"site_url": "http://x"}, "https"),
        ({"site_url": ""}, "Enter the address of the merchant"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    server: ServerAddress, changes: dict[str, str], told: str
) -> None:
    async def story(at: Office) -> None:
        answer = await at.browser("198.51.100.10").post("/signup", data=ME | changes)
        assert answer.status_code == 400
        assert told in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert PASSWORD not in answer.text

    office(server, story)


def test_it_is_closed_where_the_operator_says_so_and_never_open_in_live(
    server: ServerAddress,
) -> None:
    async def story(at: Office) -> None:
        change_world(at.world, sign_up=False)
        client = at.browser("198.51.100.11")
        assert (await client.get("/signup")).status_code == 404
        assert (await client.post("/signup", data=ME)).status_code == 404
        assert "/signup" not in (await client.get("/signin")).text
        other = await client.post("/signup", data=ME, headers={"origin": "https://evil.example"})
        assert other.status_code in (403, 404)

    office(server, story)


def test_live_takes_no_sign_up() -> None:
    from recoup.kernel.policy import Policy
    from recoup.people.flows.sign_in import takes_sign_ups

    class Live:
        policy, sign_up = Policy(test_mode=False), True

    world: World = Live()  # type: ignore[assignment]
    assert not takes_sign_ups(world)

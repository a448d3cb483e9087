"""The portal as a browser without a script uses it: pages, forms, links. Real databases; the app in
this process."""

import asyncio
import html
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.rings import each
from tests.shop import PASSWORD, Shop, drop_shop, in_the_clear, make_app, make_shop, make_world

from recoup.db.server import ServerAddress
from recoup.desk.page.order.words import SAY
from recoup.orders.rules.lifecycle import FACTS, STEPS
from recoup.terms.rules.refunds import pieces_units

HOME = "http://portal.test"
Work = Callable[[httpx.AsyncClient, Shop], Awaitable[None]]


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=150))
    yield made
    asyncio.run(drop_shop(server, made))


def visit(
    shop: Shop, work: Work, email: str | None = "maya@example.test", address: str = "127.0.0.1"
) -> None:
    async def inside() -> None:
        world = await make_world(shop)
        transport = httpx.ASGITransport(app=make_app(world), client=(address, 1234))
        try:
            async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
                if email:
                    await sign_in(client, email)
                await work(client, shop)
        finally:
            await world.db.close()
            await world.people.close()
            await asyncio.sleep(0)

    asyncio.run(inside())


async def sign_in(
    client: httpx.AsyncClient, email: str, password: str = PASSWORD
) -> httpx.Response:
    return await client.post("/signin", data={"email": email, "password": password})


def order_path(shop: Shop, story: str) -> str:
    return f"/orders/{shop.stories[story].order_id}"


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return html.unescape(found[1])


def reviewed(page: str) -> str:
    """The second step's form."""
    return page[page.index('id="review"') :]


def ids(page: str) -> list[str]:
    return re.findall(r'class="open" href="/orders/([0-9a-f-]{36})(?:\?[^"]*)?"', page)


# signing in
# --------------------------------------------------------------------------------------------------


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        assert (await client.get("/")).headers["location"] == "/signin"
        path = order_path(shop, "completed") + "?show=money"
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            "/signin?next=" + quote(path, safe=""),
        )
        form = await client.get(answer.headers["location"])
        wanted = field(form.text, "next")
        signed = await client.post(
            "/signin", data={"email": "MAYA@example.test ", "password": PASSWORD, "next": wanted}
        )
        assert (signed.status_code, signed.headers["location"]) == (303, path)
        cookie = signed.headers["set-cookie"].lower()
        assert "recoup_session=" in cookie
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "secure" not in cookie
        assert (await client.get(path)).status_code == 200

    visit(shop, work, email=None)


ELSEWHERE = [
    "//evil.example",
    "https://evil.example",
    "/\\evil.example",
    "/ordersevil",
    "/orders\n",
]


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_sign_in_leads_to_no_other_site(shop: Shop, wanted: str) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        signed = await client.post(
            "/signin", data={"email": "maya@example.test", "password": PASSWORD, "next": wanted}
        )
        assert signed.headers["location"] == "/overview"

    visit(shop, work, email=None, address="198.51.100.9")


def test_unknown_and_wrong_answer_alike(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        wrong = await sign_in(client, "op@example.test", "wrong")
        unknown = await sign_in(client, "nobody@example.test", "wrong")
        assert wrong.status_code == unknown.status_code == 401
        assert wrong.text.replace("op@", "nobody@") == unknown.text
        assert "E-mail and password do not match." in wrong.text
        assert 'value="op@example.test"' in wrong.text
        assert "wrong" not in wrong.text

    visit(shop, work, email=None, address="198.51.100.1")


def test_guessing_is_paused_even_with_the_right_password_and_all_at_once(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        tries = [sign_in(client, "empty@example.test", f"guess {n}") for n in range(12)]
        statuses = sorted(a.status_code for a in await asyncio.gather(*tries))
        assert statuses == [401] * 8 + [429] * 4
        right = await sign_in(client, "empty@example.test")
        assert right.status_code == 429
        assert int(right.headers["retry-after"]) > 600
        assert (await sign_in(client, "maya@example.test")).status_code == 303

    visit(shop, work, email=None, address="198.51.100.2")


def test_signing_out_ends_the_session_on_the_server(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        token = client.cookies["recoup_session"]
        page = (await client.get("/orders")).text
        assert (await client.post("/signout", data={"csrf": "no"})).status_code == 403
        out = await client.post("/signout", data={"csrf": field(page, "csrf")})
        assert out.headers["location"] == "/signin"
        client.cookies.set("recoup_session", token)
        assert (await client.get("/orders")).status_code == 303

    visit(shop, work)


def test_who_belongs_to_no_merchant_is_told_so(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        page = await client.get("/orders")
        assert page.status_code == 403
        assert "not a member of any merchant" in page.text

    visit(shop, work, email="new@example.test")


def test_a_partner_switches_between_its_merchants_and_reaches_no_other(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = (await client.get("/orders")).text
        assert "Brightleaf Tea" in page
        assert "Empty Ltd" in page
        assert "Other &amp; Sons" not in page
        csrf = field(page, "csrf")
        assert (
            await client.post("/merchant", data={"csrf": csrf, "merchant": str(shop.other_id)})
        ).status_code == 403
        assert (
            await client.post("/merchant", data={"csrf": csrf, "merchant": "x"})
        ).status_code == 400
        moved = await client.post("/merchant", data={"csrf": csrf, "merchant": str(shop.empty_id)})
        assert moved.status_code == 303
        empty = (await client.get("/orders")).text
        assert "No orders yet" in empty
        assert "Business time" in empty
        assert "21 days ahead" in empty

    visit(shop, work, email="pat@example.test")


def test_the_operator_sees_all_merchants(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        page = (await client.get("/orders")).text
        assert all(name in page for name in ("Brightleaf Tea", "Empty Ltd", "Other &amp; Sons"))

    visit(shop, work, email="op@example.test", address="198.51.100.7")


# the list
# --------------------------------------------------------------------------------------------------


def test_the_columns_stand_in_their_order_and_say_their_zone(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        page = (await client.get("/orders")).text
        head = page[page.index("<thead>") : page.index("</thead>")]
        words = [
            " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for cell in re.findall(r"<th.*?</th>", head, re.S)
        ]
        assert words == [
            "Select",
            "Action",
            "Order id",
            "External order",
            "Site",
            "Created (GMT)",
            "Placed (GMT) Created",
            "Customer",
            "MIT / CIT",
            "Descriptor",
            "Status",
            "Amount",
            "Refund amount",
        ]
        assert len(ids(page)) == 50
        assert re.search(r'<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"', page)

    visit(shop, work)


def test_all_pages_together_are_all_orders_once(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        found, path = [], "/orders?size=25"
        for _page in range(10):
            page = (await client.get(path)).text
            found += ids(page)
            link = re.search(r'rel="next" href="([^"]+)"', page)
            if link is None:
                break
            path = html.unescape(link[1])
        assert len(found) == len(set(found)) == 150
        back = re.search(r'rel="prev" href="([^"]+)"', page)
        assert back
        assert ids((await client.get(html.unescape(back[1]))).text) == found[100:125]

    visit(shop, work)


def test_filters_narrow_and_the_address_holds_them(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = (await client.get(f"/orders?status=8&site={shop.sites[1]}&type=mit")).text
        assert page.count("Chargeback</span>") > 1
        rows = page[page.index("<tbody>") : page.index("</tbody>")]
        assert set(re.findall(r"</svg>(\w+)</span>", rows)) == {"Chargeback"}
        assert set(re.findall(r'class="w"><span class="cut" title="(leaf-\d)', rows)) == {"leaf-1"}
        assert "Status: Chargeback" in page
        assert "Site: leaf-1" in page
        drop = re.search(r'href="([^"]+)" aria-label="Remove filter: Status: Chargeback"', page)
        assert drop
        assert html.unescape(drop[1]) == f"/orders?type=mit&site={shop.sites[1]}"

    visit(shop, work)


def test_search_by_name_email_reference_and_last_four(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        story = shop.stories["part_refunded"]
        for typed in (story.email, story.email.upper()[:15]):
            page = (await client.get("/orders", params={"q": typed})).text
            assert str(story.order_id) in ids(page), typed
        for typed in (story.external_id, str(story.order_id), f" {story.order_id.hex} "):
            opened = await client.get("/orders", params={"q": typed})
            assert (opened.status_code, opened.headers["location"]) == (
                303,
                f"/orders/{story.order_id}",
            )
        assert ids((await client.get("/orders", params={"q": "3184"})).text)
        assert ids((await client.get("/orders", params={"q": "wójcik"})).text)
        assert ids((await client.get("/orders", params={"q": "小林"})).text)

    visit(shop, work)


def test_no_match_says_which_filter_to_drop(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        page = (await client.get("/orders?q=zzzz&status=8")).text
        assert "No order matches" in page
        assert re.search(r'href="/orders\?status=8">.*?then 10 orders', page, re.S)
        assert 'href="/outcome?key=zzzz"' in page, "another of their merchants may have it"

    visit(shop, work)


def test_customers_cannot_write_the_page(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        assert "alert(1)" not in (await client.get("/orders?size=100")).text, "masked"
        await in_the_clear(shop)
        answer = await client.get("/orders", params={"q": '"><script>alert(2)</script>'})
        everything = await client.get("/orders?size=100")
        assert "alert" not in "".join(
            re.findall("<script[^>]*>[^<]*", answer.text + everything.text)
        )
        assert not re.search('<script(?! src="/static/[a-z]+[.]js)', answer.text + everything.text)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in everything.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        await in_the_clear(shop, sight="reveal")

    visit(shop, work)


STRANGE = [
    "/orders?cursor=zz",
    "/orders?cursor=n1.zz",
    "/orders?cursor=" + "9" * 5000,
    "/orders?status=99&status=x&type=nope",
    "/orders?placed_from=2026-13-45&placed_to=yesterday",
    "/orders?site=nope",
    "/orders?size=9999999",
    "/orders?q=%00%ff",
    "/orders?q=" + "x" * 10_240,
    "/orders?q=" + quote("😀" * 500),
    "/orders?q=" + quote("نورا‮abc"),
    "/orders?q=%25_%5C",
    "/orders?placed_from=2026-11-20&placed_to=2026-11-01",
    "/orders?created_from=9999-12-31",
    "/orders?q=a&q=b",
]


@each("path", STRANGE)
def test_a_strange_address_is_a_proper_page(shop: Shop, path: str) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        answer = await client.get(path)
        assert answer.status_code == 200
        assert "<h1>Orders</h1>" in answer.text

    visit(shop, work)


# one order
# --------------------------------------------------------------------------------------------------


def test_every_story_has_its_page(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        for name, story in shop.stories.items():
            for show in ("", "?show=attempts", "?show=money", "?show=webhooks", "?show=zz"):
                answer = await client.get(f"/orders/{story.order_id}{show}")
                assert answer.status_code == 200, name
            raw = json.loads((await client.get(f"/orders/{story.order_id}.json")).text)
            assert raw["order"]["external_id"] == story.external_id
            assert len(raw["log"]) == len(story.log)
            assert "token_id" not in raw["order"]
            assert "input_mac" not in json.dumps(raw)

    visit(shop, work)


def test_the_page_says_what_comes_next_and_why(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = (await client.get(order_path(shop, "processing"))).text
        for words in (
            "Next planned attempt",
            "Why at this time",
            "What would change this",
            "not enough money on the card (code 51)",
            "Attempt 1 declined: not sufficient funds",
            "Code 51 (Visa)",
            "decide-1",
        ):
            assert words in page, words
        assert "Refund not possible. Nothing was paid" in page
        done = (await client.get(order_path(shop, "completed_items"))).text
        assert "Cancellation not possible. It is paid" in done
        assert "Payable to you: +" in done
        given_back = (await client.get(order_path(shop, "part_refunded"))).text
        sums = re.findall(r"Posted: [0-9.,]+ (\S+) (.+?)<", given_back)
        assert (shop.stories["part_refunded"].asset, "sent back to the customer") in sums

    visit(shop, work)


def test_a_foreign_order_does_not_exist(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = (await client.get(order_path(shop, "completed"))).text
        for path in (
            f"/orders/{shop.other_order}",
            f"/orders/{shop.other_order}.json",
            f"/orders/{uuid.uuid4()}",
            "/orders/nope",
            f"/orders/{shop.other_order}/refund?how=amount&amount=1",
            "/orders/%00",
        ):
            assert (await client.get(path)).status_code == 404, path
        for action in ("refund", "cancel"):
            data = {"csrf": field(page, "csrf"), "amount": "1.00"}
            assert (
                await client.post(f"/orders/{shop.other_order}/{action}", data=data)
            ).status_code == 404
        for typed in (str(shop.other_order), "OTHER-1", "eve@other.example", "Eve"):
            assert not ids((await client.get("/orders", params={"q": typed})).text), typed

    visit(shop, work)


async def refunded(client: httpx.AsyncClient, path: str) -> int:
    return int(json.loads((await client.get(path + ".json")).text)["head"]["refunded_units"])


def test_a_refund_in_two_steps_and_the_same_form_again_is_the_same_refund(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        path = order_path(shop, "completed")
        asset = shop.stories["completed"].asset
        amount = {"JPY": "7", "KWD": "0.007"}.get(asset, "0.07")
        first = (await client.get(path)).text
        fields = {
            "how": "amount",
            "amount": amount,
            "reason": "broken <box>",
            "key": field(first, "key"),
        }
        review = await client.get(path + "/refund", params=fields)
        assert f"Refund {amount} {asset}</button>" in review.text
        assert "What will happen" in review.text
        assert "broken &lt;box&gt;" in review.text
        assert await refunded(client, path) == 0
        form = {
            name: field(reviewed(review.text), name)
            for name in ("key", "how", "amount", "reason", "csrf")
        }
        answers = await asyncio.gather(
            *(client.post(path + "/refund", data=form) for _ in range(3))
        )
        assert {a.status_code for a in answers} == {303}
        assert len({a.headers["location"] for a in answers}) == 1
        assert await refunded(client, path) == 7
        receipt = await client.get(answers[0].headers["location"])
        assert f"<b>{amount} {asset}</b> refunded: broken &lt;box&gt;" in receipt.text
        back = await client.get(path + "/refund", params=fields)
        assert back.headers["location"] == answers[0].headers["location"]
        other = await client.post(path + "/refund", data=form | {"amount": "1"})
        assert other.status_code == 409
        assert await refunded(client, path) == 7

    visit(shop, work)


def test_a_refund_by_items_and_what_is_wrong_is_said_with_what_was_typed(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        story = shop.stories["completed_items"]
        path = order_path(shop, "completed_items")
        review = await client.get(
            path + "/refund", params={"how": "items", "line_1": "1", "amount": "x"}
        )
        assert review.status_code == 200
        assert "Refund " in review.text
        for typed, words in (
            ({"how": "items", "line_1": "9"}, "quantity of 3 left"),
            ({"how": "items", "line_1": "-1"}, "not a whole number"),
            ({"how": "items", "line_77": "1"}, "no such item"),
            ({"how": "items"}, "Choose a quantity of at least one"),
            ({"how": "amount", "amount": "99999999"}, "greater than maximum refund amount"),
            ({"how": "amount", "amount": "1.2.3"}, "invalid"),
            ({"how": "amount", "amount": ""}, "Enter the amount"),
            ({"how": "amount", "amount": "0"}, "more than zero"),
            ({"how": "amount", "amount": "1e3"}, "invalid"),
            ({"how": "amount", "amount": "-5"}, "invalid"),
        ):
            answer = await client.get(path + "/refund", params=typed | {"reason": "why not"})
            assert answer.status_code == 400, typed
            assert words in answer.text, typed
            assert 'class="dialog open" id="refund"' in answer.text
            assert 'value="why not"' in answer.text
        form = {
            name: field(reviewed(review.text), name)
            for name in ("key", "how", "amount", "csrf", "line_1")
        }
        assert (await client.post(path + "/refund", data=form)).status_code == 303
        assert await refunded(client, path) == pieces_units(story.units, 3, 0, 1)

    visit(shop, work)


def test_an_order_that_was_not_paid_offers_no_refund_and_takes_none(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        path = order_path(shop, "declined")
        page = (await client.get(path)).text
        assert 'id="refund"' not in page
        assert (await client.get(path + "/refund?how=amount&amount=1")).status_code == 409
        answer = await client.post(
            path + "/refund", data={"csrf": field(page, "csrf"), "amount": "1"}
        )
        assert answer.status_code == 409
        assert await refunded(client, path) == 0

    visit(shop, work)


def test_forms_of_another_session_or_site_do_nothing(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        path = order_path(shop, "onhold")
        csrf = field((await client.get(path)).text, "csrf")
        assert (await client.post(path + "/cancel", data={"csrf": "x" * 32})).status_code == 403
        assert (await client.post(path + "/cancel")).status_code == 400
        evil = {"origin": "https://evil.example"}
        assert (
            await client.post(path + "/cancel", data={"csrf": csrf}, headers=evil)
        ).status_code == 403
        big = await client.post(path + "/cancel", data={"csrf": csrf, "x": "y" * 70_000})
        assert big.status_code == 413
        raw = json.loads((await client.get(path + ".json")).text)
        assert raw["order"]["stage"] == "held"

    visit(shop, work)


def test_cancelling_ends_the_order_and_a_second_press_changes_nothing(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        path = order_path(shop, "draft")
        page = (await client.get(path)).text
        assert "The order ends at once" in page
        for _ in range(2):
            answer = await client.post(path + "/cancel", data={"csrf": field(page, "csrf")})
            assert (answer.status_code, answer.headers["location"]) == (303, path)
        after = (await client.get(path)).text
        assert "You cancelled it." in after
        assert "Maya Okafor" in after
        done = await client.post(
            order_path(shop, "completed") + "/cancel", data={"csrf": field(page, "csrf")}
        )
        assert done.status_code == 409
        assert "cannot be cancelled" in done.text

    visit(shop, work)


def test_an_analyst_looks_and_changes_nothing(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        path = order_path(shop, "part_refunded")
        page = (await client.get(path)).text
        assert "Your role (analyst) may view orders, but not refund them." in html.unescape(
            page
        ).replace("your role", "Your role")
        before = await refunded(client, path)
        form = {"csrf": field(page, "csrf"), "how": "amount", "amount": "1"}
        assert (await client.post(path + "/refund", data=form)).status_code == 403
        assert (await client.get(path + "/refund", params=form)).status_code == 409
        waiting = order_path(shop, "processing")
        assert (await client.post(waiting + "/cancel", data=form)).status_code == 403
        assert await refunded(client, path) == before
        assert (
            json.loads((await client.get(waiting + ".json")).text)["order"]["stage"] == "processing"
        )

    visit(shop, work, email="ann@example.test", address="198.51.100.8")


def test_there_are_words_for_every_happening() -> None:
    assert {s.happening for s in STEPS} | {f.happening for f in FACTS.values()} == set(SAY)


def test_static_files_are_ours_alone(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        css: Any = await client.get("/static/portal.css")
        assert css.status_code == 200
        assert "max-age" in css.headers["cache-control"]
        assert "url(" not in css.text
        for name in ("nope.css", "..%2fpage.py", "%00"):
            assert (await client.get(f"/static/{name}")).status_code == 404
        page = (await client.get("/signin")).text
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page)
        assert "style=" not in page

    visit(shop, work, email=None)

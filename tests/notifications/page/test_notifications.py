"""What people see of what they were told, what they choose, and how a link at the foot of a mail
stops mails."""

import re
from typing import Any

import httpx
from tests.notifications.flows.test_notifications import on_hold
from tests.people.page.test_impersonation import look
from tests.staff import As, portal, post, texts
from tests.telling import arrived, go_round, told
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.notifications.flows.digest import send_digests
from recoup.notifications.rules.notifications import KINDS

MAY_HEAR = {"owner": 22, "ops": 22, "clerk": 16, "dev": 11, "pat": 23, "olga": 27}


async def more_orders(shop: Shop) -> None:
    async with owner(shop.world) as connection:
        await connection.execute("UPDATE alerts SET created_at = created_at - interval '1 hour'")
    await on_hold(shop)
    await go_round(shop)


def unread(page: httpx.Response) -> str:
    found = re.search(r'aria-label="Notifications(?:, ([0-9+]+) unread)?"', page.text)
    assert found, page.text[:2000]
    return found[1] or "0"


def ticked(page: httpx.Response, way: str) -> set[str]:
    return set(re.findall(rf'name="{way}" value="([a-z_]+)" checked', page.text))


async def link_of(shop: Shop, recipient: str) -> str:
    [text] = [mail["text"] for mail in await arrived(shop) if mail["recipient"] == recipient]
    return str(re.findall(r"http://recoup\.test(/unsubscribe/\S+)", text)[0])


def test_the_bell_counts_what_is_unread(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss, clerk = await signed_in("owner"), await signed_in("clerk")
        assert unread(await boss.get("/orders")) == "0"
        assert "Nothing yet" in texts(await boss.get("/notifications"))
        [order_id] = await on_hold(shop)
        await go_round(shop)
        page = await boss.get("/notifications")
        assert unread(page) == "1"
        assert "1 order needs attention" in texts(page)
        assert "The e-mail; the sandbox does not send it" in texts(page)
        assert "mailed" not in texts(page), "nothing leaves the sandbox"
        [to] = re.findall(r'href="(/notifications/[0-9a-f-]{36})"', page.text)
        answer = await boss.get(to)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/orders/{order_id}")
        assert unread(await boss.get("/orders")) == "0"
        assert unread(await clerk.get("/orders")) == "1", "what one has read another has not"
        for doing, count in (("unread", "1"), ("unread", "1"), ("read", "0"), ("read", "0")):
            assert (await post(boss, "/notifications", to, do=doing)).status_code == 303
            assert unread(await boss.get("/notifications")) == count
        assert (await post(boss, "/notifications", to, do="else")).status_code == 400
        for path in (
            "/notifications/nothing",
            "/notifications/01a1fb7e-3161-72f9-b65a-53a15d1484df",
        ):
            assert (await boss.get(path)).status_code == 404
        assert (await clerk.get(to)).status_code == 404, "somebody else's"
        assert (await post(clerk, "/notifications", to, do="read")).status_code == 404

    portal(server, story)


def test_all_are_marked_as_read_up_to_what_was_seen(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss = await signed_in("owner")
        await on_hold(shop)
        await go_round(shop)
        page = await boss.get("/notifications")
        [until] = re.findall(r'name="until" value="([^"]+)"', page.text)
        await more_orders(shop)
        assert unread(await boss.get("/notifications")) == "2"
        for _ in range(2):
            assert (
                await post(boss, "/notifications", "/notifications/read", until=until)
            ).status_code == 303
            assert unread(await boss.get("/notifications")) == "1", (
                "what came after the page was seen stays unread"
            )
        assert "Nothing unread" not in texts(await boss.get("/notifications?unread=1"))
        assert (
            await post(boss, "/notifications", "/notifications/read", until="x")
        ).status_code == 400
        assert (await boss.post("/notifications/read", data={"until": until})).status_code == 403

    portal(server, story)


def test_each_role_chooses_among_what_it_may_hear(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        for name, count in MAY_HEAR.items():
            client = await signed_in(name)
            page = await client.get("/account/notifications")
            kinds = re.findall(r'name="kind" value="([a-z_]+)"', page.text)
            assert len(kinds) == count, (name, kinds)
            assert ("approval" in kinds) == (name == "olga")
            if name == "dev":
                assert not {"payout", "settlement", "dispute"} & set(kinds)
            answer = await post(
                client,
                "/account/notifications",
                "/account/notifications",
                merchant=str(shop.merchant_id),
                kind=["orders", "webhook"],
                page=["orders"],
                mail=["webhook"],
            )
            assert answer.status_code == 303, name
            page = await client.get(answer.headers["location"])
            assert "Saved." in texts(page)
            assert "orders" in ticked(page, "page")
            assert "orders" not in ticked(page, "mail")
            if "webhook" in kinds:
                assert "webhook" in ticked(page, "mail")
                assert "webhook" not in ticked(page, "page")
        other = await signed_in("rita")
        for fields in ({"merchant": str(shop.merchant_id), "kind": "orders"}, {"merchant": "x"}):
            assert (
                await post(other, "/account/notifications", "/account/notifications", **fields)
            ).status_code == 409
        boss = await signed_in("owner")
        for fields in (
            {"merchant": str(shop.merchant_id), "kind": "else"},
            {"what": "person", "hour": "24"},
            {"what": "person", "hour": "x"},
        ):
            answer = await post(boss, "/account/notifications", "/account/notifications", **fields)
            assert answer.status_code == 400, fields

    portal(server, story)


def test_a_link_stops_mails_of_a_kind_or_all_without_signing_in(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        nobody, boss = await signed_in(""), await signed_in("owner")
        await on_hold(shop)
        await go_round(shop)
        link = await link_of(shop, "owner@example.test")
        page = await nobody.get(link)
        assert "Stop these e-mails?" in texts(page)
        assert "owner@example.test" not in page.text, "the link names nobody"
        assert "orders" in ticked(await boss.get("/account/notifications"), "mail"), (
            "looking stops nothing"
        )
        one_click = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": "https://mail.example",
        }
        for _ in range(2):
            answer = await nobody.post(
                link, content="List-Unsubscribe=One-Click", headers=one_click
            )
            assert "No more e-mails about “Orders that need attention”" in texts(answer)
        choices = await boss.get("/account/notifications")
        assert "orders" not in ticked(choices, "mail")
        assert {"orders", "dispute"} <= ticked(choices, "page")
        assert "dispute" in ticked(choices, "mail")
        await more_orders(shop)
        assert len([m for m in await arrived(shop) if m["recipient"] == "owner@example.test"]) == 1
        assert "No more e-mails" in texts(await nobody.post(link, data={"what": "all"}))
        page = await boss.get("/account/notifications")
        assert 'name="mails" value="yes">' in page.text
        by_parts = await nobody.post(
            await link_of_other(shop), files={"List-Unsubscribe": (None, "One-Click")}
        )
        assert "Stopped" in texts(by_parts)
        forged = link[:-6] + ("AAAAAA" if link[-6:] != "AAAAAA" else "BBBBBB")
        for path in (forged, "/unsubscribe/x", "/unsubscribe/" + "é" * 64):
            assert (await nobody.get(path)).status_code == 404
            assert (await nobody.post(path)).status_code == 404

    async def link_of_other(shop: Shop) -> str:
        mails: list[Any] = [
            mail for mail in await arrived(shop) if mail["recipient"] == "clerk@example.test"
        ]
        return str(re.findall(r"http://recoup\.test(/unsubscribe/\S+)", mails[0]["text"])[0])

    portal(server, story)


def test_who_has_left_or_may_hear_less_sees_nothing_of_it(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss, clerk = await signed_in("owner"), await signed_in("clerk")
        order_id = (await shop.ask(days=None, pan=APPROVE_CARDS[2], code="05")).order_id
        await shop.settle()
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id))
        await on_hold(shop)
        await go_round(shop)
        assert unread(await clerk.get("/orders")) == "2"
        [dispute] = [row for row in await told(shop) if row["kind"] == "dispute" and row["facts"]][
            :1
        ]
        async with shop.world.people.connection() as connection:
            await connection.execute(
                "UPDATE memberships SET role = 'developer' WHERE role = 'analyst' AND subject_kind "
                "= 'merchant'"
            )
        assert unread(await clerk.get("/orders")) == "1", (
            "a developer hears of no money, nor did they ever"
        )
        mine = [row for row in await told(shop) if row["kind"] == "dispute"]
        for row in mine:
            assert (await clerk.get(f"/notifications/{row['notification_id']}")).status_code == 404
        assert "A dispute over" not in (await clerk.get("/notifications")).text
        assert dispute["kind"] in KINDS
        async with shop.world.people.connection() as connection:
            await connection.execute("DELETE FROM memberships WHERE subject_kind = 'merchant'")
        assert "for a person" not in (await boss.get("/notifications")).text

    portal(server, story)


def test_times_are_those_of_ones_zone_on_every_page(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss, clerk = await signed_in("owner"), await signed_in("clerk")
        [order_id] = await on_hold(shop)
        placed = (await shop.order(order_id))["placed_at"]
        assert "times in GMT" in texts(await boss.get("/orders"))
        answer = await post(boss, "/account/time", "/account/time", zone="Mars/Phobos")
        assert answer.status_code == 400
        assert 'value="Mars/Phobos"' in answer.text, "what was typed is kept"
        assert (
            await post(boss, "/account/time", "/account/time", zone="asia/kolkata")
        ).status_code == 303
        page = texts(await boss.get("/account/time"))
        assert "IST, UTC+05:30" in page
        there = placed.timestamp() + 5.5 * 3600
        minute = f"{int(there % 86400) // 3600:02d}:{int(there % 3600) // 60:02d}"
        order = texts(await boss.get(f"/orders/{order_id}"))
        assert re.search(rf"placed \d+ \w+ {minute} Asia/Kolkata", order), order[:1500]
        assert "newest first, times in Asia/Kolkata" in order
        assert " GMT" not in order
        for path in (
            "/requests",
            "/webhooks",
            "/disputes",
            "/mailbox",
            "/overview",
            "/settlements",
            "/notifications",
            "/uploads",
            "/refunds",
            "/switches",
            "/keys",
            "/invitations",
            "/customers",
            "/developers",
            "/outcome",
            "/reconciliation",
            "/onboarding",
            "/applications",
            "/reports",
        ):
            found = await boss.get(path)
            assert "times in Asia/Kolkata" in texts(found), path
        listed = await boss.get("/orders")
        assert re.search(r'href="/orders\?zone=Asia%2FKolkata">', listed.text), (
            "one press from the list's own zone"
        )
        turned = await boss.get("/orders?zone=Asia/Kolkata")
        assert re.search(r'href="/orders">.{0,90}Times in </span>GMT</a>', turned.text), "and back"
        assert "times in GMT" in texts(await clerk.get(f"/orders/{order_id}")), (
            "somebody else's stay"
        )
        assert (await post(boss, "/account/time", "/account/time", zone="GMT")).status_code == 303
        assert "times in GMT" in texts(await boss.get(f"/orders/{order_id}"))

    portal(server, story)


def test_another_merchants_notification_opens_there(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga = await signed_in("olga")
        await olga.post("/merchant", data={"csrf": "", "merchant": str(shop.merchant_id)})
        page = await olga.get("/account/notifications")
        assert "unless you choose otherwise" in texts(page)
        merchants = dict(
            re.findall(r'name="merchant" value="([0-9a-f-]+)"[^>]*>([^<]+)</button>', page.text)
        )
        [other] = [mid for mid, name in merchants.items() if mid != str(shop.merchant_id)]
        await post(olga, "/notifications", "/merchant", merchant=str(shop.merchant_id))
        await post(
            olga,
            "/account/notifications",
            "/account/notifications",
            merchant=str(shop.merchant_id),
            kind="orders",
            page="orders",
        )
        [order_id] = await on_hold(shop)
        await go_round(shop)
        [row] = [one for one in await told(shop) if one["mail_state"] == "none"]
        await post(olga, "/notifications", "/merchant", merchant=other)
        to = f"/notifications/{row['notification_id']}"
        page = await olga.get(to)
        assert "Open it at Brightleaf Tea" in texts(page)
        answer = await post(olga, to, to, do="open")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/orders/{order_id}")
        assert (await olga.get(f"/orders/{order_id}")).status_code == 200
        assert unread(await olga.get("/orders")) == "0"

    portal(server, story)


def test_a_digest_stands_on_the_page(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss = await signed_in("owner")
        await post(
            boss,
            "/account/notifications",
            "/account/notifications",
            merchant=str(shop.merchant_id),
            kind="digest",
            page="digest",
        )
        answer = await post(
            boss,
            "/account/notifications",
            "/account/notifications",
            what="person",
            hour="0",
            empty="yes",
            mails="yes",
        )
        assert answer.status_code == 303
        for _ in range(2):
            await send_digests(shop.world)
        page = texts(await boss.get("/notifications"))
        assert page.count("0 of 0 rescued") == 2, (
            "its title, once for the eye and once for the button"
        )

    portal(server, story)


def test_who_looks_as_somebody_neither_reads_nor_changes_what_they_are_told(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga, ops = await signed_in("olga"), await signed_in("ops")
        await on_hold(shop)
        await go_round(shop)
        assert (await look(olga, shop, act=True)).status_code == 303
        [to] = re.findall(
            r'href="(/notifications/[0-9a-f-]{36})"', (await ops.get("/notifications")).text
        )
        for path in ("/notifications", to, "/account/notifications", "/account/time"):
            assert "not shown" in texts(await olga.get(path), 403), path
        for path in ("/notifications/read", to, "/account/notifications", "/account/time"):
            assert (
                await post(olga, "/orders", path, do="read", zone="Asia/Tokyo", what="person")
            ).status_code == 403
        assert unread(await olga.get("/orders")) == "0"
        assert unread(await ops.get("/orders")) == "1"
        assert "times in GMT" in texts(await ops.get("/orders"))

    portal(server, story)

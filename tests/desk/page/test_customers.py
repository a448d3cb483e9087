"""A customer's page: everything of theirs and nothing of others; blocked, exported, erased by those
who may."""

import asyncio
import html
import json
import re
import uuid
from datetime import timedelta

import asyncpg
import httpx
import pytest
from msgspec.structs import replace
from tests.left_processes import Killer, dying_process, kills, run_until_killed
from tests.rings import deep
from tests.staff import As, portal, post, texts
from tests.worlds import FUNDS_CARD, Shop, owner

from recoup.db.server import ServerAddress
from recoup.desk.flows.persons import erase_all, erase_person, find_alike, payer_ids
from recoup.desk.page import customers as page
from recoup.insight.flows.keep_facts import keep_facts
from recoup.insight.flows.verify import verify
from recoup.orders.rules.refund_limits import Limits
from recoup.refunds.flows.limits import change_limits
from recoup.rescue.flows.taken import Person
from recoup.uplift.flows.arms import ArmsChange, set_arms

INES = Person(
    first_name="Ines",
    last_name="Duarte-Zzyx",
    email="Ines.Zzyx@example.test",
    phone="+1 555 010 7788",
    ip="203.0.113.77",
    billing={"city": "Zzyxtown"},
    shipping={"city": "Zzyxport"},
)
MARKS = ("zzyx", "010 7788", "203.0.113.77")


async def bought(shop: Shop, orders: int = 2) -> uuid.UUID:
    """What their orders left; the customer's id."""
    for number in range(orders):
        await shop.admit(payer=INES, **({"pan": FUNDS_CARD} if number else {}))
    await shop.transmitted(
        "SELF-1", payer={"external_id": "", "email": INES.email, "phone": "", "name": ""}
    )
    await shop.advance(timedelta(days=8))
    return payer_ids(shop.world, shop.merchant_id, INES.email.lower())[0]


async def found_anywhere(shop: Shop) -> set[str]:
    """Tables of the world, and of its people, that hold a word of theirs."""
    names = (
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = ANY(current_schemas(false)::regnamespace[])"
    )
    texts: dict[str, str | None] = {}
    for dsn in (shop.world.dsn, shop.world.people_dsn):
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            for (name,) in await connection.fetch(names):
                texts[name] = await connection.fetchval(
                    f'SELECT lower(string_agg(t::text, chr(10))) FROM "{name}" t'
                )  # noqa: S608
        finally:
            await connection.close()
    assert len(texts) > 100
    return {name for name, text in texts.items() if text and any(mark in text for mark in MARKS)}


def test_the_page_holds_everything_of_one_customer(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        payer_id = await bought(shop)
        await shop.admit(
            payer=Person(first_name="Tom", email="tom@example.test"), external_id="TOMS"
        )
        clerk = await as_("clerk")
        looked_up = await clerk.get("/customers", params={"q": " INES.zzyx@Example.test "})
        assert looked_up.headers["location"] == f"/customers/{payer_id}"
        assert "Ines" not in texts(await clerk.get(f"/customers/{payer_id}"))
        page = texts(await (await as_("owner")).get(f"/customers/{payer_id}"))
        for told in (
            "Ines Duarte-Zzyx",
            "2, 1 paid, 1 open",
            "45.90",
            "SELF-1",
            "Declined",
            "Approved",
        ):
            assert told in page, told
        assert "TOMS" not in page
        assert "Erase" not in texts(await clerk.get(f"/customers/{payer_id}"))
        assert "Block…" not in texts(await clerk.get(f"/customers/{payer_id}"))
        order_id = await shop.value(
            "SELECT order_id FROM order_payer WHERE payer_id = $1 LIMIT 1", payer_id
        )
        assert f"/customers/{payer_id}" in (await clerk.get(f"/orders/{order_id}")).text
        for q in ("nobody@example.test", "' OR 1=1 --", "😀" * 200, "\x00", str(uuid.uuid4())):
            assert (await clerk.get("/customers", params={"q": q})).status_code in (200, 404), q
        for name in ("not-an-id", str(uuid.uuid4())):
            assert (await clerk.get(f"/customers/{name}")).status_code == 404
        assert (await clerk.get(f"/customers/{payer_id}?before=nonsense")).status_code == 200

    portal(server, story)


def test_an_e_mail_finds_customers_whom_the_shop_knows_by_ids_of_its_own(
    server: ServerAddress,
) -> None:
    """The address stood on the order's page, and the customers' page knew nobody by it."""

    async def story(shop: Shop, as_: As) -> None:
        async def look(typed: str) -> httpx.Response:
            return await clerk.get("/customers", params={"q": typed})

        clerk = await as_("clerk")
        await shop.admit(
            payer=Person(first_name="Tom", email="Tom@example.test", external_id="cust-1")
        )
        first = await shop.value("SELECT payer_id FROM payers WHERE external_id = 'cust-1'")
        assert (await look("tom@EXAMPLE.test")).headers["location"] == f"/customers/{first}"
        await shop.admit(
            payer=Person(email="tom@example.test", external_id="cust-2"), external_id="TOM-2"
        )
        nameless = {"external_id": "", "email": "tom@example.test", "phone": "", "name": ""}
        await shop.transmitted("SELF-2", payer=nameless)
        several = await look("tom@example.test")
        assert several.status_code == 200
        assert set(re.findall(r'href="/customers/([0-9a-f-]{36})"', several.text)) == {
            str(one) for one in await shop.value("SELECT array_agg(payer_id) FROM payers")
        }
        assert "TOM-2" in several.text
        assert (await look("m@example.test")).status_code == 404

    portal(server, story)


def listed(page: httpx.Response) -> list[list[str]]:
    """Rows of the list as they read; their last cell is the id as it is shortened."""
    part = page.text.partition('id="h-list"')[2].partition("</section>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", part.partition("<tbody>")[2], re.S)
    cells = [re.findall(r"<t[hd].*?</t[hd]>", row, re.S) for row in rows]
    return [[html.unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row] for row in cells]


def test_customers_are_listed_searched_and_masked_as_orders_are(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "LIST_SIZE", 2)

    async def story(shop: Shop, as_: As) -> None:
        boss, ops, clerk = await as_("owner"), await as_("ops"), await as_("clerk")
        assert "No customers yet" in texts(await boss.get("/customers"))
        payer_id = await bought(shop)
        await shop.admit(payer=Person(first_name="Tom", last_name="Roe", email="tom@example.test"))
        only = {
            "external_id": "cust-9",
            "email": "una@example.test",
            "phone": "",
            "name": "Una Only",
        }
        await shop.transmitted("SELF-3", payer=only)
        first = await boss.get("/customers")
        assert [row[0] for row in listed(first)] == ["Una Only", "Tom Roe"], (
            "who came last stands first"
        )
        assert [row[2] for row in listed(first)] == ["0", "1"]
        assert listed(first)[0][3] == "–"
        assert re.search(r'id="h-list".*?class="note">3<', first.text, re.S), "of how many"
        older = re.search(r'rel="next" href="(/customers\?after=[^"]+)"', first.text)
        assert older
        second = await boss.get(html.unescape(older[1]))
        assert [row[:3] for row in listed(second)] == [["Ines Duarte-Zzyx", INES.email, "2"]]
        assert f"/customers/{payer_id}" in second.text
        nobody = "0" * 32
        for damaged in (
            "x",
            f"9999-12-31T00:00:00Z_{nobody}",
            "2026-01-01_",
            f"0001-01-01T00:00:00%2B14:00_{nobody}",
        ):
            assert listed(await boss.get(f"/customers?after={damaged}")) == listed(first), damaged
        assert "No more customers" in texts(
            await boss.get(f"/customers?after=2001-01-01T00:00:00Z_{nobody}")
        )

        for who in (ops, clerk):
            rows = listed(await who.get("/customers"))
            assert [row[:2] for row in rows] == [
                ["U••• O•••", "u•••@•••"],
                ["T••• R•••", "t•••@•••"],
            ]
        await shop.admit(
            payer=Person(first_name="Inge", last_name="Duarte", email="inge@example.test")
        )
        both = listed(await boss.get("/customers?q=duarte"))
        assert {row[0] for row in both} == {"Ines Duarte-Zzyx", "Inge Duarte"}
        assert {row[0] for row in listed(await ops.get("/customers?q=duarte"))} == {"I••• D•••"}
        assert (await clerk.get("/customers?q=duarte")).status_code == 404, (
            "nobody spells a name out"
        )
        told = [
            texts(await clerk.get("/customers", params={"q": typed}), 404).replace(typed, "")
            for typed in ("duarte", "nobody-at-all")
        ]
        assert "Nobody was found by what your role searches by" in told[0]
        assert "Ask an owner" in told[0]
        assert told[0] == told[1], "whether or not somebody is called so"
        assert "no such customer" in texts(await ops.get("/customers?q=nobody-at-all"), 404)
        assert 'placeholder="Name' in (await ops.get("/customers")).text
        assert 'placeholder="Name' not in (await clerk.get("/customers")).text
        assert "Nothing found among what your role may search" in texts(
            await clerk.get("/orders?q=duarte")
        )
        assert "No order matches" not in texts(await clerk.get("/orders?q=duarte"))
        assert "No order matches" in texts(await ops.get("/orders?q=nobody-at-all"))
        assert 'placeholder="Customer' in (await ops.get("/orders")).text
        assert 'placeholder="Customer' not in (await clerk.get("/orders")).text
        for typed in ("ines.zz", "Ines Duarte-Zzyx", INES.email, str(payer_id)):
            assert (await boss.get("/customers", params={"q": typed})).headers[
                "location"
            ] == f"/customers/{payer_id}"
        assert (await boss.get("/customers?q=cust-9")).status_code == 303
        at = f"/customers/{payer_id}"
        assert (await post(ops, at, f"{at}/block", reason="abuse")).status_code == 303
        assert [
            row[0] for row in listed(await boss.get("/customers?q=duarte")) if "blocked" in row[0]
        ] == ["Ines Duarte-Zzyx blocked"]
        assert listed(await (await as_("olga")).get("/customers"))

    portal(server, story)


def test_a_customer_is_blocked_and_unblocked_in_the_portal(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        payer_id = await bought(shop)
        ops, clerk = await as_("ops"), await as_("clerk")
        here = f"/customers/{payer_id}"
        assert (await post(clerk, here, f"{here}/block", reason="fraud")).status_code == 403
        assert (await post(ops, here, f"{here}/block", reason="because")).status_code == 400
        assert "Under another id or e-mail they are a new customer" in texts(await ops.get(here))
        assert (await post(ops, here, f"{here}/block", reason="abuse")).status_code == 303
        assert "Blocked: refunds or disputes are abused. Ops," in texts(await clerk.get(here))
        listed = texts(await ops.get("/customers"))
        assert f"Customer …{str(payer_id)[-6:]}" in listed
        order_id = await shop.value(
            "SELECT order_id FROM current_orders WHERE stage = 'processing'"
        )
        order = f"/orders/{order_id}"
        assert "This customer is blocked:" in texts(await ops.get(order))
        page = texts(await ops.get(order))
        assert re.search(r"Blocked: planned attempt no. \d is not sent", page)
        assert "Next planned attempt" not in page
        assert "Next none: This customer is blocked by the merchant." in page
        block_id = str(await shop.value("SELECT block_id FROM blocks"))
        assert (await post(clerk, order, f"{order}/unblock", block=block_id)).status_code == 403
        for wrong in ("nonsense", str(uuid.uuid4())):
            assert (await post(ops, order, f"{order}/unblock", block=wrong)).status_code == 404
            assert (await post(ops, here, "/customers/unblock", block=wrong)).status_code == 404
        for _ in range(2):
            assert (await post(ops, order, f"{order}/unblock", block=block_id)).status_code == 303
        assert (
            await post(ops, order, f"{order}/block", kind="card", reason="fraud")
        ).status_code == 303
        assert "This card is blocked:" in texts(await ops.get(order))
        assert (
            await post(ops, order, f"{order}/block", kind="house", reason="fraud")
        ).status_code == 400

    portal(server, story)


def test_a_blocked_customers_attempt_is_not_sent_and_none_follows(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, payer_id = await as_("ops"), await bought(shop)
        order_id = await shop.value(
            "SELECT order_id FROM current_orders WHERE stage = 'processing'"
        )
        sent = (await shop.order(order_id))["attempts"]
        here = f"/customers/{payer_id}"
        assert (await post(ops, here, f"{here}/block", reason="abuse")).status_code == 303
        assert "no further attempt is planned" in texts(await ops.get(f"/orders/{order_id}"))
        await shop.advance(
            (await shop.order(order_id))["next_attempt_at"]
            - await shop.now()
            + timedelta(minutes=1)
        )
        after = await shop.order(order_id)
        assert (after["attempts"], after["next_attempt_at"]) == (sent, None)

    portal(server, story)


def test_export_and_erasure(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        payer_id = await bought(shop)
        owner, ops, here = await as_("owner"), await as_("ops"), f"/customers/{payer_id}"
        order_id = await shop.value(
            "SELECT max(order_id::text)::uuid FROM order_payer WHERE payer_id = $1", payer_id
        )
        note = {"note": "Zzyx rang twice", "key": "c3" * 16}
        assert (
            await post(ops, f"/orders/{order_id}", f"/orders/{order_id}/notes", **note)
        ).status_code == 303
        for action in ("export", "erase"):
            assert (
                await post(ops, here, f"{here}/{action}", confirm=INES.email)
            ).status_code == 403
        file = await post(owner, here, f"{here}/export")
        assert "attachment" in file.headers["content-disposition"]
        told = json.loads(file.text)
        assert {order["person"]["last_name"] for order in told["orders"]} == {"Duarte-Zzyx"}
        assert [note["text"] for order in told["orders"] for note in order["notes"] or ()] == [
            "Zzyx rang twice"
        ]
        assert len(told["orders"]) == 2
        assert len(told["transmissions"]) == 1
        assert told["rescue_engine"] == []

        assert await found_anywhere(shop) == {
            "order_payer",
            "payers",
            "order_search",
            "order_notes",
        }
        before = [
            await shop.value(f"SELECT count(*) FROM {table}")
            for table in ("orders", "entries", "order_log")
        ]  # noqa: S608
        wrong = await post(owner, here, f"{here}/erase", confirm="Ines")
        assert "Nothing was erased" in texts(wrong, 400)
        sheet = wrong.text.partition('class="dialog open" id="erase"')[2]
        assert 'value="Ines" aria-invalid="true"' in sheet, "open still, with what was typed"
        assert "Nothing was erased" in sheet
        assert f'href="{here}#" aria-label="Close"' in sheet
        assert await found_anywhere(shop)
        assert "1 of their orders is still open" in texts(await owner.get(here))
        assert (
            await post(owner, here, f"{here}/erase", confirm=INES.email.upper())
        ).status_code == 303
        assert await found_anywhere(shop) == set()
        after = [
            await shop.value(f"SELECT count(*) FROM {table}")
            for table in ("orders", "entries", "order_log")
        ]  # noqa: S608
        assert after == before
        page = texts(await owner.get(here))
        assert "Their data was erased. Their payments stay in the books." in page
        assert "Erased from 2 orders Owner" in page
        assert "Exported" in page
        assert "Its text was erased" in texts(await owner.get(f"/orders/{order_id}"))
        external = await shop.value("SELECT external_id FROM orders WHERE order_id = $1", order_id)
        assert external.lower() in await shop.value(
            "SELECT text FROM order_search WHERE order_id = $1", order_id
        )
        await shop.advance(timedelta(days=30))  # the open one ends as it would have
        assert (await verify(shop.world)).difference is None

    portal(server, story)


def test_the_export_holds_what_the_rescue_engine_knows_of_them(server: ServerAddress) -> None:
    """It was erased with the customer, and missing in the file of all that is stored."""

    async def story(shop: Shop, as_: As) -> None:
        await set_arms(shop.world, shop.scope, None, ArmsChange("shadow"))
        payer_id = await bought(shop)
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE fact_clocks SET checked_at = checked_at - interval '1 hour'"
            )
        await keep_facts(shop.world)
        owner_, here = await as_("owner"), f"/customers/{payer_id}"
        told = json.loads((await post(owner_, here, f"{here}/export")).text)
        known = told["rescue_engine"]
        assert [(one["answer"], one["attempts_before"]) for one in known][:2] == [
            ("funds", 0),
            ("funds", 0),
        ]
        assert {one["order_id"] for one in known} >= {order["order_id"] for order in told["orders"]}
        assert (await post(owner_, here, f"{here}/erase", confirm=INES.email)).status_code == 303
        assert json.loads((await post(owner_, here, f"{here}/export")).text)["rescue_engine"] == []

    portal(server, story)


def test_who_is_erased_is_called_in_any_language_as_they_are_asked_to_be_typed(
    server: ServerAddress,
) -> None:
    """A customer's own id was translated where it was a word of ours, and so was ours of one who
    has none: what the page had asked for was refused."""

    async def story(shop: Shop, as_: As) -> None:
        await shop.admit(payer=Person(first_name="Ann", external_id="Paid"))
        payer_id = await shop.value("SELECT payer_id FROM payers WHERE external_id = 'Paid'")
        owner_, here = await as_("owner"), f"/customers/{payer_id}"
        owner_.headers["accept-language"] = "de"
        for label in ("Paid", f"Kunde {str(payer_id)[-6:]}"):
            asked = re.findall(r'<label for="confirm">(.*?)</label>', (await owner_.get(here)).text)
            assert [re.sub(r"<[^>]*>", "", one) for one in asked] == [
                f"Geben Sie zur Bestätigung {label} ein"
            ]
            assert (await post(owner_, here, f"{here}/erase", confirm=label)).status_code == 303

    portal(server, story)


def test_an_erasure_takes_all_who_are_known_by_the_e_mail(server: ServerAddress) -> None:
    """The page said that the e-mail's data is erased,
    and others of the same address kept theirs."""

    async def story(shop: Shop, as_: As) -> None:
        payer_id = await bought(shop, orders=1)
        for own in ("cust-1", "cust-2"):
            await shop.admit(payer=replace(INES, external_id=own, email=INES.email.upper()))
        address = {"email": INES.email, "phone": "", "name": "", "external_id": "cust-3"}
        await shop.transmitted("SELF-4", payer=address)  # of whom no order came
        await shop.admit(payer=Person(first_name="Tom", email="tom@example.test"))
        owner, clerk, here = await as_("owner"), await as_("clerk"), f"/customers/{payer_id}"
        page = await owner.get(here)
        assert "Total for this record" in texts(page)
        assert "4 records of this customer , known by this e-mail, are erased too." in texts(page)
        assert "2 of their orders are still open" in texts(page)
        others = re.search(r'href="([^"]*)">3 others with this e-mail', page.text)
        assert others
        assert len(listed(await owner.get(html.unescape(others[1])))) == 4
        assert "example.test" not in (await clerk.get(here)).text.lower()
        toms = await shop.value("SELECT payer_id FROM order_payer WHERE first_name = 'Tom'")
        alone = texts(await owner.get(f"/customers/{toms}"))
        assert "are erased too" not in alone
        assert "with this e-mail" not in alone
        assert (await post(owner, here, f"{here}/erase", confirm=INES.email)).status_code == 303
        assert await found_anywhere(shop) == set()
        assert await shop.value("SELECT count(*) FROM person_log WHERE what = 'erased'") == 4
        assert (
            await shop.value("SELECT first_name FROM order_payer WHERE payer_id = $1", toms)
            == "Tom"
        )

    portal(server, story)


def test_what_stands_for_an_e_mail_and_is_none_finds_nobody_else(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        await shop.admit(
            payer=Person(first_name="Ann", email="ann@example.test", external_id="none")
        )
        await shop.admit(payer=Person(first_name="Bob", email="none", external_id="bob"))
        bob = await shop.value("SELECT payer_id FROM payers WHERE external_id = 'bob'")
        assert await find_alike(shop.world, shop.merchant_id, bob) == ("", {bob})

    portal(server, story)


def test_an_erasure_of_several_that_dies_is_asked_for_on_the_same_page(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        payer_id = await bought(shop, orders=1)
        for own in ("cust-1", "cust-2"):
            await shop.admit(payer=replace(INES, external_id=own))
        for at in (4, 12, 20, 30):
            killer = Killer(at, after=True)
            async with dying_process(shop, killer) as dying:
                email, alike = await find_alike(dying.world, shop.merchant_id, payer_id)
                await run_until_killed(
                    killer, erase_all(dying.world, shop.scope, email, alike, last=payer_id)
                )
        email, alike = await find_alike(shop.world, shop.merchant_id, payer_id)
        await erase_all(shop.world, shop.scope, email, alike, last=payer_id)
        assert await found_anywhere(shop) == set()

    portal(server, story)


def test_what_was_written_about_an_erased_customer_goes_or_is_masked(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        payer_id = await bought(shop)
        order_id = await shop.value(
            "SELECT min(order_id::text)::uuid FROM order_payer WHERE payer_id = $1", payer_id
        )
        page, ops, owner_, clerk = (
            f"/orders/{order_id}",
            await as_("ops"),
            await as_("owner"),
            await as_("clerk"),
        )
        asked = {"how": "amount", "amount": "1.00"}
        await change_limits(
            shop.world, shop.scope, "operations", "USD", Limits(second_from_units=100)
        )
        for who, key, reason in (
            (owner_, "a" * 32, "Ines Duarte-Zzyx rang"),
            (ops, "b" * 32, "Duarte-Zzyx wrote"),
        ):
            assert (
                await post(who, page, f"{page}/refund", **asked, key=key, reason=reason)
            ).status_code == 303
        assert await found_anywhere(shop) > {"modifications", "refund_requests"}
        assert "zzyx" not in (await clerk.get(page)).text.lower()
        await erase_person(shop.world, shop.scope, payer_id)
        assert await found_anywhere(shop) == set()
        note = {
            "note": "The one of Zzyxtown again",
            "key": "c" * 32,
        }  # nobody knows any more that it names them
        assert (await post(ops, page, f"{page}/notes", **note)).status_code == 303
        assert "Zzyxtown" in texts(await owner_.get(page))
        for path in (page, f"{page}.json"):
            assert "zzyx" not in (await clerk.get(path)).text.lower()
        here, label = f"/customers/{payer_id}", f"customer {str(payer_id)[-6:]}"
        assert "Erase data" in texts(await owner_.get(here)), "once more"
        assert (await post(owner_, here, f"{here}/erase", confirm=label)).status_code == 303
        assert await found_anywhere(shop) == set()

    portal(server, story)


@deep("kills")
def test_an_erasure_that_dies_is_finished_by_the_next(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        for killer in kills("erasure", least=3, most=30):
            payer_id = await bought(shop, orders=1)
            async with dying_process(shop, killer) as dying:
                await run_until_killed(killer, erase_person(dying.world, shop.scope, payer_id))
            await erase_person(shop.world, shop.scope, payer_id)
            assert await found_anywhere(shop) == set()

    portal(server, story)


def test_two_erasures_and_an_order_at_once(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        payer_id = await bought(shop)
        erasures = [erase_person(shop.world, shop.scope, payer_id) for _ in range(3)]
        await asyncio.gather(*erasures, shop.admit(payer=INES))
        await erase_person(shop.world, shop.scope, payer_id)
        assert await found_anywhere(shop) == set()
        await shop.admit(payer=INES)  # comes anew with its data
        assert "order_payer" in await found_anywhere(shop)

    portal(server, story)

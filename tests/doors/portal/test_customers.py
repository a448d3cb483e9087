"""A customer's page: everything of theirs and nothing of others; blocked, exported, erased by those who may."""

import asyncio
import json
import uuid
from datetime import timedelta

from tests.doors.portal.staff import As, portal, post, texts
from tests.flows.processes import Killer, dying_process, run_until_killed
from tests.worlds import FUNDS_CARD, Shop, owner

from recoup.flows.cards.taken import Person
from recoup.flows.insight.verify import verify
from recoup.flows.people.persons import erase_person, payer_ids
from recoup.store.server import ServerAddress

INES = Person(first_name="Ines", last_name="Duarte-Zzyx", email="Ines.Zzyx@example.test", phone="+1 555 010 7788",
              ip="203.0.113.77", billing={"city": "Zzyxtown"}, shipping={"city": "Zzyxport"})  # fmt: skip
MARKS = ("zzyx", "010 7788", "203.0.113.77")


async def bought(shop: Shop, orders: int = 2) -> uuid.UUID:
    """What their orders left; the customer's id."""
    for number in range(orders):
        await shop.admit(payer=INES, **({"pan": FUNDS_CARD} if number else {}))
    await shop.transmitted("SELF-1", payer={"external_id": "", "email": INES.email, "phone": "", "name": ""})
    await shop.advance(timedelta(days=8))
    return payer_ids(shop.world, shop.merchant_id, INES.email.lower())[0]


async def found_anywhere(shop: Shop) -> set[str]:
    """Tables of the world that hold a word of theirs."""
    names = ("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
             " AND relnamespace = 'public'::regnamespace")  # fmt: skip
    async with owner(shop.world) as connection:
        tables = [row["relname"] for row in await connection.fetch(names)]
        assert len(tables) > 80
        texts = {name: await connection.fetchval(f'SELECT lower(string_agg(t::text, chr(10))) FROM "{name}" t')  # noqa: S608
                 for name in tables}  # fmt: skip
    return {name for name, text in texts.items() if text and any(mark in text for mark in MARKS)}


def test_the_page_holds_everything_of_one_customer(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        payer_id = await bought(shop)
        await shop.admit(payer=Person(first_name="Tom", email="tom@example.test"), external_id="TOMS")
        clerk = await as_("clerk")
        looked_up = await clerk.get("/customers", params={"q": " INES.zzyx@Example.test "})
        assert looked_up.headers["location"] == f"/customers/{payer_id}"
        page = texts(await clerk.get(f"/customers/{payer_id}"))
        for told in ("Ines Duarte-Zzyx", "2, 1 paid, 1 open", "45.90", "SELF-1", "Declined", "Approved"):
            assert told in page, told
        assert "TOMS" not in page
        assert "Erase" not in page
        assert "Block…" not in page
        order_id = await shop.value("SELECT order_id FROM order_payer WHERE payer_id = $1 LIMIT 1", payer_id)
        assert f"/customers/{payer_id}" in (await clerk.get(f"/orders/{order_id}")).text
        for q in ("nobody@example.test", "' OR 1=1 --", "😀" * 200, "\x00", str(uuid.uuid4())):
            assert (await clerk.get("/customers", params={"q": q})).status_code in (200, 404), q
        for name in ("not-an-id", str(uuid.uuid4())):
            assert (await clerk.get(f"/customers/{name}")).status_code == 404
        assert (await clerk.get(f"/customers/{payer_id}?before=nonsense")).status_code == 200

    portal(server, story)


def test_a_customer_is_blocked_and_unblocked_in_the_portal(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        payer_id = await bought(shop)
        ops, clerk = await as_("ops"), await as_("clerk")
        here = f"/customers/{payer_id}"
        assert (await post(clerk, here, f"{here}/block", reason="fraud")).status_code == 403
        assert (await post(ops, here, f"{here}/block", reason="because")).status_code == 400
        assert (await post(ops, here, f"{here}/block", reason="abuse")).status_code == 303
        assert "Blocked: refunds or disputes are abused. Ops," in texts(await clerk.get(here))
        listed = texts(await ops.get("/customers"))
        assert f"Customer …{str(payer_id)[-6:]}" in listed
        order_id = await shop.value("SELECT order_id FROM orders WHERE stage = 'processing'")
        order = f"/orders/{order_id}"
        assert "This customer is blocked:" in texts(await ops.get(order))
        block_id = str(await shop.value("SELECT block_id FROM blocks"))
        assert (await post(clerk, order, f"{order}/unblock", block=block_id)).status_code == 403
        for wrong in ("nonsense", str(uuid.uuid4())):
            assert (await post(ops, order, f"{order}/unblock", block=wrong)).status_code == 404
            assert (await post(ops, here, "/customers/unblock", block=wrong)).status_code == 404
        for _ in range(2):
            assert (await post(ops, order, f"{order}/unblock", block=block_id)).status_code == 303
        assert (await post(ops, order, f"{order}/block", kind="card", reason="fraud")).status_code == 303
        assert "This card is blocked:" in texts(await ops.get(order))
        assert (await post(ops, order, f"{order}/block", kind="house", reason="fraud")).status_code == 400

    portal(server, story)


def test_export_and_erasure(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        payer_id = await bought(shop)
        owner, ops, here = await as_("owner"), await as_("ops"), f"/customers/{payer_id}"
        order_id = await shop.value("SELECT max(order_id::text)::uuid FROM order_payer WHERE payer_id = $1", payer_id)
        note = {"note": "Zzyx rang twice", "key": "c3" * 16}
        assert (await post(ops, f"/orders/{order_id}", f"/orders/{order_id}/notes", **note)).status_code == 303
        for action in ("export", "erase"):
            assert (await post(ops, here, f"{here}/{action}", confirm=INES.email)).status_code == 403
        file = await post(owner, here, f"{here}/export")
        assert "attachment" in file.headers["content-disposition"]
        told = json.loads(file.text)
        assert {order["person"]["last_name"] for order in told["orders"]} == {"Duarte-Zzyx"}
        assert [note["text"] for order in told["orders"] for note in order["notes"] or ()] == ["Zzyx rang twice"]
        assert len(told["orders"]) == 2
        assert len(told["transmissions"]) == 1

        assert await found_anywhere(shop) == {"order_payer", "payers", "order_search", "order_notes"}
        before = [await shop.value(f"SELECT count(*) FROM {table}") for table in ("orders", "entries", "order_log")]  # noqa: S608
        wrong = await post(owner, here, f"{here}/erase", confirm="Ines")
        assert "Nothing was erased" in texts(wrong, 400)
        assert await found_anywhere(shop)
        assert "1 of their orders is still open" in texts(await owner.get(here))
        assert (await post(owner, here, f"{here}/erase", confirm=INES.email.upper())).status_code == 303
        assert await found_anywhere(shop) == set()
        after = [await shop.value(f"SELECT count(*) FROM {table}") for table in ("orders", "entries", "order_log")]  # noqa: S608
        assert after == before
        page = texts(await owner.get(here))
        assert "Their data was erased. What they paid stays in the books." in page
        assert "Erased from 2 orders Owner" in page
        assert "Exported" in page
        assert "What it said was erased" in texts(await owner.get(f"/orders/{order_id}"))
        external = await shop.value("SELECT external_id FROM orders WHERE order_id = $1", order_id)
        assert external.lower() in await shop.value("SELECT text FROM order_search WHERE order_id = $1", order_id)
        await shop.advance(timedelta(days=30))  # the open one ends as it would have
        assert (await verify(shop.world)).difference is None

    portal(server, story)


def test_an_erasure_that_dies_is_finished_by_the_next(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        for at in range(1, 30):
            payer_id = await bought(shop, orders=1)
            killer = Killer(at, after=bool(at % 2))
            async with dying_process(shop, killer) as dying:
                await run_until_killed(killer, erase_person(dying.world, shop.scope, payer_id))
            if killer.steps < at:
                break
            await erase_person(shop.world, shop.scope, payer_id)
            assert await found_anywhere(shop) == set()
        assert 3 < at < 29

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

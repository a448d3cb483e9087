"""Whatever people typed beside a person's orders goes with the person; amounts, ids and codes stay,
and add up."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.comparing import compare, person, statement, verdicts
from tests.desk.page.test_customers import INES, found_anywhere
from tests.stablecoin.flows.deciding import settle_by_hand
from tests.staff import As, portal, post, texts
from tests.worlds import Shop, change_world
from tests.worlds import owner as world_owner

from recoup.db.server import ServerAddress
from recoup.desk.flows import persons
from recoup.desk.flows.exports import ExportQuery, ask_for_file
from recoup.desk.flows.on_many import Act, take_all
from recoup.desk.flows.persons import erase_person, payer_ids
from recoup.desk.store.order_filter import OrderFilter
from recoup.disputes.flows.answer import answer_dispute, note_evidence
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kit import personal
from recoup.kit.personal import Redactor
from recoup.orders.store.locks import lock_orders
from recoup.orders.store.order_page import insert_order_note
from recoup.people.flows import list_preferences
from recoup.people.flows.list_preferences import keep_view
from recoup.reconciliation.flows.book_differences import book_lines
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.refunds.flows.review_queue import decide
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.on_demand import clear_fault, set_fault
from recoup.rescue.flows.outcome import outcome_of
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.flows.pay import simulate_by_operator
from recoup.stablecoin.flows.subscriptions import SubscriptionRequest, subscribe
from recoup.webhooks.flows.endpoints import create

EMAIL = INES.email.lower()
MUG = {"sku": "MUG", "amount": 9_999, "quantity": 1}
GOODS = {
    "sense_key": "Zzyx-1",
    "items": [MUG | {"name": "Mug for Zzyx", "description": "Zzyx in gold"}],
}
SHOWN = {"subject": "Zzyx's plan", "description": "for Zzyx", "metadata": {"who": "Zzyx"},
         "return_url": "https://leaf.example.test/?who=zzyx"}  # fmt: skip
# What stays, to the last unit.
KEPT = (
    "SELECT array_agg((order_id, units, stage, version) ORDER BY order_id)::text "
    "FROM current_orders",
    "SELECT string_agg(l::text, '|' ORDER BY order_id, seq) FROM order_log l",
    "SELECT array_agg((modification_id, kind, state, units, items, hand_actor) ORDER BY "
    "modification_id)::text"
    " FROM modifications",
    "SELECT array_agg((dispute_id, state, units, reason_code) ORDER BY dispute_id)::text FROM "
    "disputes",
    "SELECT array_agg((posting_id, line_no, account, units) ORDER BY posting_id, line_no)::text "
    "FROM entries",
    "SELECT array_agg((subscription_id, state, units) ORDER BY subscription_id)::text FROM "
    "subscriptions",
    "SELECT array_agg((event_id, body) ORDER BY event_id)::text FROM outbox",
)


@dataclass(frozen=True)
class Written:
    """Where a word of hers was left."""

    payer_id: UUID
    refused: UUID
    by_hand: UUID
    disputed: UUID
    dispute_id: UUID


@asynccontextmanager
async def who_answers(text: str) -> AsyncIterator[str]:
    """A receiver of webhooks that says so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            (
                f"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {len(text)}\r\n\r\n{text}"
            ).encode()
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks"


async def bought(shop: Shop, **more: Any) -> UUID:
    return (
        await shop.ask(days=None, code="05", units=9_999, payer=INES, facts=GOODS, **more)
    ).order_id


async def stuck(shop: Shop, order_id: UUID) -> UUID:
    await set_fault(shop.world, "refuse", timedelta(hours=1))
    made = await refund(
        shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True, message="Zzyx asked")
    )
    await shop.settle()
    await clear_fault(shop.world, "refuse")
    return made.refund_id


async def the_dispute(shop: Shop, order_id: UUID) -> UUID:
    await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), kind="service")
    dispute_id: UUID = await shop.value(
        "SELECT dispute_id FROM disputes WHERE order_id = $1", order_id
    )
    await note_evidence(shop.world, shop.scope, dispute_id, "Zzyx has signed for it")
    return dispute_id


async def charged(shop: Shop, name: str, channel: str) -> UUID:
    asked = StablecoinChargeRequest(
        name,
        "49.90",
        "USDT",
        channel,
        customer=EMAIL,
        expires_in=timedelta(minutes=10),
        facts=SHOWN,
    )
    return (await Charges(shop.world, shop.merchants).charge(shop.scope, asked)).order.order_id


async def booked(shop: Shop) -> None:
    """A line of a processor's statement that says another amount, with a note."""
    header, *lines = await statement(shop)
    ran = await compare(shop, [header, *(line.replace("99.99", "98.00") for line in lines)])
    rows = [row.row_no for row in await verdicts(shop, ran) if row.order_id and row.recipe]
    await book_lines(shop.world, person(shop), ran.run.run_id, rows[:1], "Zzyx's bank took it")


async def written(shop: Shop, as_: As) -> Written:
    """By each door that takes words."""
    world, orders, scope = shop.world, shop.orders, shop.scope
    refused, by_hand, disputed, asked = [await bought(shop) for _ in range(4)]
    waiting = await shop.admit(payer=INES)
    await amend(world, orders, scope, waiting, Amended(metadata={"ticket": "of Zzyx", "shop": "7"}))
    ann, ben = (Scope(shop.merchant_id, Actor("user", name), "test") for name in ("ann", "ben"))
    await decide(world, orders, ann, await stuck(shop, refused), "refuse", "Zzyx was paid in cash")
    paid_back = await stuck(shop, by_hand)
    await decide(world, orders, ann, paid_back, "propose", "wire to Zzyx")
    await decide(world, orders, ben, paid_back, "confirm")
    await decide(world, orders, ann, await stuck(shop, asked), "propose", "cash to Zzyx")
    dispute_id = await the_dispute(shop, disputed)
    await booked(shop)
    plan = {"metadata": {"who": "Zzyx"}}
    subscribed = SubscriptionRequest(
        "Zzyx's plan", "9.99", "USDT", "month", channel="mock", customer=EMAIL, facts=plan
    )
    await subscribe(world, shop.merchants, scope, subscribed)
    late = await charged(shop, "late", "mock_direct")
    await charged(shop, "open", "mock")
    await shop.advance(timedelta(minutes=11))
    await simulate_by_operator(world, orders, "late", True)
    await settle_by_hand(orders, scope, late, "Sent back to Zzyx")
    told = await shop.transmitted(
        "SELF-1",
        payer={"external_id": "", "email": INES.email, "phone": "", "name": ""},
        facts={
            "site_url": "https://leaf.example.test/?who=zzyx",
            "subscription": "Zzyx's",
            "source": "Zzyx",
            "country": "US",
        },
    )
    back = {"amount": 100, "reason": "Zzyx came", "id": "Zzyx-1", "status": "for Zzyx"}
    said = {"is_declined": True, "outcome": "Zzyx rang", "refund": back}
    await shop.transmit.update(scope, told, said)
    ops = await as_("ops")
    note = {"note": "Zzyx rang twice", "key": "c3" * 16}
    assert (
        await post(ops, f"/orders/{refused}", f"/orders/{refused}/notes", **note)
    ).status_code == 303
    return Written(
        payer_ids(world, shop.merchant_id, EMAIL)[0], refused, by_hand, disputed, dispute_id
    )


async def listed(shop: Shop) -> None:
    """Lists that somebody searched for her: saved, as a file, and worked on."""
    async with shop.world.people.connection() as people:
        user_id = await people.fetchval("SELECT user_id FROM users WHERE name = 'Ops'")
    mine = (user_id, shop.merchant_id)
    for name, query in (
        ("of Duarte-Zzyx", "size=50"),
        ("late", "q=duarte-zzyx&status=4"),
        ("May", "status=4"),
        ("hers", f"q={EMAIL.replace('@', '%40')}"),
        ("card", "q=last4%3A4242"),
    ):
        await keep_view(shop.world, mine, name, query)
    wanted = ExportQuery(
        OrderFilter(shop.merchant_id, text="zzyx"), "placed", True, ("order_id",), "GMT"
    )
    await ask_for_file(
        shop.world,
        shop.scope,
        user_id,
        new_id(),
        wanted,
        form="csv",
        labels=["Search: zzyx"],
        file_name="orders.csv",
    )
    act, few = (
        Act("redeliver", said=("Search: zzyx",)),
        OrderFilter(shop.merchant_id, statuses=(4,)),
    )
    await take_all(shop.world, shop.scope, new_id(), act, few, expected=1)


def test_every_text_that_people_typed_goes_and_the_books_stay(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        change_world(shop.world, exports=tmp_path)
        async with who_answers("Zzyx heard of it") as url:
            await create(shop.world, shop.scope, url, None, "rescue")
            left = await written(shop, as_)
            await shop.publish()
        await listed(shop)
        async with world_owner(shop.world) as connection:
            await connection.execute(
                "UPDATE orders SET facts = jsonb_set(facts, '{decline,text}', '\"Zzyx has none\"')"
                " WHERE order_id = $1 AND facts ? 'decline'",
                left.refused,
            )
        assert await found_anywhere(shop) == {
            "payers",
            "order_payer",
            "order_search",
            "orders",
            "order_notes",
            "order_words",
            "modifications",
            "dispute_notes",
            "reconciliation_lines",
            "delivery_tries",
            "subscriptions",
            "transmissions",
            "saved_views",
            "exports",
            "bulk_acts",
        }
        assert "Zzyx was paid in cash" in str(await outcome_of(shop.world, str(left.refused)))
        before = [await shop.value(sql) for sql in KEPT]
        await erase_person(shop.world, shop.scope, left.payer_id)

        assert await found_anywhere(shop) == set()
        assert [await shop.value(sql) for sql in KEPT] == before
        items = "SELECT facts -> 'items' FROM orders WHERE order_id = $1"
        assert await shop.value(items, left.refused) == [MUG]
        assert await shop.value("SELECT outcome FROM transmissions WHERE outcome <> '{}'") == {
            "is_declined": True,
            "outcome": "",
            "refund": {"amount": 100},
        }
        assert await shop.value("SELECT facts FROM transmissions") == {"country": "US"}
        facts = await shop.value("SELECT facts FROM orders WHERE order_id = $1", left.refused)
        assert "sense_key" not in facts
        assert facts["decline"]["text"] == ""
        async with shop.world.people.connection() as people:
            assert {row["name"] for row in await people.fetch("SELECT name FROM saved_views")} == {
                "card",
                "May",
            }
        owner = await as_("owner")
        erased = "Its text was erased with the customer's data."
        for order_id in (left.refused, left.by_hand):
            assert erased in texts(await owner.get(f"/orders/{order_id}"))
        assert erased in texts(await owner.get(f"/disputes/{left.dispute_id}"))
        with pytest.raises(Problem, match="no evidence"):
            await answer_dispute(shop.world, shop.orders, shop.scope, left.dispute_id, "contest")
        assert "says it was paid by hand: –" in texts(await (await as_("olga")).get("/refunds"))
        assert (await verify(shop.world)).difference is None
        await shop.advance(timedelta(days=40))
        assert await found_anywhere(shop) == set()
        assert (await verify(shop.world)).difference is None

    portal(server, story)


def test_what_somebody_typed_is_not_translated(server: ServerAddress) -> None:
    """A refund that was refused with the note `Paid` was refused with `Bezahlt` for whoever read
    German."""

    async def story(shop: Shop, as_: As) -> None:
        order_id = await bought(shop)
        ann = Scope(shop.merchant_id, Actor("user", "ann"), "test")
        await decide(shop.world, shop.orders, ann, await stuck(shop, order_id), "refuse", "Paid")
        read = texts(
            await (await as_("owner")).get(f"/orders/{order_id}", headers={"accept-language": "de"})
        )
        assert read.count("Paid Sie zählt nicht mehr") == 2, (
            "in the story, and in the refund's life"
        )

    portal(server, story)


def test_what_is_typed_after_an_erasure_is_hidden_from_whom_customers_are_masked(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        order_id = await bought(shop)
        refund_id = await stuck(shop, order_id)
        await erase_person(
            shop.world, shop.scope, payer_ids(shop.world, shop.merchant_id, EMAIL)[0]
        )
        ann = Scope(shop.merchant_id, Actor("user", "ann"), "test")
        await decide(shop.world, shop.orders, ann, refund_id, "refuse", "Zzyx was paid in cash")
        assert "Zzyx" in texts(await (await as_("owner")).get(f"/orders/{order_id}"))
        for path in (f"/orders/{order_id}", f"/orders/{order_id}.json"):
            assert "Zzyx" not in (await (await as_("clerk")).get(path)).text

    portal(server, story)


def test_an_erasure_waits_for_what_is_being_typed(server: ServerAddress) -> None:
    """It had not seen the note of a transaction that was still open, and called the customer
    erased."""

    async def story(shop: Shop, as_: As) -> None:
        order_id = await bought(shop)
        dispute_id = await the_dispute(shop, order_id)
        payer_id, now = payer_ids(shop.world, shop.merchant_id, EMAIL)[0], shop.world.clocks.wall()
        note = (
            "INSERT INTO dispute_notes (merchant_id, note_id, dispute_id, text, actor, business_at)"
            " VALUES ($1, $2, $3, 'Zzyx', 'user:ann', $4)"
        )
        words = (
            "INSERT INTO order_words (merchant_id, order_id, seq, text) VALUES ($1, $2, 1, 'Zzyx')"
        )
        for beside in ("order", "dispute", "log"):
            async with shop.world.db.transaction() as tx:
                if beside == "order":
                    await insert_order_note(
                        tx, shop.merchant_id, new_id(), order_id, "Zzyx", "user:ann", now, now, 9
                    )
                elif beside == "log":
                    await lock_orders(tx, [shop.key(order_id)])
                    await tx.execute(words, shop.merchant_id, order_id)
                else:
                    await tx.execute(note, shop.merchant_id, new_id(), dispute_id, now)
                erasing = asyncio.create_task(erase_person(shop.world, shop.scope, payer_id))
                done, _ = await asyncio.wait([erasing], timeout=0.5)
                assert not done, "it waits"
            await erasing
            assert await found_anywhere(shop) == set(), beside

    portal(server, story)


def test_a_view_that_is_saved_while_its_customer_is_erased_goes_too(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        await shop.admit(payer=INES)
        async with shop.world.people.connection() as people:
            mine = (
                await people.fetchval("SELECT user_id FROM users WHERE name = 'Ops'"),
                shop.merchant_id,
            )
        kept = persons.erase_part

        async def meanwhile(*args: Any) -> None:
            await keep_view(shop.world, mine, "hers", "q=duarte-zzyx")
            await kept(*args)

        monkeypatch.setattr(persons, "erase_part", meanwhile)
        await erase_person(
            shop.world, shop.scope, payer_ids(shop.world, shop.merchant_id, EMAIL)[0]
        )
        assert await found_anywhere(shop) == set()

    portal(server, story)


def test_names_of_many_are_looked_for_beside_other_calls(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One id may stand for all guests of a shop: for the names of 20,000 every other call waited,
    half a second at a time."""
    threads = set()

    def redactor(rows: Any) -> Redactor:
        threads.add(threading.current_thread())
        return personal.redactor(rows)

    async def story(shop: Shop, as_: As) -> None:
        await shop.admit(payer=INES)
        async with shop.world.people.connection() as people:
            mine = (
                await people.fetchval("SELECT user_id FROM users WHERE name = 'Ops'"),
                shop.merchant_id,
            )
        await keep_view(shop.world, mine, "hers", "q=duarte-zzyx")
        monkeypatch.setattr(list_preferences, "redactor", redactor)
        await erase_person(
            shop.world, shop.scope, payer_ids(shop.world, shop.merchant_id, EMAIL)[0]
        )
        assert await found_anywhere(shop) == set()
        assert threads
        assert threading.main_thread() not in threads

    portal(server, story)


def test_an_erasure_that_crosses_another_writer_is_done_again(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that go by themselves are locked in any order: of the two PostgreSQL may end the
    erasure, at its end."""
    kept, crossed = persons.end_files_of, []

    async def once(*args: Any) -> None:
        await kept(*args)
        if not crossed:
            crossed.append(1)
            raise asyncpg.DeadlockDetectedError

    async def story(shop: Shop, as_: As) -> None:
        await shop.admit(payer=INES)
        monkeypatch.setattr(persons, "end_files_of", once)
        assert await erase_person(
            shop.world, shop.scope, payer_ids(shop.world, shop.merchant_id, EMAIL)[0]
        ) == (1, 1)
        assert crossed
        assert await found_anywhere(shop) == set()
        assert await shop.value("SELECT count(*) FROM person_log") == 1

    portal(server, story)


FILES = {
    "uploads": "kind, form, content_mac, state, actor, request_id, received_at",
    "imports": "profile, answers, content_mac, state, actor, request_id, received_at",
    "reconciliation_runs": "kind, file_hash, reading, period_from, period_to, run_key, actor, "
    "created_at",
}
VALUES = {
    "uploads": "'transmit', 'csv', $4, 'received', 'user:x', 'r', $5::timestamptz",
    "imports": "'stripe-payments/1', '{}', $4, 'received', 'user:x', 'r', $5::timestamptz",
    "reconciliation_runs": "'bank', '', '{\"zone\": \"UTC\"}', $5::timestamptz, $5, $4, 'user:x', "
    "$5",
}
OF_HER = (
    "Zzyx_Ines_Duarte.csv",
    "orders-InesDuarteZzyx.csv",
    "2026-05_Ines.Zzyx@example.test.csv",
    "of Duarte-Zzyx",
)
OF_NOBODY = (
    "orders.csv",
    "In essence.csv",
    "statement-2026-05.csv",
    "card_4242.json",
    "duarte-street.csv",
)


def test_a_files_name_with_a_persons_name_goes_with_the_person(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        await shop.admit(payer=INES)
        now = shop.world.clocks.wall()
        id_of = {"uploads": "upload_id", "imports": "import_id", "reconciliation_runs": "run_id"}
        async with world_owner(shop.world) as connection:
            for table, columns in FILES.items():
                for name in OF_HER + OF_NOBODY:
                    await connection.execute(
                        f"INSERT INTO {table} (merchant_id, {id_of[table]}, file_name, {columns})"
                        f" VALUES ($1, $2, $3, {VALUES[table]})",
                        shop.merchant_id,
                        new_id(),
                        name,
                        name.encode(),
                        now,
                    )
        await erase_person(
            shop.world, shop.scope, payer_ids(shop.world, shop.merchant_id, EMAIL)[0]
        )
        for table in FILES:
            names = await shop.value(f"SELECT array_agg(file_name) FROM {table}")  # noqa: S608
            assert sorted(names) == sorted(OF_NOBODY + ("",) * len(OF_HER)), table
        owner = await as_("owner")
        for page in ("/uploads", "/imports", "/reconciliation/files"):
            told = texts(await owner.get(page))
            assert "statement-2026-05.csv" in told
            assert "unnamed" in told
            assert "Zzyx" not in told

    portal(server, story)

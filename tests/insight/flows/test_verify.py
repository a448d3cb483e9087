"""`recoup verify`: a world that was lived in proves clean; what is planted in a clone of it is
found and named."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.databases import drop
from tests.dispute_terms import agree
from tests.engine.ground import evidence, mixed_model, model, regression
from tests.insight.flows.corruptions import CORRUPTIONS
from tests.kept import WarmDatabase, lent
from tests.odd_servers import OK, saying, serving
from tests.rings import drawn
from tests.worlds import (
    FUNDS_CARD,
    HARD_CARD,
    KEYRING,
    OwnWorld,
    Shop,
    make_shop,
    owner,
    sandbox_world,
)

from recoup.db.server import ServerAddress
from recoup.desk.cli.verify import as_dict, as_text
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.engine.decide import decide as decide_by_model
from recoup.engine.feature import PAST
from recoup.engine.learn.choices import keep, take
from recoup.insight.flows.verify import Verified, verify
from recoup.kernel.ids import new_id
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.kit.proofs import walk
from recoup.kit.world import World
from recoup.network_tokens.rules import TokenInput, decide_token
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import COUNTING_CARDS, FAULT_CARDS, script_card
from recoup.orders.moves.change import Change
from recoup.orders.rules.decision import Decision
from recoup.orders.rules.events import CATALOGUE
from recoup.policies.rules.policy import ENGINE_2
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.by_hand import bring_forward
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.locked import Job
from recoup.rescue.flows.on_demand import settle_attempt
from recoup.rescue.rules.by_hand import GateWord, PlanBefore
from recoup.rescue.rules.card_update import UpdateInput, decide_update
from recoup.rescue.rules.signal import SignalInput, decide_by_signal
from recoup.risk.rules.advance import AdvanceInputs
from recoup.risk.rules.advance_by_bounds import advance_by_bounds
from recoup.switches.flows.switches import Subject, change
from recoup.terms.rules.advance_bounds import HeldBounds, TenthBounds
from recoup.terms.rules.collection import CURRENT_COLLECTION
from recoup.terms.rules.exposure import Limits
from recoup.terms.rules.fees import Tariff
from recoup.webhooks.flows import endpoints
from recoup.webhooks.rules.replay import DECIDERS

QUICK = Policy(
    call_timeout=timedelta(seconds=0.5),
    settled_after=timedelta(seconds=0.2),
    cit_deadline=timedelta(seconds=10),
)
ADVANCED = {
    "ADVANCED": {"pan": script_card("visa", "51", 1)},
    "ADVANCED-LOST": {"pan": script_card("visa", "05", 99)},
    "ADVANCED-NETTED": {"pan": FUNDS_CARD},
}
SILENT, OUTAGE_ONCE, UNPROCESSED_ONCE = 80_001, 80_008, 80_010
SLOW_NO = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def lived_in(server: ServerAddress) -> Iterator[str]:
    """The name of the database of a world in which everything has happened once."""
    name = asyncio.run(live_in_everything(server))
    yield name
    asyncio.run(drop(server, name))


async def live_in_everything(server: ServerAddress) -> str:
    """The name of its database, which stays."""
    async with serving(saying(OK)) as port, serving(saying(SLOW_NO)) as refusing:
        async with sandbox_world(server, policy=QUICK, keep=True) as (world, orders, deliveries):
            shop = await make_shop(world, orders, deliveries, fee_basis_points=290)
            await shop.fees(Tariff(290, refund="pro_rata"))
            other = await make_shop(
                world, orders, deliveries, name="No fee", clock_behind=timedelta(days=40)
            )
            for where in (port, refusing):
                await endpoints.create(
                    world, shop.scope, f"http://127.0.0.1:{where}/", list(CATALOGUE), "rescue"
                )
            for on in (False, True):
                await change(world, shop.scope, Subject("site", shop.site_id), "mit", on, "a try")
            await _first_month(shop)
            await _other_merchant(other)
            await _decided_by_a_mandate(shop)
            await _what_is_still_open(shop)
            await _decided_by_a_model(shop)
            await _decided_by_a_signal(shop)
            await _decided_by_a_card_update(shop)
            await _decided_by_a_token(shop)
            return str(world.database)


async def _first_month(shop: Shop) -> None:
    world, orders = shop.world, shop.orders
    approved = [await shop.admit(external_id=f"APPROVED-{n}", units=4590 + n) for n in range(4)]
    await shop.admit(external_id="THIRD-TIME", pan=script_card("visa", "51", 2))
    await shop.admit(external_id="DECLINED-AT-ONCE", code="04")
    await shop.admit(external_id="DECLINED-LATER", pan=HARD_CARD)
    await shop.admit(external_id="EXPIRED", pan=FUNDS_CARD, days=3)
    await shop.admit(external_id="UNREACHABLE", pan=FAULT_CARDS["visa"], units=OUTAGE_ONCE)
    await shop.admit(external_id="UNPROCESSED", pan=FAULT_CARDS["visa"], units=UNPROCESSED_ONCE)
    cancelled = await shop.admit(external_id="CANCELLED")
    await shop.admit(external_id="PAID-ELSEWHERE")
    await shop.admit(external_id="COUNTED", pan=COUNTING_CARDS[0], units=1077)
    await cancel(world, orders, shop.scope, await shop.admit(external_id="NEVER-STARTED"))
    await _by_hand(shop)
    assert (
        await shop.ask(external_id="SYNC", days=None, code="05", pan=APPROVE_CARDS[0])
    ).evaluate == "APPROVED"
    await _late_approval(shop)
    await agree(shop, chunk_units=10_000)
    for name, more in ADVANCED.items():
        asked = await shop.ask(external_id=name, is_mit=False, days=None, code="05", **more)
        assert asked.evaluate == "APPROVED"
        if name == "ADVANCED-NETTED":
            await refund(world, orders, shop.scope, asked.order_id, RefundRequest(all=True))
    await shop.run_due()
    await shop.transmitted("PAID-ELSEWHERE", declined=False)
    await shop.transmitted("APPROVED-0", declined=True)
    await cancel(world, orders, shop.scope, cancelled)
    await shop.close_pages()
    await shop.advance(timedelta(days=25))
    await shop.close_pages()
    assert {(await shop.order(o))["stage"] for o in approved} == {"completed"}
    await refund(world, orders, shop.scope, approved[0], RefundRequest(amount="10.00"))
    await refund(
        world, orders, shop.scope, approved[0], RefundRequest(amount="5.00", key="refund-1")
    )
    await refund(world, orders, shop.scope, approved[1], RefundRequest(amount="45.91"))
    await shop.settle()
    await shop.close_pages()
    await refund(world, orders, shop.scope, approved[2], RefundRequest(amount="1.00"))
    await dispute_on_demand(world, orders, shop.key(approved[2]), units=2000)
    await dispute_on_demand(world, orders, shop.key(approved[3]), kind="service", decided="won")
    await shop.settle()
    await shop.publish()


async def _by_hand(shop: Shop) -> None:
    """Somebody has an order tried at once whose merchant has tried it nine times more: the gate
    lets it wait."""
    order_id = await shop.admit(external_id="BY-HAND", pan=script_card("mastercard", "51", 0))
    for _ in range(9):
        await shop.transmitted("BY-HAND", code_source="mastercard")
    await shop.run_due()
    assert await bring_forward(shop.orders, shop.scope, order_id)
    await shop.run_due()
    assert (await shop.order(order_id))["stage"] == "held"


async def _late_approval(shop: Shop) -> None:
    """The merchant cancels while a call is out that will turn out to be approved."""
    asking = asyncio.create_task(
        shop.ask(external_id="LATE", days=None, code="05", pan=FAULT_CARDS["visa"], units=SILENT)
    )
    order_id = None
    while order_id is None:
        await asyncio.sleep(0.01)
        order_id = await shop.value(
            "SELECT order_id FROM attempts WHERE state = 'open' AND units = $1", SILENT
        )
    await cancel(shop.world, shop.orders, shop.scope, order_id)
    await asking
    await shop.settle()
    assert (await shop.happenings(order_id))[-2:] == ["approved_late", "reversed"]


async def _other_merchant(shop: Shop) -> None:
    await shop.admit_many(5)
    await shop.advance(timedelta(days=20))
    await shop.close_pages()


async def _what_is_still_open(shop: Shop) -> None:
    await shop.admit(external_id="PLANNED", pan=FUNDS_CARD)
    await shop.run_due()
    await shop.admit(external_id="RECEIVED")
    due = await shop.ask(
        external_id="ADVANCED-DUE", is_mit=False, days=None, code="05", pan=FUNDS_CARD
    )
    await refund(shop.world, shop.orders, shop.scope, due.order_id, RefundRequest(amount="1.00"))


TABLE = TenthBounds((100,) * 10, (20,) * 10, (9_000,) * 10, (True,) * 10, (1_000,) * 10)


async def _decided_by_a_model(shop: Shop) -> None:
    """Decisions of both engines, which name their model, beside those by a model of before."""
    order_id = await shop.value("SELECT order_id FROM orders WHERE external_id = 'PLANNED'")
    for made in (model(), mixed_model(regression()), model(generic=0.3)):
        await keep(shop.world, made, None, shop.scope.actor)
        await take(shop.world, made.name, shop.scope.actor)
        given = evidence()
        assert given.facts is not None
        limits = Limits(10**6, 10**6, 10**6, 1, 5_000, "both")
        risk = AdvanceInputs(
            "declined", given.reading, 4590, "USD", 133, limits, given.now, facts=given.facts
        )
        decided = decide_by_model(given, ENGINE_2, made)
        await _store(shop, order_id, decided, given.features())
        if decided.versions["decider"] == "engine-3":  # as the engine of before has stored it
            past = replace(decided, versions=decided.versions | {"decider": "engine-2"})
            await _store(shop, order_id, past, given.features())
        bounded = replace(risk, utc_offset=-300, bounds=HeldBounds(1, given.now.date(), TABLE))
        await _store(
            shop, order_id, advance_by_bounds(bounded, CURRENT_COLLECTION, made), bounded.features()
        )


async def _decided_by_a_signal(shop: Shop) -> None:
    order_id = await shop.value("SELECT order_id FROM orders WHERE external_id = 'PLANNED'")
    now, given = await shop.now(), evidence()
    hour = timedelta(hours=1)
    before = PlanBefore(now + 24 * hour, "funds", None)
    asked = SignalInput(given.reading, now - 2 * hour, now - hour / 2, now, before, GateWord(), 0)
    await _store(shop, order_id, decide_by_signal(asked), asked.features())


async def _decided_by_a_card_update(shop: Shop) -> None:
    order_id = await shop.value("SELECT order_id FROM orders WHERE external_id = 'PLANNED'")
    for answer in (None, "new_number", "closed"):
        given = UpdateInput(evidence().reading, await shop.now(), answer)  # type: ignore[arg-type]
        await _store(shop, order_id, decide_update(given), given.features())


async def _decided_by_a_token(shop: Shop) -> None:
    order_id = await shop.value("SELECT order_id FROM orders WHERE external_id = 'PLANNED'")
    for gone in ("suspended", "deleted"):
        given = TokenInput(evidence().reading, gone, await shop.now())  # type: ignore[arg-type]
        await _store(shop, order_id, decide_token(given), given.features())


async def _decided_by_a_mandate(shop: Shop) -> None:
    """An order comes in with the bank's word, the next one of that card is not sent."""
    for external_id, code in (("REVOKED", "R1"), ("OF-THE-REVOKED", "51")):
        await shop.admit(
            external_id=external_id, pan=script_card("visa", "51", 0, serial=77), code=code
        )
        await shop.run_due()


async def _store(shop: Shop, order_id: UUID, decision: Decision, features: dict[str, Any]) -> None:
    def work(change: Change) -> None:
        change.decide(decision, features)

    await shop.orders.change(Job(shop.key(order_id), work))


@asynccontextmanager
async def _cloned(server: ServerAddress, template: str) -> AsyncIterator[World]:
    kept = await lent(server, "world", template).make()
    db = await WarmDatabase(kept, size=2).open()
    well = False
    try:
        parts = {"processors": {"sandbox": None}, "web": None, "dsn": kept.dsn, "kept": kept}
        yield OwnWorld(name="sandbox", db=db, keys=KEYRING, **parts)
        well = True
    finally:
        await db.close()
        await kept.leave(well=well)


def planted(server: ServerAddress, template: str, *sql: str) -> Verified:
    """What verify says of a clone in which the owner has run `sql`, past all keys and checks."""

    async def story() -> Verified:
        async with _cloned(server, template) as world:
            async with owner(world) as connection:
                await connection.execute("SET session_replication_role = replica")
                for one in sql:
                    done = await connection.execute(one)
                    assert not done.endswith(" 0"), f"nothing was changed by {one}"
            return await verify(world)

    return asyncio.run(story())


def test_a_world_that_was_lived_in_is_clean(server: ServerAddress, lived_in: str) -> None:
    done = planted(server, lived_in)
    assert done.difference is None, as_text(done)
    assert done.issuer
    assert done.checked["merchants"] == 2
    assert {name for name, count in done.checked.items() if not count} <= {"statements"}, (
        done.checked
    )
    assert done.checked["pages"] >= 4
    assert set(done.decided) == {*DECIDERS, *PAST}
    assert [done.decided[f"engine-{number}"] for number in (1, 2, 3)] == [2, 1, 1]
    assert done.decided["advance-3"] > 3
    assert sum(done.decided.values()) == done.checked["decisions"]
    assert f"gate-1        {done.decided['gate-1']:>12,}" in as_text(done)
    assert as_text(done).endswith("\nok")


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "UPDATE models SET content = replace(content, '\"generic\":0.3', '\"generic\":0.4')",
            "its hash differs",
        ),
        ("UPDATE models SET content = '{', sha256 = encode(sha256('{'), 'hex')", "cannot be read"),
        ("DELETE FROM models", "UnknownVersion: engine-1 with model-"),
    ],
)
def test_a_model_that_decided_is_proved_too(
    server: ServerAddress, lived_in: str, sql: str, words: str
) -> None:
    done = planted(server, lived_in, sql)
    assert words in as_text(done)
    assert "engine-1 with model-" in as_text(done), "what it decided cannot be decided again"


def test_what_an_engine_of_before_decided_is_held_against_what_was_stored(
    server: ServerAddress, lived_in: str
) -> None:
    of_before = "WHERE versions ->> 'decider' = 'engine-2'"
    done = planted(server, lived_in, f"UPDATE decisions SET plan = plan #- '{{0}}' {of_before}")
    assert "plan of decision" in as_text(done)


def test_no_table_of_a_merchant_is_left_out_of_the_search_for_strangers(
    server: ServerAddress,
) -> None:
    """A new table with a merchant_id belongs to one of the lists in proofs/walk."""

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), owner(world) as connection:
            rows = await connection.fetch(
                "SELECT c.relname::text AS name, EXISTS (SELECT FROM pg_index i WHERE i.indrelid = "
                "coalesce((SELECT min(p.inhrelid) FROM pg_inherits p WHERE p.inhparent = c.oid), "
                "c.oid) AND i.indkey[0] = a.attnum AND i.indpred IS NULL) AS sorted FROM pg_class c"
                " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'merchant_id' AND NOT "
                "a.attisdropped"
                " WHERE c.relnamespace = ANY(current_schemas(false)::regnamespace[])"
                " AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            )
        assert {r["name"] for r in rows if r["sorted"]} == {
            *walk.tables(),
            "applications",
            "dispute_notices",
        }
        assert {r["name"] for r in rows if not r["sorted"]} == set(walk.UNSORTED)

    asyncio.run(story())


def test_small_windows_find_the_same(
    server: ServerAddress, lived_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in _STEPS:
        monkeypatch.setattr(f"recoup.{module}.{name}", 1)
    done = planted(server, lived_in)
    assert done.difference is None, as_text(done)
    assert planted(server, lived_in, "UPDATE pages SET sums = '{}' WHERE page_no = 2").difference


_STEPS = (
    ("kit.proofs.walk", "ORDERS_MAX"), ("kit.proofs.sends", "SENDS_MAX"),
    ("insight.store.proofs.ledger", "POSTINGS_MAX"), ("insight.store.proofs.pages", "PAGES_MAX"),
    ("insight.store.proofs.issuer", "ROWS_MAX"),
)  # fmt: skip


@drawn("corruptions", "name", CORRUPTIONS, 16)
def test_what_was_planted_is_found(server: ServerAddress, lived_in: str, name: str) -> None:
    sql, words = CORRUPTIONS[name]
    done = planted(server, lived_in, *sql)
    assert done.difference is not None, "nothing was found"
    told = as_text(done)
    missing = [word for word in words if word not in told]
    assert not missing, told
    assert as_dict(done)["difference"]["field"] == done.difference.field
    assert done.difference.merchant_id is not None


def test_one_merchant_is_judged_alone(server: ServerAddress, lived_in: str) -> None:
    async def story() -> None:
        async with _cloned(server, lived_in) as world:
            async with owner(world) as connection:
                await connection.execute("SET session_replication_role = replica")
                broken = await connection.fetchval(
                    "UPDATE order_states SET version = version + 1 WHERE order_id = (SELECT "
                    "order_id FROM orders WHERE external_id = 'EXPIRED') RETURNING merchant_id"
                )
                well = await connection.fetchval(
                    "SELECT merchant_id FROM merchants WHERE merchant_id <> $1", broken
                )
            assert (await verify(world, well)).difference is None
            found = (await verify(world, broken)).difference
            assert found is not None
            assert found.merchant_id == broken
            with pytest.raises(Problem, match="no such merchant"):
                await verify(world, new_id())

    asyncio.run(story())


def test_an_empty_world_is_clean(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            done = await verify(world)
            assert done.difference is None
            assert not any(done.checked.values())

    asyncio.run(story())


def test_it_works_beside_a_running_system(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, orders, deliveries):
            shop = await make_shop(world, orders, deliveries, fee_basis_points=100)
            busy = asyncio.create_task(_busy(shop))
            rounds = 0
            while not busy.done() or rounds == 0:
                done = await verify(world)
                assert done.difference is None, as_text(done)
                rounds += 1
            await busy
            done = await verify(world)
            assert done.difference is None, as_text(done)
            assert done.checked["postings"] > 0

    asyncio.run(story())


async def _busy(shop: Shop) -> None:
    for _ in range(3):
        await shop.admit_many(10)
        await shop.run_due()
        await shop.advance(timedelta(days=9))
        await shop.close_pages()


def test_it_reads_only(server: ServerAddress, lived_in: str) -> None:
    async def story() -> None:
        async with _cloned(server, lived_in) as world:
            async with world.db.connection() as connection:
                with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                    async with connection.transaction(isolation="repeatable_read", readonly=True):
                        await connection.execute("DELETE FROM due_work")
            await verify(world)
            async with (
                world.db.connection() as connection
            ):  # the owner's role does not outlive the proof
                assert await connection.fetchval("SELECT current_user") == "recoup_app"

    asyncio.run(story())


def test_rare_states_are_clean(server: ServerAddress) -> None:
    """Held by the kill switch, by an outage and by the card's allowance; brought forward; the
    merchant's own retry."""

    async def story() -> None:
        async with sandbox_world(server, policy=replace(QUICK, visa_limit=2)) as (
            world,
            orders,
            deliveries,
        ):
            shop = await make_shop(world, orders, deliveries, fee_basis_points=100)
            stages = {
                "UNREACHABLE": "held",
                "ALLOWANCE-0": "completed",
                "FORWARD": "completed",
                "KILLED": "held",
            }
            await shop.admit(
                external_id="UNREACHABLE",
                pan=FAULT_CARDS["visa"],
                units=80_009,
                days=None,
                code="05",
            )
            for number, units in enumerate((1077, 1051, 1051, 1051)):
                await shop.admit(
                    external_id=f"ALLOWANCE-{number}",
                    pan=COUNTING_CARDS[0],
                    units=units,
                    days=None,
                    code="05",
                )
            await shop.run_due()
            await shop.transmitted("ALLOWANCE-3", declined=True)
            await shop.admit(external_id="FORWARD")
            await shop.run_due()
            assert await settle_attempt(world, orders, "FORWARD", True) == "approved"
            await shop.advance(timedelta(minutes=5))
            async with owner(world) as connection:
                await connection.execute(
                    "UPDATE merchants SET killed = true, version = version + 1"
                )
            shop.merchants.forget(shop.merchant_id)
            await shop.admit(external_id="KILLED")
            await shop.run_due()
            for hours in (0, 1, 40 * 24):
                await shop.advance(timedelta(hours=hours))
                done = await verify(world)
                assert done.difference is None, as_text(done)
                found = await shop.value(
                    "SELECT jsonb_object_agg(external_id, stage) FROM current_orders"
                )
                if not hours:
                    assert found | stages == found
            assert "expired" in found.values()

    asyncio.run(story())


def test_while_a_call_is_out_everything_holds(server: ServerAddress) -> None:
    async def story() -> None:
        # Out for long enough that a proof falls into it on a busy machine too.
        policy = replace(QUICK, call_timeout=timedelta(seconds=2.5))
        async with sandbox_world(server, policy=policy) as (world, orders, deliveries):
            shop = await make_shop(world, orders, deliveries)
            asking = asyncio.create_task(
                shop.admit(
                    days=None, code="05", pan=FAULT_CARDS["visa"], units=SILENT, external_id="OUT"
                )
            )
            seen: set[str] = set()
            while not asking.done() or "approved" not in seen:
                done = await verify(world)
                assert done.difference is None, as_text(done)
                seen |= {await shop.value("SELECT coalesce(min(state), 'none') FROM attempts")}
                await shop.run_due()
            assert seen >= {"open", "unknown", "approved"}

    asyncio.run(story())


def test_an_attempt_brought_forward_holds_before_it_is_sent(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop between bringing it forward and sending it leaves an order that says when it will be
    tried."""

    async def stopped(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr("recoup.rescue.flows.on_demand.send_attempt", stopped)

    async def story() -> None:
        async with sandbox_world(server, policy=QUICK) as (world, orders, deliveries):
            shop = await make_shop(world, orders, deliveries)
            await shop.admit(external_id="FORWARD")
            await shop.run_due()
            await settle_attempt(world, orders, "FORWARD", True)
            done = await verify(world)
            assert done.difference is None, as_text(done)

    asyncio.run(story())

"""An ordinary day on the whole running product, doors and worker: so many clients, until nothing is
left to do.

With 1, 8 and 64 clients, by 8 of a merchant's keys and with 48 cards in turn; the figures of 8
stand in front. The rate counts until the worker has done what followed: due work, feed, first
deliveries. Against pgbench running the statements of one such order row by row, with 8 clients and
the same cards; feeding is no part of its work, for a pass takes what many orders left.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.run_due import run_due
from recoup.rescue.flows.taken import EvaluateRequest
from recoup.rescue.flows.tokenize import Vault
from recoup_lab.bench import calls
from recoup_lab.bench.cards import CARDS, Cards, store_cards, turn_of
from recoup_lab.bench.figure import Figure, Round, Size, figure
from recoup_lab.bench.ground import Ground, Shop, load, make_shop, orders_of
from recoup_lab.bench.intake import declined_of, payer_marks, posts
from recoup_lab.bench.pgbench import NUMBER, Mark, Script, prefix_of, rate_of, renewed, script_of
from recoup_lab.bench.prepared import Model, copy_orders, model_of
from recoup_lab.bench.reads import AGED, PAGE, record_list
from recoup_lab.bench.record import RecordingDatabase, next_millisecond
from recoup_lab.bench.waits import Waits, counts_of, looking, mean_of, waits_of
from recoup_lab.bench.webhooks import worker_is_up

CLIENTS: Final = (8, 1, 64)  # the first stands in front
KEYS: Final = 8  # of the merchant, by which the clients call
HISTORY: Final = 5_000  # orders that a list is of
REFUNDED: Final = 320
REFUNDS: Final = 640  # by pgbench a round, each of an order of its own
SECONDS_MAX: Final = 120.0  # until nothing is left to do
LATE: Final = {
    "responseCode": "91",
    "responseDescription": "Issuer unavailable",
}  # worth another try at once
_CLAIM: Final = "FROM due_work d JOIN merchants"  # takes many at a time: no part of one order
# Business work that lies ahead is not left over.
_LEFT: Final = """
SELECT (SELECT count(*) FROM due_work WHERE due_at <= now()) + (SELECT count(*) FROM outbox_queue)
  + (SELECT count(*) FROM lanes WHERE due_at <= now())
"""
# What pgbench leaves to a worker.
_PUT_BY: Final = "DELETE FROM outbox_queue; DELETE FROM due_work WHERE due_at <= now()"


@dataclass(frozen=True, slots=True)
class Prepared:
    """`plan` for the load generator."""

    plan: dict[str, Any]
    script: Script
    each: int = 0  # prepared orders of each of pgbench's clients, a round


async def day_managed(ground: Ground, size: Size) -> Figure:
    """Managed MITs, from the call until they are planned."""
    async with ground.world() as (world, db):
        shop, cards = await _shop(world)
        made = await _evaluates(ground, world, db, shop, cards, managed=True)
    return await _measure("day_managed", ground, size, made)


async def day_sync(ground: Ground, size: Size) -> Figure:
    """Sync MITs, from declined to approved while the caller waits."""
    async with ground.world() as (world, db):
        shop, cards = await _shop(world)
        made = await _evaluates(ground, world, db, shop, cards, managed=False)
    return await _measure("day_sync", ground, size, made)


async def day_refund(ground: Ground, size: Size) -> Figure:
    """Partial refunds of orders that were approved, until the processor has said yes."""
    each = max(1, size.of(REFUNDS) // CLIENTS[0])
    async with ground.world() as (world, db):
        shop, cards = await _shop(world)
        model = await _approved(ground, world, shop, cards)
        async with ground.owner() as connection:
            await copy_orders(connection, model, 1, each * CLIENTS[0] * size.rounds)
        script = await _refund_script(ground, world, db, shop, model, cards, each)
        flow = Evaluate(world, orders_of(world)[0], Merchants(world), Vault(world))
        tokens = cards.tokens()
        every = [
            _given(world, shop, tokens[n % CARDS], managed=False, number=str(NUMBER + n))
            for n in range(size.of(REFUNDED))
        ]
        paid = await asyncio.gather(*(flow.evaluate(shop.scope, one) for one in every))
    body = {"amountToRefund": 0.1, "idempotencyKey": f"refund-{calls.MARK}"}
    plan = posts(f"/v1/orders/{calls.CHOICE}/refund", body, shop)
    choices = [str(word.order_id) for word in paid if word.evaluate == "APPROVED"]
    plan |= {"choice_mark": calls.CHOICE, "choices": choices}
    return await _measure("day_refund", ground, size, Prepared(plan, script, each))


async def day_list(ground: Ground, size: Size) -> Figure:
    """The first page of a merchant's orders."""
    async with ground.world() as (world, db):
        shop, cards = await _shop(world)
        model = await _approved(ground, world, shop, cards)
        async with ground.owner() as connection:
            await copy_orders(connection, model, 1, size.of(HISTORY))
        selects = [s for s in await record_list(db, shop) if s.reads]
        script = await script_of(ground.sandbox, selects, {}, since=await next_millisecond())
    plan = {
        "requests": [calls.get(f"/v1/orders?pageSize={PAGE}", b) for b in shop.bearers],
        "first": 1,
        "last": 2,
    }
    return await _measure("day_list", ground, size, Prepared(plan, script))


# measuring
# --------------------------------------------------------------------------------------------------


async def _measure(name: str, ground: Ground, size: Size, made: Prepared) -> Figure:
    ours: dict[int, list[Round]] = {clients: [] for clients in CLIENTS}
    waits: dict[int, list[Waits]] = {clients: [] for clients in CLIENTS}
    theirs = []
    number = int(calls.MARK) * 2
    async with (
        ground.doors() as (ports, _),
        ground.owner() as connection,
        ground.owner() as beside,
    ):
        for done in range(size.rounds):
            async with ground.worker():
                await worker_is_up(connection)
                for clients in CLIENTS:
                    plan = {
                        "ports": ports,
                        "mark": calls.MARK,
                        "seconds": size.seconds,
                        "connections": clients,
                        "warm_seconds": 0.0,
                    }
                    before = await counts_of(ports[0])
                    async with looking(beside) as sessions:
                        load_figures = await load({"first": number} | made.plan | plan)
                    number += 1_000_000_000
                    rate = load_figures["sent"] / (
                        load_figures["took"] + await _nothing_left(connection)
                    )
                    ours[clients].append(
                        Round(rate, load_figures["p50_ms"], load_figures["p99_ms"])
                    )
                    after = await counts_of(ports[0])
                    waits[clients].append(waits_of(load_figures, before, after, sessions))
            made.script.variables |= {
                "m": "0",
                "first": str(NUMBER + done * made.each * CLIENTS[0]),
            }
            async with looking(beside):  # its cost is both sides'
                rate = await rate_of(
                    ground.pgbench,
                    ground.sandbox,
                    [renewed(made.script)],
                    ground.data_dir,
                    clients=CLIENTS[0],
                    seconds=size.seconds,
                    each=made.each,
                )
            theirs.append(rate)
            await connection.execute(_PUT_BY)
    more: dict[str, Any] = {"waits_ms": mean_of(waits[CLIENTS[0]])}
    for clients in CLIENTS[1:]:
        more[f"clients_{clients}_per_second"] = median(r.per_second for r in ours[clients])
        more[f"clients_{clients}_p50_ms"] = median(r.p50_ms for r in ours[clients])
        more[f"clients_{clients}_p99_ms"] = median(r.p99_ms for r in ours[clients])
        more[f"clients_{clients}_waits_ms"] = mean_of(waits[clients])
    return figure(name, ours[CLIENTS[0]], theirs, **more)


async def _nothing_left(connection: asyncpg.Connection) -> float:
    """The seconds until then. Raises: Problem(internal) when that takes too long."""
    begun = time.perf_counter()
    until = begun + SECONDS_MAX
    while left := await connection.fetchval(_LEFT):
        if time.perf_counter() > until:
            raise Problem("internal", f"{left} pieces of work are still left over.")
        await asyncio.sleep(0.02)
    return time.perf_counter() - begun


# preparing
# --------------------------------------------------------------------------------------------------


async def _shop(world: World) -> tuple[Shop, Cards]:
    shop = await make_shop(world, "Day")
    return replace(shop, bearers=shop.bearers[:KEYS]), await store_cards(world, shop.merchant_id)


def _given(
    world: World, shop: Shop, token: UUID, *, managed: bool, number: str = calls.MARK
) -> EvaluateRequest:
    given = declined_of(world, shop, token, number)
    if managed:
        return given
    decline = given.decline | {"code": LATE["responseCode"], "text": LATE["responseDescription"]}
    return replace(given, expires_at=None, decline=decline)


async def _evaluates(
    ground: Ground, world: World, db: RecordingDatabase, shop: Shop, cards: Cards, *, managed: bool
) -> Prepared:
    """Prepares the evaluation of one order alone, as the flows run it; a magic card's identity is
    made of order and number."""
    merchants, (orders, _) = Merchants(world), orders_of(world)
    await merchants.get(shop.merchant_id)
    flow, tokens = Evaluate(world, orders, merchants, Vault(world)), cards.tokens()
    since = await next_millisecond()
    async with db.recorded() as statements:
        result = await flow.evaluate(shop.scope, _given(world, shop, tokens[0], managed=managed))
    assert result.evaluate == ("SUBMITTED" if managed else "APPROVED"), result
    if managed:
        async with db.recorded() as more:
            await run_due(world, orders, merchant_id=shop.merchant_id)
        statements += [s for s in more if _CLAIM not in s.sql]
    card_id = await db.fetchval("SELECT card_id FROM orders WHERE order_id = $1", result.order_id)
    prefix = prefix_of(0)
    card = f"md5(('{prefix}' || :id)::uuid::text || ('{cards.number}' || :card)::uuid::text)"
    marks = {
        calls.MARK: Mark("", ":id"),
        str(result.order_id): Mark(prefix, ":id"),
        str(card_id): Mark("", card),
        **cards.marks(),
        **payer_marks(statements),
    }
    body = calls.evaluate_body(shop.merchant_id, shop.site_id, tokens[0], world.clocks.wall())
    if not managed:
        del body["expiryDateUtc"]
        body["transaction"] |= LATE
    sets = turn_of(f":client_id * {CARDS // CLIENTS[0]} + :n")
    script = await script_of(ground.sandbox, statements, marks, since=since, sets=sets)
    plan = posts("/v1/evaluate", body, shop)
    plan |= {"choice_mark": str(tokens[0]), "choices": [str(token) for token in tokens]}
    return Prepared(plan, script)


async def _approved(ground: Ground, world: World, shop: Shop, cards: Cards) -> Model:
    """Model of one order that was approved, fed and with nothing left to do: to be copied."""
    orders, _ = orders_of(world)
    flow = Evaluate(world, orders, Merchants(world), Vault(world))
    given = _given(world, shop, cards.tokens()[0], managed=False)
    result = await flow.evaluate(shop.scope, given)
    async with ground.owner() as connection:
        await connection.execute("DELETE FROM outbox_queue")
        await connection.execute("DELETE FROM due_work")
        model = await model_of(connection, shop.merchant_id, result.order_id, aged=AGED)
    return replace(model, cards=cards.prefixes())


async def _refund_script(
    ground: Ground,
    world: World,
    db: RecordingDatabase,
    shop: Shop,
    model: Model,
    cards: Cards,
    each: int,
) -> Script:
    """Each of another copy; it is sent by the worker."""
    orders, _ = orders_of(world)
    since = await next_millisecond()
    async with db.recorded() as statements:
        await refund(
            world,
            orders,
            shop.scope,
            model.order_id,
            RefundRequest(amount="0.10", key=f"refund-{calls.MARK}"),
        )
    async with db.recorded() as more:
        await run_due(world, orders, merchant_id=shop.merchant_id)
    kept = [*statements, *(s for s in more if _CLAIM not in s.sql)]
    sets = f"\\set m :m + 1\n\\set o :first + :client_id * {each} + :m\n"
    sets += turn_of(":o")
    marks = model.marks(":o") | cards.marks() | {calls.MARK: Mark("", ":id")}
    return await script_of(ground.sandbox, kept, marks, since=since, sets=sets)

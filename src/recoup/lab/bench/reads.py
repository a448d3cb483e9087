"""get_order and list_orders over HTTP, against pgbench running the same SELECTs."""

import time
from collections.abc import Sequence

from recoup.flows.cards.evaluate import Evaluate
from recoup.flows.cards.tokenize import CardGiven, Vault
from recoup.flows.known import Merchants
from recoup.kernel.ids import new_id
from recoup.kernel.world import World
from recoup.lab.bench import calls
from recoup.lab.bench.figure import Figure, Round, Size, figure
from recoup.lab.bench.ground import Ground, Shop, load, make_shop, orders_of
from recoup.lab.bench.intake import declined_of
from recoup.lab.bench.pgbench import NUMBER, Script, rate_of, script_of
from recoup.lab.bench.prepared import Model, copy_orders, model_of
from recoup.lab.bench.record import RecordingDatabase, Statement
from recoup.rules.network.magic import script_card
from recoup.store.read.order_counts import count_orders
from recoup.store.read.order_filter import OrderFilter
from recoup.store.read.orders import list_orders_page
from recoup.store.read.wire_orders import wire_orders

ORDERS = 10_000
PAGE = 10


async def get_order(ground: Ground, size: Size) -> Figure:
    """Any of 10,000 orders."""
    async with ground.world() as (world, db):
        shop, model, number = await _filled(ground, world, size)
        since = time.time()
        async with db.recorded() as statements:
            async with db.connection() as connection:
                await wire_orders(connection, shop.merchant_id, [model.order_id])
        marks = model.marks(":o")
        any_order = f"\\set o random({NUMBER + 1}, {NUMBER + number})\n"
        script = await script_of(ground.sandbox, statements, marks, since=since, sets=any_order)
    path = f"/v1/orders/{model.order_prefix()}{calls.MARK}"  # without dashes: so the number stays whole
    plan = {"requests": [calls.get(path, b) for b in shop.bearers], "first": NUMBER + 1, "last": NUMBER + number}
    return await _compare("get_order", ground, size, script, plan)


async def list_orders(ground: Ground, size: Size) -> Figure:
    """The first page of 10,000 orders, ten of them, with the exact total that the wire promises."""
    async with ground.world() as (world, db):
        shop, _, _ = await _filled(ground, world, size)
        selects = [s for s in await _record_list(db, shop) if s.reads]
        script = await script_of(ground.sandbox, selects, {}, since=time.time())
    plan = {"requests": [calls.get(f"/v1/orders?pageSize={PAGE}", b) for b in shop.bearers], "first": 1, "last": 2}
    return await _compare("list_orders", ground, size, script, plan)


async def _record_list(db: RecordingDatabase, shop: Shop) -> Sequence[Statement]:
    """As the door asks: the page, the count, the orders of the page."""
    wanted = OrderFilter(shop.merchant_id, door="rescue")
    async with db.recorded() as statements:
        async with db.connection() as connection:
            page = await list_orders_page(connection, wanted, number=1, size=PAGE)
            await count_orders(connection, wanted, exact=True)
            await wire_orders(connection, shop.merchant_id, [row.order_id for row in page.rows])
    return statements


async def admitted_model(ground: Ground, world: World, shop: Shop) -> Model:
    """One managed MIT as intake leaves it."""
    token = new_id()
    vault, merchants = Vault(world), Merchants(world)
    await vault.store(CardGiven(shop.merchant_id, token, script_card("visa", "51", 0), 9, 2031))
    orders, _ = orders_of(world)
    word = await Evaluate(world, orders, merchants, vault).evaluate(shop.scope, declined_of(world, shop, token))
    async with ground.owner() as connection:
        return await model_of(connection, shop.merchant_id, word.order_id)


async def _filled(ground: Ground, world: World, size: Size) -> tuple[Shop, Model, int]:
    shop = await make_shop(world, "Reads")
    model = await admitted_model(ground, world, shop)
    number = size.of(ORDERS)
    async with ground.owner() as connection:
        await copy_orders(connection, model, 1, number)
    return shop, model, number


async def _compare(name: str, ground: Ground, size: Size, script: Script, plan: dict[str, object]) -> Figure:
    ours, theirs = [], []
    async with ground.doors() as (ports, _):
        for _ in range(size.rounds):
            told = await load(plan | {"ports": ports, "mark": calls.MARK, "seconds": size.seconds,
                                      "connections": size.connections})  # fmt: skip
            ours.append(Round(told["per_second"], told["p50_ms"], told["p99_ms"]))
            theirs.append(await rate_of(ground.pgbench, ground.sandbox, [script], ground.data_dir,
                                        clients=size.clients, seconds=size.seconds))  # fmt: skip
    return figure(name, ours, theirs)

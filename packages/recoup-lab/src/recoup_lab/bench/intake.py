"""evaluate, transmit and tokenize over HTTP, against pgbench running their statements with one row
a call."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.networks.magic import script_card
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.taken import EvaluateRequest, Person
from recoup.rescue.flows.tokenize import CardGiven, Vault
from recoup.rescue.flows.transmit import Transmit, Transmitted
from recoup_lab.bench import calls
from recoup_lab.bench.figure import Figure, Round, Size, figure
from recoup_lab.bench.ground import Ground, Shop, load, make_shop, orders_of
from recoup_lab.bench.pgbench import Mark, Script, rate_of, renewed, script_of
from recoup_lab.bench.record import RecordingDatabase, Statement, next_millisecond

CARDS = 200  # numbers that /tokenize is sent in turn


async def evaluate(ground: Ground, size: Size) -> Figure:
    """Managed MITs with a card token."""
    async with ground.world() as (world, db):
        shop, token = await shop_with_token(world)
        since = await next_millisecond()
        statements = await record_evaluate(world, db, shop, token)
        script = await _script(ground, statements, since)
    body = calls.evaluate_body(shop.merchant_id, shop.site_id, token, world.clocks.wall())
    return await compare("evaluate", ground, size, script, posts("/v1/evaluate", body, shop))


async def transmit(ground: Ground, size: Size) -> Figure:
    """Approved payments that touch no rescue."""
    async with ground.world() as (world, db):
        shop, _ = await shop_with_token(world)
        since = await next_millisecond()
        statements = await _record_transmit(world, db, shop)
        script = await _script(ground, statements, since)
    body = calls.transmit_body(shop.merchant_id, world.clocks.wall())
    return await compare("transmit", ground, size, script, posts("/v1/transmit", body, shop))


async def tokenize(ground: Ground, size: Size) -> Figure:
    """Cards seen before, with their codes, by the tokenization key as a checkout sends them."""
    pans = [script_card("visa", "51", 0, serial) for serial in range(1, CARDS + 1)]
    async with ground.world() as (world, db):
        shop, _ = await shop_with_token(world)
        vault = Vault(world)
        for pan in pans:
            await vault.store(CardGiven(shop.merchant_id, new_id(), pan, 9, 2031, "999"))
        since = await next_millisecond()
        async with db.recorded() as statements:
            await vault.store(CardGiven(shop.merchant_id, new_id(), pans[0], 9, 2031, "999"))
        script = await _script(ground, statements, since)
    request = calls.post(
        f"/v1/tokenize?environment={shop.keys.tokenization_key}", calls.tokenize_body(), None
    )
    plan = {"requests": [request], "choice_mark": calls.CHOICE, "choices": pans}
    return await compare("tokenize", ground, size, script, plan)


async def record_evaluate(
    world: World, db: RecordingDatabase, shop: Shop, token: UUID
) -> Sequence[Statement]:
    """The admission of one order, as the door's request makes it."""
    orders, _ = orders_of(world)
    merchants = Merchants(world)
    await merchants.get(shop.merchant_id)
    flow = Evaluate(world, orders, merchants, Vault(world))
    async with db.recorded() as statements:
        await flow.evaluate(shop.scope, declined_of(world, shop, token))
    return statements


def declined_of(world: World, shop: Shop, token: UUID, number: str = calls.MARK) -> EvaluateRequest:
    """The request that the door reads from `calls.evaluate_body`, `number` in its references."""
    body = calls.evaluate_body(shop.merchant_id, shop.site_id, token, world.clocks.wall())
    now, billing = world.clocks.wall(), body["billingInformation"]
    decline = {
        "code": "51",
        "source": "nmi",
        "text": "Insufficient funds",
        "advice": None,
        "at": now.isoformat(),
    }
    facts = {
        "transaction_type": "PURCHASE",
        "is_recurring": True,
        "funding": "credit",
        "utc_offset": -300,
        "subscription": body["subscription"],
        "three_d_secure": body["threeDSecure"],
        "agreement": "recurring",
        "processor_name": "Example Acquirer",
    }
    person = Person(
        external_id=f"cust-{calls.MARK}",
        first_name="Ana",
        last_name="Roe",
        email=f"ana{calls.MARK}@example.test",
        phone="+1 555 010 2030",
        billing=billing,
        shipping=billing,
    )
    return EvaluateRequest(
        external_id=f"SUB-{number}",
        key=f"key-{number}",
        is_mit=True,
        order_source="ecommerce",
        expires_at=now + timedelta(days=21),
        units=4590,
        currency="USD",
        token_id=token,
        pan=None,
        cvv="",
        exp_month=9,
        exp_year=2031,
        transaction_id=f"psp-{number}",
        decline=decline,
        site_id=shop.site_id,
        site_url="https://bench.example.test",
        descriptor="EXAMPLESHOES",
        payer=person,
        facts=facts,
    )


async def _record_transmit(world: World, db: RecordingDatabase, shop: Shop) -> Sequence[Statement]:
    orders, _ = orders_of(world)
    merchants = Merchants(world)
    await merchants.get(shop.merchant_id)
    facts = {
        "source": "ecommerce",
        "processor": "Example Acquirer",
        "brand": "VISA",
        "funding": "CREDIT",
        "country": "US",
        "avs": "NA",
        "cvv_result": "NA",
    }
    transmission = Transmitted(
        external_id=f"SO-{calls.MARK}",
        transaction_id=f"psp-{calls.MARK}",
        is_declined=False,
        is_mit=False,
        units=4590,
        currency="USD",
        code_source="nmi",
        code="100",
        bin="411111",
        last4="1111",
        payer={
            "external_id": f"cust-{calls.MARK}",
            "email": f"ana{calls.MARK}@example.test",
            "phone": "+1 555 010 2030",
            "name": "Ana Roe",
        },
        transacted_at=world.clocks.wall(),
        facts=facts,
    )
    async with db.recorded() as statements:
        await Transmit(world, orders, merchants).transmit(shop.scope, transmission)
    return statements


async def shop_with_token(world: World) -> tuple[Shop, UUID]:
    shop, token = await make_shop(world, "Intake"), new_id()
    pan = script_card("visa", "51", 0)
    await Vault(world).store(CardGiven(shop.merchant_id, token, pan, 9, 2031))
    return shop, token


async def _script(ground: Ground, statements: Sequence[Statement], since: int) -> Script:
    marks = {calls.MARK: Mark("", ":id"), **payer_marks(statements)}
    return await script_of(ground.sandbox, statements, marks, since=since)


def payer_marks(statements: Sequence[Statement]) -> dict[str, Mark]:
    """Payers' ids are keyed hashes, so pgbench's are random too."""
    marks = {}
    for statement in statements:
        for row in (
            row
            for arg in statement.args
            if isinstance(arg, list)
            for row in arg
            if isinstance(row, dict)
        ):
            if row.get("payer_id"):
                marks[str(row["payer_id"])] = Mark("", "gen_random_uuid()")
    return marks


def posts(path: str, body: dict[str, Any], shop: Shop) -> dict[str, Any]:
    return {"requests": [calls.post(path, body, bearer) for bearer in shop.bearers]}


async def compare(
    name: str, ground: Ground, size: Size, script: Script, plan: dict[str, Any]
) -> Figure:
    """Interleaved rounds of both; the first call of each is not counted."""
    ours, theirs = [], []
    async with ground.doors() as (ports, _):
        for number in range(size.rounds):
            first = (number + 1) * 10_000_000_000 + int(calls.MARK) * 2
            load_figures = await load(
                plan
                | {
                    "ports": ports,
                    "mark": calls.MARK,
                    "first": first,
                    "seconds": size.seconds,
                    "connections": size.connections,
                }
            )
            ours.append(
                Round(load_figures["per_second"], load_figures["p50_ms"], load_figures["p99_ms"])
            )
            theirs.append(
                await rate_of(
                    ground.pgbench,
                    ground.sandbox,
                    [renewed(script)],
                    ground.data_dir,
                    clients=size.clients,
                    seconds=size.seconds,
                )
            )
    return figure(name, ours, theirs)

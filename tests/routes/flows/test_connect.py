"""A merchant's own account at a processor: connected, picked up, kept from everybody else, rolled,
ended."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.rescue.flows.test_card_limits import plan_now
from tests.worlds import KEYRING, Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.db.statement import Read
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.notices.flows.receive import take
from recoup.processors.gateways.bridge import NoProcessor
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.port import Processor
from recoup.rescue.flows.send import send_attempt
from recoup.routes.flows import connect as flow
from recoup.routes.flows.card_routes import CardRoutes
from recoup.routes.flows.connect import (
    ChangeRequest,
    ConnectRequest,
    change,
    check,
    connect,
    disconnect,
)
from recoup.routes.flows.connections import connection_of, connections_of
from recoup.routes.flows.own_routes import SECRETS_OVERLAP, OpenProcessors
from recoup.routes.flows.route_switches import read_route_states, switch_off
from recoup.routes.store.connections import OwnRoute, own_routes
from recoup_connectors.stripe.api import EVENTS, INVOICE_EVENTS
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.stripe.server import StandIn, signature

KEY, OTHER_KEY, POOR_KEY = "rk_test_first_0001", "rk_test_second_0002", "rk_test_poor_0003"
SECRET, NEXT_SECRET = "whsec_first0001", "whsec_second0002"  # noqa: S105 - of a stand-in
Story = Callable[[Shop, StandIn], Awaitable[None]]


@asynccontextmanager
async def stripe_account(path: Path) -> AsyncIterator[StandIn]:
    keys = {KEY: (), OTHER_KEY: (), POOR_KEY: ("POST /v1/refunds",)}
    standin = await StandIn(path / "stripe.sqlite", faults=Faults(1), keys=keys).start()
    try:
        yield standin
    finally:
        await standin.stop()


def open_routes(shop: Shop, fixed: dict[str, Processor]) -> OpenProcessors:
    """As a process has them: `shop.world` works with them from here on."""
    opened = OpenProcessors(fixed, KEYRING)
    routes = CardRoutes((), (), shop.world.db, shop.world.clocks, opened)
    change_world(shop.world, processors=opened, routes=routes)
    return opened


def run(server: ServerAddress, path: Path, story: Story) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made, stripe_account(path) as standin:
            shop = await make_shop(*made)
            own = shop.world.processors
            opened = open_routes(shop, dict(own))
            await story(shop, standin)
            assert (found := await verify(made[0])).difference is None, found.difference
            await opened.close()
            change_world(made[0], processors=own)

    asyncio.run(inside())


def request_of(standin: StandIn, **more: Any) -> ConnectRequest:
    return ConnectRequest(
        **{"kind": "stripe", "key": KEY, "notice_secret": SECRET, "url": standin.url} | more
    )


def method_at(standin: StandIn, name: str = "visa") -> tuple[str, str]:
    customer = standin.account.make_customer({})["id"]
    return standin.account.attach(f"pm_card_{name}", {"customer": customer})["id"], customer


async def seen(shop: Shop) -> None:
    shop.world.routes.forget()
    await shop.world.routes.ready()


def test_connected_charged_and_seen_without_a_restart(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        other_process = CardRoutes(
            (), (), shop.world.db, shop.world.clocks, there := OpenProcessors({}, KEYRING)
        )
        await other_process.ready()
        made = await connect(shop.world, shop.scope, request_of(standin))
        assert (made.state, made.billing, made.version) == ("connected", "off", 1)
        assert made == await connection_of(shop.world, made.route)
        assert [one.route for one in await connections_of(shop.world, shop.merchant_id)] == [
            made.route
        ]
        other_process.forget()
        await other_process.ready()
        assert there[made.route].kind == "stripe"
        assert there.owner(made.route) == shop.merchant_id
        await there.close()
        await seen(shop)
        method, customer = method_at(standin)
        by_name = await shop.admit(pan=None, method=Stored(made.route, method, customer))
        by_kind = await shop.admit(pan=None, method=Stored("stripe", method, customer))
        await shop.advance(timedelta(days=20))
        for order_id in (by_name, by_kind):
            assert (await shop.order(order_id))["stage"] == "completed"
        assert {one["metadata"]["recoup_id"] for one in standin.book.all("charge")} == {
            str(one)
            for one in await shop.value(
                "SELECT array_agg(key) FROM attempts WHERE state = 'approved'"
            )
        }

    run(server, tmp_path, story)


def test_a_route_never_carries_another_merchants_orders(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        made = await connect(shop.world, shop.scope, request_of(standin))
        await seen(shop)
        other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Other")
        method, customer = method_at(standin)
        for name in (made.route, "stripe"):
            with pytest.raises(Problem) as refused:
                await other.admit(pan=None, method=Stored(name, method, customer))
            assert refused.value.field == "PaymentMethod.Processor"
            assert made.route not in f"{refused.value.message} {refused.value.cure}"
        routes, names = shop.world.routes, list(shop.world.processors)
        assert made.route in [one.terms.name for one in routes.candidates(names, shop.merchant_id)]
        for merchant_id in (other.merchant_id, None):
            assert made.route not in [
                one.terms.name for one in routes.candidates(names, merchant_id)
            ]
        assert made.route not in routes.visible(names, other.merchant_id)
        for all_of_them in (names, shop.world.processors):
            assert routes.visible(all_of_them, other.merchant_id) == names[:-1]
            assert routes.visible(all_of_them, shop.merchant_id) == names
        calls = (
            change(shop.world, other.scope, made.route, ChangeRequest(key=OTHER_KEY)),
            check(shop.world, other.scope, made.route),
            disconnect(shop.world, other.scope, made.route),
        )
        for call in calls:
            with pytest.raises(Problem) as hidden:
                await call
            assert hidden.value.code == "not_found"
        assert await connections_of(shop.world, other.merchant_id) == []

    run(server, tmp_path, story)


def test_an_order_of_another_merchant_with_that_method_is_not_sent(
    server: ServerAddress, tmp_path: Path
) -> None:
    """Even when its stored method names the route, however that came about."""

    async def story(shop: Shop, standin: StandIn) -> None:
        made = await connect(shop.world, shop.scope, request_of(standin))
        await seen(shop)
        other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Other")
        order_id = await other.admit(pan=None, method=Stored("sandbox", "pm_card_visa_51_01"))
        async with shop.world.db.transaction() as tx:
            await tx.execute("UPDATE stored_methods SET route = $1", made.route)
        before = list(standin.calls)
        await other.advance(timedelta(days=5))
        assert standin.calls == before
        assert (await other.order(order_id))["stage"] != "completed"

    run(server, tmp_path, story)


def test_a_key_without_a_right_waits_until_a_check_passes(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        made = await connect(shop.world, shop.scope, request_of(standin, key=POOR_KEY))
        assert made.state == "waiting"
        lacking = [one for one in made.findings if not one.ok and one.name != "webhook"]
        assert [one.name for one in lacking] == ["write Refunds"]
        assert lacking[0].read[1] == "Add the right to the restricted key."
        await seen(shop)
        method, customer = method_at(standin)
        with pytest.raises(Problem):
            await shop.admit(pan=None, method=Stored(made.route, method, customer))
        standin.keys[POOR_KEY] = ()
        assert (await check(shop.world, shop.scope, made.route)).state == "connected"
        await seen(shop)
        await shop.admit(pan=None, method=Stored(made.route, method, customer))
        standin.faults.add("never", "", share=1.0, times=None)
        assert (await check(shop.world, shop.scope, made.route)).state == "connected", (
            "an outage is no lost right"
        )

    run(server, tmp_path, story)


def test_the_country_is_the_accounts_own_word_and_another_one_waits(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        made = await connect(shop.world, shop.scope, request_of(standin))
        assert (made.country, made.state) == ("US", "connected"), "Stripe tells it"
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE merchants SET region = 'eea', country = 'DE', version = version + 1"
            )
        await seen(shop)
        assert shop.world.routes.region_of(made.route) == "us", (
            "the route's goes before its merchant's"
        )
        other = await change(shop.world, shop.scope, made.route, ChangeRequest(country="fr"))
        assert (other.country, other.state) == ("FR", "waiting")
        [wrong] = [one for one in other.findings if one.name == "country"]
        assert "US" in wrong.read[0]
        assert "FR" in wrong.read[0]
        assert (
            await change(shop.world, shop.scope, made.route, ChangeRequest(country="US"))
        ).state == "connected"
        with pytest.raises(Problem) as refused:
            await change(shop.world, shop.scope, made.route, ChangeRequest(country="EU"))
        assert refused.value.field == "country"

    run(server, tmp_path, story)


def test_invoices_need_a_webhook_and_what_is_missing_is_named(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        made = await connect(shop.world, shop.scope, request_of(standin, billing="take_over"))
        assert made.state == "waiting"
        assert "webhook" in [one.name for one in made.findings if not one.ok]
        place = f"https://recoup.example/inbound/{made.route}/notices"
        standin.account.make_endpoint({"url": place, "enabled_events": list(EVENTS)})
        lacking = [
            one for one in (await check(shop.world, shop.scope, made.route)).findings if not one.ok
        ]
        assert [one.name for one in lacking] == ["webhook invoices"]
        assert all(event in lacking[0].read[0] for event in INVOICE_EVENTS)
        standin.account.make_endpoint({"url": place, "enabled_events": ["*"]})
        assert (await check(shop.world, shop.scope, made.route)).state == "connected"

    run(server, tmp_path, story)


def test_stripes_own_retries_are_named_only_where_they_go_on(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        _, customer = method_at(standin)
        standin.account.make_invoice({"customer": customer, "amount_due": "4590"})
        named = dict[str, bool]()
        for billing in ("off", "take_over", "beside"):
            made = await connect(shop.world, shop.scope, request_of(standin, billing=billing))
            named[billing] = "own_retries" in [one.name for one in made.findings if not one.ok]
            await disconnect(shop.world, shop.scope, made.route)
        assert named == {"off": True, "take_over": False, "beside": True}

    run(server, tmp_path, story)


def test_operators_see_merchants_accounts_among_the_routes(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        ended = await connect(shop.world, shop.scope, request_of(standin))
        await disconnect(shop.world, shop.scope, ended.route)
        made = await connect(shop.world, shop.scope, request_of(standin))
        shown = [one for one in await read_route_states(shop.world) if one.row.connection]
        assert [(one.row.name, one.listed) for one in shown] == [
            (ended.route, False),
            (made.route, True),
        ]
        with pytest.raises(Problem) as refused:
            await switch_off(shop.world, "nobody", "a typing error", "operator")
        assert made.route not in str(refused.value.cure), (
            "whose accounts there are is nobody's matter"
        )

    run(server, tmp_path, story)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"key": "rk_live_first_0001"}, "key"),
        ({"key": "sk_test_first_0001"}, "key"),
        ({"key": "rk_test_first 0001"}, "key"),
        ({"key": ""}, "key"),
        ({"notice_secret": "first0001"}, "secret"),
        ({"notice_secret": "whsec_a whsec_b"}, "secret"),
        ({"kind": "paypal"}, "kind"),
        ({"country": "Germany"}, "country"),
    ],
)
def test_what_cannot_be_is_refused_and_never_repeated(
    server: ServerAddress, tmp_path: Path, given: dict[str, str], field: str
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        with pytest.raises(Problem) as refused:
            await connect(shop.world, shop.scope, request_of(standin, **given))
        assert refused.value.field == field
        assert "0001" not in f"{refused.value.message} {refused.value.cure}"
        assert standin.calls == []
        assert await connections_of(shop.world, shop.merchant_id) == []

    run(server, tmp_path, story)


def test_key_and_secret_roll_and_the_secret_before_holds_for_a_while(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        made = await connect(shop.world, shop.scope, request_of(standin))
        await seen(shop)
        first = shop.world.processors[made.route]
        again = await connect(
            shop.world, shop.scope, request_of(standin, notice_secret=NEXT_SECRET)
        )
        assert (again.route, again.version) == (made.route, 2)
        await change(
            shop.world, shop.scope, made.route, ChangeRequest(key=OTHER_KEY, billing="beside")
        )
        await seen(shop)
        rolled: Any = shop.world.processors[made.route]
        assert rolled is not first
        assert (rolled._key, rolled._notice_secrets) == (OTHER_KEY, (NEXT_SECRET, SECRET))
        async with shop.world.db.transaction() as tx:
            ago = shop.world.clocks.wall() - SECRETS_OVERLAP - timedelta(minutes=1)
            await tx.execute(
                "UPDATE processor_connections SET secret_rolled_at = $1, version = version + 1", ago
            )
        await seen(shop)
        last: Any = shop.world.processors[made.route]
        assert last._notice_secrets == (NEXT_SECRET,)

    run(server, tmp_path, story)


def test_nothing_of_a_secret_is_kept_in_the_clear(server: ServerAddress, tmp_path: Path) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        request = request_of(standin)
        made = await connect(shop.world, shop.scope, request)
        assert KEY not in repr(request) + repr(made)
        rows = await shop.value(
            "SELECT (SELECT string_agg(r::text, '') FROM card_routes r)"
            " || (SELECT string_agg(c::text, '') FROM processor_connections c)"
            " || (SELECT string_agg(a::text, '') FROM audit_lines a)"
        )
        for secret in (KEY, SECRET):
            assert secret not in rows
            assert secret.encode().hex() not in rows

    run(server, tmp_path, story)


def test_what_has_ended_is_asked_until_nothing_is_open_and_then_forgotten(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        made = await connect(shop.world, shop.scope, request_of(standin))
        await seen(shop)
        method, customer = method_at(standin)
        order_id = await shop.admit(pan=None, method=Stored(made.route, method, customer))
        await shop.run_due()
        await plan_now(shop, order_id)
        standin.faults.add("lost", "/confirm")
        assert await send_attempt(shop.world, shop.orders, shop.key(order_id)) == "unknown"
        ended = await disconnect(shop.world, shop.scope, made.route)
        assert ended.state == "disconnected"
        await seen(shop)
        assert made.route not in [
            one.name for one in shop.world.routes.terms(shop.world.processors, shop.merchant_id)
        ]
        assert shop.world.processors[made.route].kind == "stripe", "still asked"
        await shop.advance(timedelta(days=2))
        assert (await shop.order(order_id))["stage"] == "completed"
        assert await flow.erase_ended(shop.world) == 1
        assert (
            await shop.value("SELECT connection FROM card_routes WHERE name = $1", made.route)
            is None
        )
        await seen(shop)
        assert made.route not in shop.world.processors
        with pytest.raises(Problem) as refused:
            await change(shop.world, shop.scope, made.route, ChangeRequest(key=OTHER_KEY))
        assert refused.value.field == "key"

    run(server, tmp_path, story)


def test_a_merchant_with_stored_methods_alone_gives_no_numbers(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        made = await connect(shop.world, shop.scope, request_of(standin))
        opened = open_routes(shop, {"bridge": NoProcessor()})
        await seen(shop)
        terms = shop.world.routes.terms(shop.world.processors, shop.merchant_id)
        assert [(one.name, one.cards) for one in terms] == [(made.route, False)]
        await opened.close()

    run(server, tmp_path, story)


def test_another_process_reads_the_connections_when_one_was_changed(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        readings = list[int]()

        async def counted(db: Read) -> list[OwnRoute]:
            rows = await own_routes(db)
            readings.append(len(rows))
            return rows

        monkeypatch.setattr("recoup.routes.flows.own_routes.own_routes", counted)
        world, there = shop.world, OpenProcessors({}, KEYRING)

        async def second_later(after: timedelta = timedelta(0)) -> list[str]:
            async with world.db.connection() as connection:
                await there.take(connection, WallTime(world.clocks.wall() + after))
            return there.connected()

        assert await second_later() == []
        made = await connect(world, shop.scope, request_of(standin))
        assert await second_later() == [made.route]
        assert await second_later() == [made.route]
        assert readings == [0, 1]
        await change(world, shop.scope, made.route, ChangeRequest(notice_secret=NEXT_SECRET))
        assert await second_later() == [made.route]
        assert await second_later(timedelta(minutes=2)) == [made.route], "secrets end by themselves"
        assert readings == [0, 1, 1, 1]
        await disconnect(world, shop.scope, made.route)
        assert await second_later() == []
        assert made.route not in there, "with nothing open it is erased at once"
        await there.close()

    run(server, tmp_path, story)


def failing_invoice(standin: StandIn) -> str:
    account = standin.account
    method, customer = method_at(standin, "visa_chargeDeclinedInsufficientFunds")
    subscription = account.make_subscription(
        {"customer": customer, "default_payment_method": method}
    )["id"]
    made = account.make_invoice(
        {"customer": customer, "amount_due": "4590", "subscription": subscription}
    )
    account.retry_invoice(made["id"])
    return str(made["id"])


async def listen(shop: Shop, standin: StandIn) -> str:
    """The account's webhook, made before it is connected. Answers the route's name."""
    name = await flow.next_name(shop.world, shop.scope, "stripe")
    url = f"https://recoup.example/inbound/{name}/notices"
    standin.account.make_endpoint({"url": url, "enabled_events": ["*"]})
    return name


async def rescued(shop: Shop) -> list[str]:
    await seen(shop)
    await shop.run_due()
    return await shop.value("SELECT coalesce(jsonb_agg(external_id), '[]') FROM orders")


def test_an_invoice_that_failed_in_the_second_of_connecting_is_taken(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        await listen(shop, standin)
        examine, failed = flow.examine, list[str]()

        async def examined(kind: str, connection: Any) -> Any:
            found = await examine(kind, connection)
            failed.append(failing_invoice(standin))  # its notice finds no route yet
            return found

        monkeypatch.setattr(flow, "examine", examined)
        made = await connect(shop.world, shop.scope, request_of(standin, billing="take_over"))
        assert made.state == "connected"
        assert await rescued(shop) == failed
        monkeypatch.undo()
        again = failing_invoice(standin)  # whose notice is lost later
        assert await rescued(shop) == failed
        async with shop.world.db.transaction() as tx:
            await tx.execute("UPDATE due_work SET due_at = now() WHERE kind = 'missed_notices'")
        assert sorted(await rescued(shop)) == sorted([*failed, again])

    run(server, tmp_path, story)


def test_an_invoice_that_fails_while_its_connection_waits_is_taken_once_it_is_connected(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        name = await listen(shop, standin)
        made = await connect(
            shop.world, shop.scope, request_of(standin, key=POOR_KEY, billing="take_over")
        )
        assert (made.state, made.route) == ("waiting", name)
        await seen(shop)
        invoice = failing_invoice(standin)
        (event,) = [
            one for one in standin.book.all("event") if one["type"] == "invoice.payment_failed"
        ]
        body = json.dumps(event).encode()
        signed = {
            "stripe-signature": signature(body, SECRET, int(shop.world.clocks.wall().timestamp()))
        }
        await take(shop.world, shop.orders, name, signed, body)
        assert await rescued(shop) == []
        await change(shop.world, shop.scope, name, ChangeRequest(key=KEY))
        async with shop.world.db.transaction() as tx:
            await tx.execute(
                "UPDATE due_work SET lease_until = NULL WHERE kind = 'processor_notice'"
            )
        assert await rescued(shop) == [invoice]

    run(server, tmp_path, story)


def test_with_billing_off_nothing_is_taken_that_failed_meanwhile(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, standin: StandIn) -> None:
        await listen(shop, standin)
        failing_invoice(standin)
        await connect(shop.world, shop.scope, request_of(standin))
        assert await rescued(shop) == []

    run(server, tmp_path, story)

"""/processors: the operator sees how each card route stands and switches it; nobody else does."""

from tests import staff
from tests.engine.page.test_engine import words
from tests.rescue.flows.test_refused_requests import SAID, refusing
from tests.routes.flows.test_routes import try_now
from tests.staff import As, portal
from tests.worlds import Shop, change_world

from recoup.db.server import ServerAddress
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.rules.route_terms import RouteTerms
from recoup.routes.flows.card_routes import CardRoutes
from recoup.routes.flows.listed_routes import Listed, list_in_database


async def _listed(shop: Shop) -> None:
    world = shop.world
    await list_in_database(
        world.db,
        world.keys,
        world.clocks.wall(),
        [Listed("sandbox", "simulated", "acct", "sandbox", None)],
    )
    change_world(world, routes=CardRoutes([RouteTerms("sandbox")], (), world.db, world.clocks))


def test_the_operator_switches_a_route_off_and_on_and_the_log_has_it(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await _listed(shop)
        staff_member = await signed_in("olga")
        page = words(await staff_member.get("/processors"))
        assert "Card processors" in page
        assert "reachable" in page
        off = {"name": "sandbox", "reason": "wrong fees"}
        assert (
            await staff.post(staff_member, "/processors", "/processors/off", **off)
        ).status_code == 303
        assert "Switched off" in (page := words(await staff_member.get("/processors")))
        assert "wrong fees" in page
        shop.world.routes.forget()
        await shop.world.routes.ready()
        assert [one.off for one in shop.world.routes.candidates(["sandbox"])] == [True]
        assert (
            await staff.post(staff_member, "/processors", "/processors/on", name="sandbox")
        ).status_code == 303
        assert "Switched off" not in words(await staff_member.get("/processors"))
        audit = words(await staff_member.get("/audit"))
        assert "switched a card processor off" in audit
        assert "switched a card processor on" in audit

    portal(server, story)


def test_what_cannot_be_switched_says_so_on_the_page(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await _listed(shop)
        staff_member = await signed_in("olga")
        for name, reason, status in (
            ("sandbox", "", 400),
            ("none", "why", 404),
            ("sandbox", "x" * 500, 400),
        ):
            off = {"name": name, "reason": reason}
            answer = await staff.post(staff_member, "/processors", "/processors/off", **off)
            assert answer.status_code == status

    portal(server, story)


def test_a_route_that_is_not_reachable_needs_the_operator_and_no_merchant(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await _listed(shop)
        staff_member, owner = await signed_in("olga"), await signed_in("owner")
        for _ in range(5):
            out = Outcome("not_sent", fault="outage")
            await shop.world.routes.note(
                "sandbox", shop.merchant_id, out, shop.merchant_id, "try_later"
            )
        shop.world.routes.forget()
        await shop.world.routes.ready()
        assert "Not reachable since" in words(await staff_member.get("/processors"))
        assert "Card processors 1" in words(await staff_member.get("/overview"))
        assert (await owner.get("/processors")).status_code == 403
        assert "Card processors" not in words(await owner.get("/overview"))

    portal(server, story)


def test_a_refused_request_waits_on_its_page_and_a_refused_account_on_the_operators(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        async with refusing(shop, "request") as (route,):
            order_id = await shop.admit(units=30)
            await try_now(shop, order_id)
            ops, olga, here = await signed_in("ops"), await signed_in("olga"), f"/orders/{order_id}"
            page = words(await ops.get(here))
            for said in (
                "The processor refused the request as invalid (amount_too_small), so it is not "
                "repeated.",
                "Attempt 1 refused by the processor",
                SAID,
                "Fix what they name and retry the order, or cancel it.",
                "Retry now…",
                "Cancel order…",
            ):
                assert said in page, said
            assert "Refused as invalid in 7 days 1 · last amount_too_small" in words(
                await olga.get("/processors")
            )
            route.fault = "account"
            assert (await staff.post(ops, here, f"{here}/retry")).status_code == 303
            await shop.run_due()
            assert (await shop.order(order_id))["stage"] == "held"
            page = words(await olga.get("/processors"))
            assert "It refuses the account or its key since" in page
            assert "Use it again" in page
            done = await staff.post(olga, "/processors", "/processors/on", name="sandbox")
            assert done.status_code == 303
            assert "Use it again" not in words(await olga.get("/processors"))

    portal(server, story)

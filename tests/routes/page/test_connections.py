"""/connections: an owner connects an account; what the check found is said, and nothing secret is
shown."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests import staff
from tests.engine.page.test_engine import words
from tests.routes.flows.test_connect import KEY, OTHER_KEY, POOR_KEY, SECRET, stripe_account
from tests.staff import As, portal
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.processors.gateways import kinds
from recoup.routes.flows.connections import connections_of
from recoup.routes.store.processor_notices import count_notice


def test_connected_checked_changed_and_ended_by_an_owner(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        async with stripe_account(tmp_path) as standin:
            kind = kinds.KINDS["stripe"]
            there = kinds.Kind(
                kind.make, url=standin.url, key_length_min=16, cards=False, stored=True
            )
            monkeypatch.setattr("recoup.routes.flows.connect.KINDS", {"stripe": there})
            owner, dev = await signed_in("owner"), await signed_in("dev")
            assert "Connect your account" in words(await owner.get("/connections"))
            form = {
                "kind": "stripe",
                "secret_key": POOR_KEY,
                "signing_secret": SECRET,
                "billing": "off",
            }
            assert (
                await staff.post(owner, "/connections", "/connections", **form)
            ).status_code == 303
            await notices(shop)
            page = await owner.get("/connections")
            assert "Notices in 7 days 5 Not signed 2 Of another account 1 Last notice" in words(
                page
            )
            assert "No payment goes by this account yet" in words(page)
            assert "write Refunds" in words(page)
            for secret in (POOR_KEY, SECRET):
                assert secret not in page.text
            route = (await connections_of(shop.world, shop.merchant_id))[0].route
            change = {
                "route": route,
                "secret_key": OTHER_KEY,
                "signing_secret": "",
                "billing": "off",
            }
            assert (
                await staff.post(dev, "/connections", "/connections/change", **change)
            ).status_code == 303
            page = words(await owner.get("/connections"))
            assert "No payment goes" not in page
            assert "not rescued" not in page
            await left(shop, route)
            page = words(await owner.get("/connections"))
            assert "Failed invoices that are not rescued in_first" in page
            assert "has not agreed to later charges" in page
            assert "in_paid" not in page, "an invoice that is paid needs no rescue"
            assert (
                await staff.post(owner, "/connections", "/connections/check", route=route)
            ).status_code == 303
            asked = await staff.post(owner, "/connections", "/connections/disconnect", route=route)
            assert "Disconnect this account?" in words(asked)
            assert (await connections_of(shop.world, shop.merchant_id))[0].state == "connected"
            sure = await staff.post(
                owner, "/connections", "/connections/disconnect", route=route, sure="yes"
            )
            assert sure.status_code == 303
            assert "Connect it again" in words(await owner.get("/connections"))
            audit = words(await owner.get("/audit"))
            for line in (
                "connected a processor",
                "changed a connection",
                "disconnected a processor",
            ):
                assert line in audit

    portal(server, story)


async def left(shop: Shop, route: str) -> None:
    """Two invoices of it that were asked about."""
    async with shop.world.db.transaction() as tx:
        for invoice, became in (("in_first", "first_payment"), ("in_paid", "paid_elsewhere")):
            await tx.execute(
                "INSERT INTO processor_notices (merchant_id, object_key, route, subject, about, "
                "kind, approves,"
                " notices, happened_at, received_at, became)"
                " VALUES ($1, gen_random_uuid(), $2, 'invoice', $3, 'invoice.payment_failed', "
                "false, '{}', $4, $4, $5)",
                shop.merchant_id,
                route,
                invoice,
                shop.world.clocks.wall(),
                became,
            )


async def notices(shop: Shop) -> None:
    """Of the merchant's route: four taken, one of another account, two that nobody signed, and an
    old one."""
    route = (await connections_of(shop.world, shop.merchant_id))[0].route
    now = shop.world.clocks.wall()
    came = (
        [("taken", now)] * 4
        + [("not_mine", now)]
        + [("unsigned", now)] * 2
        + [("taken", now - timedelta(days=9))]
    )
    async with shop.world.db.transaction() as tx:
        for became, at in came:
            await count_notice(tx, route, at, became)  # type: ignore[arg-type]


def test_what_is_refused_shows_no_secret(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        live = "rk_live_first_0001"
        form = {"kind": "stripe", "secret_key": live, "signing_secret": SECRET, "billing": "off"}
        refused = await staff.post(owner, "/connections", "/connections", **form)
        assert refused.status_code == 400
        assert "The key is of the other mode." in words(refused)
        assert live not in refused.text
        assert SECRET not in refused.text
        assert KEY not in refused.text

    portal(server, story)

"""An order on a chain in a real browser, over a node of its own: its payer pays in two transfers
and names a wallet for a refund; the merchant's people and the operator's see where it goes, and how
the chain stands."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from tests.browser.accessibility import faults_at_a_glance
from tests.browser.visiting import Told, fits, follow, signed_in, visiting, ways
from tests.chains.node import Anvil, anvil
from tests.chains.test_custody import CUSTODIAL, TO
from tests.chains.test_story import Ground, ground
from tests.door import listening
from tests.refunds.flows.test_refund_requests import ask, limit
from tests.worlds import change_world

from recoup.chains.transfers import give_address
from recoup.checkout.routes import routes as checkout_routes
from recoup.db.server import ServerAddress
from recoup.kernel.ids import wire_id
from recoup.kernel.scope import Actor
from recoup.main.portal import routes as portal_routes
from recoup.orders.flows.hosted_link import checkout_token
from recoup.people.flows.make_user import Membership, make_user, register_merchant
from recoup.stablecoin.store.stable_orders import StableOrder

__all__ = ["anvil"]
PASSWORD = "correct horse battery"
MISTYPED = TO[:-1] + ("0" if TO[-1] != "0" else "1")


class There(NamedTuple):
    """`do` runs a coroutine where the shop is."""

    address: str
    ground: Ground
    order: StableOrder
    link: str
    do: Callable[[Coroutine[Any, Any, Any]], Any]
    clerk: Actor

    def pay(self, units: int, blocks: int = 1) -> None:
        async def work() -> None:
            to = bytes.fromhex(self.order.facts["chain"]["raw"])
            await self.ground.anvil.transfer(self.ground.token, to, units)
            await self.ground.anvil.mine(blocks - 1)
            await self.ground.poll()

        self.do(work())

    def mine(self, blocks: int) -> None:
        async def work() -> None:
            await self.ground.anvil.mine(blocks)
            await self.ground.poll()

        self.do(work())


@pytest.fixture
def there(server: ServerAddress, anvil: Anvil) -> Iterator[There]:
    with opened(server, anvil) as made:
        yield made


@contextmanager
def opened(server: ServerAddress, anvil: Anvil) -> Iterator[There]:
    async def serve(told: Told) -> None:
        async with ground(server, anvil, **CUSTODIAL) as made:
            shop, world = made.shop, made.shop.world
            await register_merchant(world, shop.merchant_id, "Brightleaf Tea", None)
            ids = {}
            for name, member in {
                "owner": Membership("merchant", shop.merchant_id, "owner"),
                "clerk": Membership("merchant", shop.merchant_id, "operations"),
                "olga": Membership("operator", UUID(int=0), "owner"),
            }.items():
                ids[name] = await make_user(
                    world, f"{name}@example.test", name.title(), PASSWORD, [member]
                )
            app: Any = Starlette(
                routes=[
                    *checkout_routes(world, shop.orders, shop.merchants),
                    *portal_routes(world, shop.orders),
                ]
            )
            order, loop = await made.charge(), asyncio.get_running_loop()
            await made.poll()
            async with listening(app) as port:
                address = f"http://127.0.0.1:{port}"
                change_world(world, url=address)
                link = f"/checkout/{checkout_token(world, shop.merchant_id, order.order_id)}"

                def do(work: Coroutine[Any, Any, Any]) -> Any:
                    return asyncio.run_coroutine_threadsafe(work, loop).result(30)

                await told.until_stopped(
                    There(address, made, order, link, do, Actor("user", str(ids["clerk"])))
                )

    with Told().by(lambda told: asyncio.run(serve(told))) as made:
        yield made


def looked_at(page: Page, *, script: bool) -> None:
    """The page fits, and where scripts run a checker of accessibility finds nothing."""
    fits(page)
    assert not script or not (found := faults_at_a_glance(page)), found


def test_address_and_amount_are_copied_by_a_button(browser: Browser, there: There) -> None:
    with visiting(browser, there.address, locale="de-DE") as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(there.link)
        for field, value in (
            ("amount", "49.90"),
            ("address", there.order.facts["chain"]["address"]),
        ):
            row = page.locator(".group", has=page.locator(f"#{field}"))
            row.get_by_role("button", name="Kopieren").click()
            expect(row.get_by_role("button", name="Kopiert")).to_be_visible()
            assert page.evaluate("navigator.clipboard.readText()") == value


@pytest.mark.parametrize("way", ways("a payer on a chain"))
def test_a_payer_pays_in_two_transfers_and_names_a_wallet_for_refunds(
    browser: Browser, there: There, way: tuple[tuple[int, int], bool]
) -> None:
    size, script = way
    with visiting(browser, there.address, size=size, script=script, locale="en-GB") as page:
        page.goto(there.link)
        expect(page.get_by_text("Send USDC on Base only")).to_be_visible()
        expect(page.get_by_role("img", name="QR code of the address below")).to_be_visible()
        expect(page.get_by_label("Address on Base")).to_have_value(
            there.order.facts["chain"]["address"]
        )
        expect(page.get_by_role("link", name="Open in a wallet")).to_have_attribute(
            "href", expected_uri(there)
        )
        looked_at(page, script=script)
        there.pay(20_000_000)
        page.goto(there.link)
        expect(page.get_by_text("Still missing: 20.00 of 49.90 USDC came.")).to_be_visible()
        expect(page.get_by_label("Amount in USDC")).to_have_value("29.90")
        looked_at(page, script=script)
        page.get_by_role("link", name="Show help").click()
        page.get_by_text("Sent from an exchange").click()
        expect(page.get_by_text("send that amount to the same address")).to_be_visible()
        there.pay(29_900_000, blocks=3)
        page.goto(there.link)
        expect(page.get_by_role("heading", name="Your payment is on its way")).to_be_visible()
        expect(page.get_by_text("3 of 10 confirmations").first).to_be_visible()
        looked_at(page, script=script)
        there.mine(8)
        expect(page.get_by_role("heading", name="Paid. Thank you.")).to_be_visible(
            timeout=30_000
        )  # it asks by itself
        page.get_by_text("Address for a refund").click()
        wallet = page.get_by_label("Address of your wallet on Base")
        wallet.fill(MISTYPED)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("The address is mistyped")
        looked_at(page, script=script)
        wallet.fill(TO)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_have_text("Saved.")
        expect(wallet).to_have_value(TO)
        looked_at(page, script=script)


def expected_uri(there: There) -> str:
    token, chain = there.order.facts["chain"]["token"].lower(), there.order.facts["chain"]
    return f"ethereum:{token}@31337/transfer?address={chain['address']}&uint256=49900000"


@pytest.mark.parametrize("way", ways("people on a chain"))
def test_who_approves_a_refund_sees_its_wallet_and_the_operator_how_chains_stand(
    browser: Browser, there: There, way: tuple[tuple[int, int], bool]
) -> None:
    size, script = way
    there.pay(49_900_000, blocks=12)
    shop, order = there.ground.shop, there.order

    async def wanted() -> None:
        await give_address(shop.world, await there.ground.now(order), TO, shop.scope)
        await limit(shop, second=1, asset="USDC")
        await ask(shop, order.order_id, "1.00", there.clerk)

    there.do(wanted())
    with signed_in(
        browser, there.address, email="owner@example.test", size=size, script=script
    ) as page:
        for path in (
            f"/orders/{wire_id('ord', order.order_id)}",
            f"/orders/{wire_id('ord', order.order_id)}/chain",
        ):
            page.goto(path)
            expect(page.get_by_text(TO).first).to_be_visible()
            looked_at(page, script=script)
        assert page.url.endswith(f"/orders/{order.order_id}/chain")
        page.goto("/settlement-addresses")
        looked_at(page, script=script)
        page.goto("/approvals")
        expect(page.get_by_text(f"It goes to {TO}")).to_be_visible()
        looked_at(page, script=script)
        follow(page, page.get_by_role("link", name="Review 1.00 USDC"))
        expect(page.get_by_text(TO).first).to_be_visible()
        looked_at(page, script=script)
        follow(page, page.get_by_role("button", name="Approve 1.00 USDC"))
        expect(page.get_by_text("No refunds waiting.")).to_be_visible()
    with signed_in(
        browser, there.address, email="olga@example.test", size=size, script=script
    ) as page:
        page.goto("/chains")
        expect(page.get_by_text("All chains are read, proved and open.")).to_be_visible()
        expect(page.get_by_text("Base (31337)").first).to_be_visible()
        looked_at(page, script=script)

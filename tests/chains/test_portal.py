"""What the portal shows of chains: what came to an order, and how each chain stands."""

from dataclasses import replace
from datetime import timedelta

from tests.chains.test_settlement_addresses import FIRST, TOKEN, agreed, served
from tests.staff import As, approve_reviewed, portal, post, texts
from tests.worlds import Shop

from recoup.chains import intake, sends_store, store
from recoup.chains.gateway import ChainChannel
from recoup.chains.store import NewLog
from recoup.chains.watch import networks_of
from recoup.db.server import ServerAddress
from recoup.db.table import hex_of
from recoup.desk.page.order.refund import RefundFields, to_ask
from recoup.kernel.ids import new_id, wire_id
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.moves.wallet import request_payout
from recoup.stablecoin.rules.addresses import shown
from recoup.stablecoin.store.payouts import NewPayout, find_payout, lock_wallet
from recoup.stablecoin.store.stable_orders import StableOrder

FOREIGN, ALIKE = b"\x77" * 20, b"\x88" * 20


def log(order: StableOrder, number: int, **changes: object) -> NewLog:
    at = order.placed_at
    usual: dict[str, object] = {
        "chain": 31337,
        "tx": hex_of(number.to_bytes(32)),
        "log_index": 0,
        "kind": "deposit",
        "address": hex_of(bytes.fromhex(order.facts["chain"]["raw"])),
        "token": hex_of(TOKEN),
        "value": "4000000",
        "fee": "0",
        "sender": None,
        "block": number,
        "block_hash": hex_of(number.to_bytes(32)),
        "block_at": at,
        "business_at": at,
        "state": "seen",
        "seen_at": at,
    }
    return NewLog(**(usual | changes))  # type: ignore[arg-type]


def test_an_orders_page_leads_to_what_came_and_what_was_swept(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        world = shop.world
        world.channels.update(
            {one.code: ChainChannel(one, world.db, world.clocks) for one in intake.all_served()}
        )
        (network,) = networks_of(intake.all_served())
        operator, owner = await signed_in("olga"), await signed_in("owner")
        assert (await owner.get("/chains")).status_code == 403
        page = texts(await operator.get("/chains"))
        assert "not proved yet" in page
        assert "Base (31337)" in page
        await sends_store.begin_sender(world.db.alone, network.chain, bytes(20), 0)
        assert "0 ETH" in texts(await operator.get("/chains"))
        await store.keep_proof(
            world.db.alone, network.chain, network.factory, "", world.clocks.wall()
        )
        await agreed(shop, FIRST)
        await shop.advance(timedelta(days=3))
        request = StablecoinChargeRequest("order-1", "10.00", "USDC", network="base")
        order = (await Charges(world, shop.merchants).charge(shop.scope, request)).order
        rows = [
            log(order, 1),
            log(order, 2, token=hex_of(FOREIGN), value="7"),
            log(order, 3, kind="sweep", value="3980000", fee="20000", state="confirmed"),
        ]
        await store.keep_logs(world.db.alone, rows)
        assert (
            f"/orders/{order.order_id}/chain" in (await owner.get(f"/orders/{order.order_id}")).text
        )
        for path in ("", ".json", "/chain", "/refund?how=amount"):
            led = await owner.get(f"/orders/{wire_id('ord', order.order_id)}{path}")
            assert led.headers["location"] == f"/orders/{order.order_id}{path}", (
                "the id that the API names"
            )
        page = texts(await owner.get(f"/orders/{order.order_id}/chain"))
        chain = order.facts["chain"]
        for words in (
            "4.00 USDC on Base",
            "1 of 10 confirmations",
            "7 base units of a token that no channel takes",
            "3.98 USDC on Base",
            "0.02",
            "Missing 6.00",
            "Another token came",
            chain["address"],
            *chain["terms"].values(),
        ):
            assert words in page, words
        await store.halt(
            world.db.alone, network.chain, "a final block changed", world.clocks.wall()
        )
        assert "a final block changed" in texts(await operator.get("/chains"))

    with served():
        portal(server, story)


def test_the_refund_form_says_where_it_goes() -> None:
    form = RefundFields(
        how="amount", amount="1.00", lines={}, reason="", key="", to_address=FIRST
    ).as_typed()
    assert to_ask(form, "USDC").to_address == FIRST
    assert to_ask(replace(form, to_address=""), "USDC").to_address is None


def test_the_operator_approves_a_payout_on_the_page_and_nobody_else(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        payouts, actor = [new_id(), new_id()], shop.scope.actor.text()
        async with shop.world.db.transaction() as tx:
            await lock_wallet(tx, shop.merchant_id, "USDC", shop.world.clocks.wall())
            for payout_id in payouts:
                where = ("crypto", f"base:{FIRST}", "20.00", actor, shop.world.clocks.wall())
                row = NewPayout(
                    shop.merchant_id, payout_id, "USDC", 20_000_000, "requested", *where
                )
                await request_payout(
                    tx, row, now=row.created_at, wall=shop.world.clocks.wall(), answer=None
                )  # type: ignore[arg-type]
        operator, owner = await signed_in("olga"), await signed_in("owner")
        page = "/settlement-addresses"
        assert f"base:{FIRST}" in texts(await operator.get(page))
        assert "Payout of" not in texts(await owner.get(page))
        for payout_id, decision, state in zip(
            payouts, ("approve", "refuse"), ("approved", "rejected"), strict=True
        ):
            to = f"{page}/payouts/{payout_id}"
            assert (await post(owner, page, to, decision=decision)).status_code == 403
            answer = await post(operator, page, to, decision=decision)
            if decision == "approve":  # not without a review
                assert answer.status_code == 200
                answer = await approve_reviewed(operator, to)
            assert answer.status_code == 303
            found = await find_payout(shop.world.db, shop.merchant_id, payout_id)
            assert found is not None
            assert found.state == state
        assert (
            await post(operator, page, f"{page}/payouts/{payouts[0]}", decision="refuse")
        ).status_code == 409
        assert "Payout of" not in texts(await operator.get(page))

    with served():
        portal(server, story)


def test_the_operator_has_another_token_swept(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        world = shop.world
        world.channels.update(
            {one.code: ChainChannel(one, world.db, world.clocks) for one in intake.all_served()}
        )
        (network,) = networks_of(intake.all_served())
        await store.keep_proof(
            world.db.alone, network.chain, network.factory, "", world.clocks.wall()
        )
        await agreed(shop, FIRST)
        await shop.advance(timedelta(days=3))
        request = StablecoinChargeRequest("order-1", "10.00", "USDC", network="base")
        order = (await Charges(world, shop.merchants).charge(shop.scope, request)).order
        await store.keep_logs(world.db.alone, [log(order, 1, token=hex_of(ALIKE), value="7")])
        operator, owner = await signed_in("olga"), await signed_in("owner")
        page = f"/orders/{order.order_id}/chain"
        assert f"7 base units of {shown(ALIKE, 'evm')}" in texts(await owner.get(page))
        assert "Sweep ETH" not in texts(await owner.get(page))
        assert "Sweep ETH" in texts(await operator.get(page))
        assert (await post(owner, page, f"{page}/sweep", token="coin")).status_code == 403
        assert (await post(operator, page, f"{page}/sweep", token="0x1")).status_code == 400
        assert (
            await post(operator, page, f"{page}/sweep", token="coin", network="base")
        ).status_code == 303
        assert "Wanted ETH, Base" in texts(await operator.get(page))

    with served(lookalikes=[shown(ALIKE, "evm")]):
        portal(server, story)

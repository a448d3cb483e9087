"""A merchant's own wallet: entered by its owner, approved by the operator, in use after a delay,
withdrawn."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.chains.serving import EVM, TREASURY, opened_channels, serving
from tests.staff import As, portal, post, review_form, texts
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.chains import settlement_addresses as flow
from recoup.chains import store
from recoup.chains.artifacts import artifact
from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.people.flows.make_user import register_merchant
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.rules.addresses import shown

PATH = "/settlement-addresses"
FIRST, SECOND, THIRD = (shown(bytes([n]) * 20, "evm") for n in (0xAB, 0x33, 0x44))
TOKEN = bytes([0x55]) * 20
DELAY = timedelta(days=3)
OWNER, OPERATOR = Actor("user", str(UUID(int=1))), Actor("operator", str(UUID(int=2)))


@contextmanager
def served(**settings: Any) -> Iterator[None]:
    """A channel whose node nobody asks."""
    usual = {"code": "usdc_base", "endpoints": ["http://127.0.0.1:1"], "token": shown(TOKEN, "evm")}
    with serving(EVM | usual | settings):
        yield


def run(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def inside() -> None:
        with served():
            async with sandbox_world(server) as made:
                world = made[0]
                await opened_channels(world)
                shop = await make_shop(*made)
                await register_merchant(world, shop.merchant_id, "Brightleaf Tea", None)
                await story(shop)

    asyncio.run(inside())


def scope(shop: Shop, actor: Actor) -> Scope:
    return Scope(shop.merchant_id, actor, "test")


async def agreed(shop: Shop, address: str) -> UUID:
    address_id = await flow.enter_address(shop.world, scope(shop, OWNER), "evm", address)
    await flow.approve(shop.world, scope(shop, OPERATOR), address_id)
    return address_id


async def states(shop: Shop) -> list[str]:
    """The newest first."""
    rows, found, _ = await flow.addresses(shop.world, shop.merchant_id)
    return [found[row.address_id] for row in rows]


async def holding(shop: Shop) -> str | None:
    return await store.settles_to(shop.world.db, shop.merchant_id, "evm", await shop.now())


async def settles_to(shop: Shop, order: str) -> str:
    """The wallet of a new order; else the refusal's code."""
    charges = Charges(shop.world, shop.merchants)
    request = StablecoinChargeRequest(order, "10.00", "USDC", network="base")
    try:
        charged = await charges.charge(shop.scope, request)
    except Problem as problem:
        return str(problem.facts.get("detail", problem.code))
    return str(charged.order.facts["chain"]["terms"]["merchant"])


def test_it_is_used_a_delay_after_a_second_person_approved_it(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        told = [await settles_to(shop, "1")]
        first = await flow.enter_address(shop.world, scope(shop, OWNER), "evm", FIRST)
        with pytest.raises(Problem, match="second person"):
            await flow.approve(shop.world, scope(shop, OWNER), first)
        told.append(await settles_to(shop, "2"))
        await flow.approve(shop.world, scope(shop, OPERATOR), first)
        assert await states(shop) == ["waiting"]
        told.append(await settles_to(shop, "3"))
        await shop.advance(DELAY)
        assert (told, await holding(shop)) == (["settlement_address_required"] * 3, FIRST)
        await agreed(shop, SECOND)
        assert (await states(shop), await holding(shop)) == (["waiting", "holding"], FIRST)
        await shop.advance(DELAY)
        assert (await states(shop), await settles_to(shop, "6")) == (
            ["holding", "replaced"],
            SECOND,
        )

    run(server, story)


def test_a_withdrawn_one_takes_no_order_and_brings_none_back(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await agreed(shop, FIRST)
        await shop.advance(DELAY)
        second = await agreed(shop, SECOND)
        await shop.advance(DELAY)
        third = await agreed(shop, THIRD)
        settings = await shop.merchants.get(shop.merchant_id)
        await flow.withdraw(shop.world, scope(shop, OWNER), third)
        assert await settles_to(shop, "1") == SECOND, (
            "one that did not hold yet takes nothing along"
        )
        await flow.withdraw(shop.world, scope(shop, OWNER), second)
        assert await states(shop) == ["withdrawn"] * 3
        assert await settles_to(shop, "2") == "settlement_address_required"
        shop.merchants.forget(shop.merchant_id)
        later = await shop.merchants.get(shop.merchant_id)
        assert later.merchant.version > settings.merchant.version, (
            "an order under way is not taken by the old address"
        )
        with pytest.raises(Problem, match="withdrawn; this action"):
            await flow.withdraw(shop.world, scope(shop, OWNER), second)

    run(server, story)


def test_only_a_wallet_of_the_merchants_own_is_taken(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await agreed(shop, FIRST)
        await shop.advance(DELAY)
        charges = Charges(shop.world, shop.merchants)
        request = StablecoinChargeRequest("1", "10.00", "USDC", network="base")
        order = (await charges.charge(shop.scope, request)).order
        factory = artifact("evm").factory_address()
        refused = {
            "entered already": FIRST,
            "address of this platform": order.facts["chain"]["address"],
            "of this platform": shown(TREASURY, "evm"),
            "this platform": shown(factory, "evm"),
            "platform, not": shown(artifact("evm").implementation_of(factory), "evm"),
            "token's contract": shown(TOKEN, "evm"),
            "a token's": "0xdAC17F958D2ee523a2206206994597C13D831ec7",
            "capitals do not fit": "0xdAC17F958D2ee523a2206206994597C13D831eC7",
            "letters of one case": "0xdac17f958d2ee523a2206206994597c13d831ec7",
            "zero address": "0x" + "0" * 40,
            "address on TRON": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
        }
        for message, address in refused.items():
            with pytest.raises(Problem, match=message):
                await flow.enter_address(shop.world, scope(shop, OWNER), "evm", address)

    run(server, story)


def test_the_page_takes_two_people(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, clerk, operator = (
            await signed_in("owner"),
            await signed_in("clerk"),
            await signed_in("olga"),
        )
        assert "No settlement address yet" in texts(await owner.get(PATH))
        answer = await post(owner, PATH, PATH, kind="evm", address=FIRST.lower())
        assert answer.status_code == 400
        assert "letters of one case" in texts(answer, 400)
        assert FIRST.lower() in answer.text, "what was typed stands there again"
        answer = await post(clerk, "/orders", PATH, kind="evm", address=FIRST)
        assert answer.status_code == 403
        answer = await post(owner, PATH, PATH, kind="evm", address=FIRST)
        assert answer.status_code == 303, answer.text
        page = await owner.get(answer.headers["location"])
        assert "waits for the operator" in texts(page)
        found = re.search(rf"{PATH}/[0-9a-f-]{{36}}", page.text)
        assert found
        assert "/approve" not in page.text
        assert (await post(owner, PATH, f"{found[0]}/approve")).status_code == 403
        assert f"{found[0]}/approve" in (await operator.get(PATH)).text
        assert f"{found[0]}/approve" in (await operator.get("/approvals")).text
        assert (await post(operator, PATH, f"{found[0]}/approve")).status_code == 303
        assert "Approved" in texts(await owner.get(PATH))
        assert found[0] not in (await operator.get("/approvals")).text
        await shop.advance(DELAY)
        assert "In use" in texts(await owner.get(PATH))
        log = texts(await owner.get("/audit"))
        assert "entered a settlement address" in log
        assert "approved a settlement address" in log
        assert (await post(owner, PATH, f"{found[0]}/withdraw")).status_code == 303
        assert "Withdrawn" in texts(await owner.get(PATH))
        assert (await post(owner, PATH, f"{PATH}/{UUID(int=9)}/withdraw")).status_code == 404

    with served():
        portal(server, story)


def test_a_payout_waits_among_approvals_for_the_operator_alone(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner_, operator, payout_id = await signed_in("owner"), await signed_in("olga"), UUID(int=7)
        async with owner(shop.world) as connection:
            await connection.execute(
                "INSERT INTO wallets VALUES ($1, 'USDC', now())", shop.merchant_id
            )
            await connection.execute(
                "INSERT INTO payouts (merchant_id, payout_id, asset, units, state, "
                "destination_type, destination,"
                " amount_text, actor, created_at)"
                " VALUES ($1, $2, 'USDC', 1000, 'requested', 'crypto', 'base:' || $3, '10.00', "
                "'key:k', now())",
                shop.merchant_id,
                payout_id,
                FIRST,
            )
        assert f"payouts/{payout_id}" not in (await owner_.get(PATH)).text
        for page in (PATH, "/approvals"):
            assert f"payouts/{payout_id}" in (await operator.get(page)).text
        path = f"{PATH}/payouts/{payout_id}"
        assert (await owner_.get(path)).status_code == 403
        told = texts(await post(operator, "/approvals", path, decision="approve"))
        for fact in (
            "Payout of 10.00 USDC",
            f"base:{FIRST}",
            "not a settlement address",
            "Brightleaf",
        ):
            assert fact in told, fact
        state = "SELECT state FROM payouts"
        assert await shop.value(state) == "requested", "not reviewed, not sent"
        assert (await post(owner_, PATH, path, decision="approve")).status_code == 403
        to, fields = review_form(await operator.get(path))
        await flow.hold_at_once(shop.world, scope(shop, OWNER), "evm", FIRST)
        changed = await operator.post(to, data=fields | {"decision": "approve"})
        told = texts(changed, 409)
        assert "This has changed since it was reviewed. Nothing was sent." in told
        assert "less than 30 days" in told
        assert await shop.value(state) == "requested"
        to, fields = review_form(changed)
        for status in (303, 409):
            answer = await operator.post(to, data=fields | {"decision": "approve"})
            assert answer.status_code == status
        assert await shop.value(state) == "approved"
        assert f"payouts/{payout_id}" not in (await operator.get("/approvals")).text

    with served():
        portal(server, story)


def test_the_owner_says_how_much_less_pays_an_order(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olive, operator = await signed_in("owner"), await signed_in("olga")
        form = f"{PATH}/tolerance"
        refused = await post(olive, PATH, form, tolerance="6")
        assert (refused.status_code, "0 to 5 percent" in refused.text) == (400, True)
        assert (await post(olive, PATH, form, tolerance="0.5")).status_code == 303
        assert 'value="0.50"' in (await operator.get(PATH)).text
        assert await store.tolerance_of(shop.world.db.reader, shop.merchant_id) == 50

    with served():
        portal(server, story)

"""The sandbox's first keys sign calls; new ones end them. Charges' keys outlive the retention of
others."""

import asyncio
from datetime import timedelta

import pytest
from tests.stablecoin.flows.test_late import charge
from tests.stablecoin.signer import Signer
from tests.worlds import make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.db.upkeep import retain
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.main.bootstrap import bootstrap
from recoup.merchants.flows.demo_clock import bootstrap_merchant
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.sessions import read_session
from recoup.people.flows.sign_in import SignIn, sign_in
from recoup.stablecoin.flows.callers import Callers, Signed


def signed(key_id: str, secret: str) -> Signed:
    headers = Signer(key_id, secret).headers("GET", "/api/v1/me")
    return Signed(
        key_id, headers["X-Timestamp"], headers["X-Signature"], "GET", b"/api/v1/me", b"", b""
    )


async def kept_secret(world: World) -> str:
    merchant_id = bootstrap_merchant(world)
    async with world.db.connection() as connection:
        sealed = await connection.fetchval(
            "SELECT stablecoin_webhook_key FROM merchants WHERE merchant_id = $1", merchant_id
        )
    assert sealed is not None
    return str(world.keys.open_secret(f"webhook:{merchant_id}", sealed).decode())


def test_bootstrap_makes_keys_that_sign(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            first = await bootstrap(world, "http://127.0.0.1:8400")
            assert first.stablecoin_key_id.startswith("pk_test_")
            assert first.stablecoin_secret.startswith("sk_test_")
            assert first.stablecoin_webhook_secret.startswith("whsec_")
            caller = await Callers(world).verify(
                signed(first.stablecoin_key_id, first.stablecoin_secret)
            )
            assert caller.merchant_id == bootstrap_merchant(world)
            assert await kept_secret(world) == first.stablecoin_webhook_secret
            second = await bootstrap(world, "http://127.0.0.1:8400")
            with pytest.raises(Problem) as refused:
                await Callers(world).verify(
                    signed(first.stablecoin_key_id, first.stablecoin_secret)
                )
            assert refused.value.facts["detail"] == "invalid_api_key"
            await Callers(world).verify(signed(second.stablecoin_key_id, second.stablecoin_secret))
            assert await kept_secret(world) == second.stablecoin_webhook_secret

    asyncio.run(story())


def test_bootstrap_makes_a_second_person_who_decides_for_the_operator(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            made = await bootstrap(world, "http://127.0.0.1:8400")
            users = (
                (made.portal_user, made.portal_password),
                (made.operator_user, made.operator_password),
            )
            for (email, password), decides in zip(users, (False, True), strict=True):
                entered = await sign_in(world, Passwords(), SignIn(email, password, "127.0.0.1"))
                session = await read_session(world, entered.token)
                assert session is not None
                assert session.is_operator is decides
                assert bootstrap_merchant(world) in {m.merchant_id for m in session.merchants}

    asyncio.run(story())


def test_a_charge_is_known_by_its_id_for_ever(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            first = await charge(shop)
            rescued = await shop.admit()
            async with owner(shop.world) as connection:
                await retain(connection, shop.world.clocks.wall() + timedelta(days=60))
            operations = "SELECT string_agg(operation, ' ') FROM requests WHERE merchant_id = $1"
            assert await shop.value(operations, shop.merchant_id) == "charge"
            assert rescued
            assert (await charge(shop)).order_id == first.order_id

    asyncio.run(story())

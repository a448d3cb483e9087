"""The one gate for repeats: what a caller sends again is answered again, and never made twice."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs
from tests.left_processes import second_process
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.pool import KeyTaken
from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.networks.magic import script_card
from recoup.orders.moves.change import Change
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.locked import Job, Orders
from recoup.rescue.flows.tokenize import Vault


async def _counts(shop: Shop, external_id: str) -> tuple[int, int, int]:
    """Orders, references and keys that lead to an order id."""
    sql = "SELECT count(*) FROM {} WHERE merchant_id = $1 AND external_id = $2"
    orders = await shop.value(sql.format("orders"), shop.merchant_id, external_id)
    refs = await shop.value(sql.format("order_refs"), shop.merchant_id, external_id)
    keys = await shop.value(
        "SELECT count(*) FROM requests r WHERE merchant_id = $1 AND operation = 'evaluate'"
        " AND NOT EXISTS (SELECT FROM orders o WHERE o.merchant_id = r.merchant_id AND o.order_id "
        "= r.subject_id)",
        shop.merchant_id,
    )
    return orders, refs, keys


def test_one_call_and_the_same_call_again_answer_the_same(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            given = await shop.declined()
            first = await shop.evaluate.evaluate(shop.scope, given)
            again = await shop.evaluate.evaluate(shop.scope, given)
            assert (again.order_id, again.evaluate) == (first.order_id, first.evaluate)
            assert await _counts(shop, given.external_id) == (1, 1, 0)
            # Another key for the same order id reads the same order.
            other = await shop.evaluate.evaluate(shop.scope, replace(given, key="another key"))
            assert other.order_id == first.order_id

    asyncio.run(story())


def test_sixty_four_orders_at_once_are_sixty_four_orders(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            ids = await shop.admit_many(64)
            assert len(set(ids)) == 64
            assert (
                await shop.value(
                    "SELECT count(*) FROM orders WHERE merchant_id = $1", shop.merchant_id
                )
                == 64
            )

    asyncio.run(story())


def test_one_key_sixty_four_times_at_once_is_one_order(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            given = await shop.declined()
            words = await asyncio.gather(
                *(shop.evaluate.evaluate(shop.scope, given) for _ in range(64))
            )
            assert {w.order_id for w in words} == {words[0].order_id}
            assert {w.evaluate for w in words} == {"SUBMITTED"}
            assert await _counts(shop, given.external_id) == (1, 1, 0)

    asyncio.run(story())


def test_sixty_four_keys_with_one_order_id_at_once_are_one_order(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            given = await shop.declined()
            calls = [replace(given, key=f"key {n}") for n in range(64)]
            words = await asyncio.gather(
                *(shop.evaluate.evaluate(shop.scope, one) for one in calls)
            )
            assert {w.order_id for w in words} == {words[0].order_id}
            assert await _counts(shop, given.external_id) == (1, 1, 0)

    asyncio.run(story())


def test_two_processes_that_take_one_order_id_at_the_same_moment_make_one_order(
    server: ServerAddress,
) -> None:
    """Named after what the merchant saw: error 500, on every repeat, for the key that lost the
    race."""

    async def story() -> None:
        async with sandbox_world(server) as made, second_process(made[0]) as other:
            shop = await make_shop(*made)
            theirs = _evaluate(other)
            for round_ in range(40):
                given = await shop.declined()
                pair = [replace(given, key=f"{round_} left"), replace(given, key=f"{round_} right")]
                words = await asyncio.gather(
                    shop.evaluate.evaluate(shop.scope, pair[0]),
                    theirs.evaluate(shop.scope, pair[1]),
                )
                assert words[0].order_id == words[1].order_id
                assert await _counts(shop, given.external_id) == (1, 1, 0)

    asyncio.run(story())


def test_the_loser_of_a_race_for_an_order_id_leaves_no_key_behind(server: ServerAddress) -> None:
    """The race, one step at a time: the other call commits between our look and our write."""

    async def story() -> None:
        async with sandbox_world(server) as made, second_process(made[0]) as other:
            shop = await make_shop(*made)
            given = await shop.declined()
            theirs = _evaluate(other)
            async with made[0].db.transaction() as tx:
                # Holds the place of the order id, so that the other statement has looked already
                # and waits here.
                await tx.execute(
                    "INSERT INTO order_refs (merchant_id, door, external_id, generation, order_id)"
                    " VALUES ($1, 'rescue', $2, 1, gen_random_uuid())",
                    shop.merchant_id,
                    given.external_id,
                )
                call = asyncio.create_task(theirs.evaluate(shop.scope, given))
                await _until_somebody_waits(shop)
            # Whoever took the id made no order here: what counts is that no key was kept without
            # one.
            with pytest.raises((Problem, AssertionError)):
                await asyncio.wait_for(call, 20)
            assert (await _counts(shop, given.external_id))[2] == 0

    asyncio.run(story())


async def _until_somebody_waits(shop: Shop) -> None:
    sql = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
        "wait_event_type = 'Lock'"
    )
    async with owner(shop.world) as connection:
        for _ in range(500):
            if await connection.fetchval(sql):
                return
            await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.parametrize(
    "changed",
    [
        {"units": 4591},
        {"currency": "EUR"},
        {"transaction_id": "another"},
        {"external_id": "another"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_key_with_other_content_is_refused(
    server: ServerAddress, changed: dict[str, Any]
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            given = await shop.declined()
            first = await shop.evaluate.evaluate(shop.scope, given)
            with pytest.raises(Problem) as refused:
                await shop.evaluate.evaluate(shop.scope, replace(given, **changed))
            assert refused.value.code == "conflict"
            assert (await shop.evaluate.evaluate(shop.scope, given)).order_id == first.order_id

    asyncio.run(story())


def test_a_bad_row_among_sixty_four_harms_no_other(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            good = [await shop.declined() for _ in range(62)]
            unknown_token = replace(await shop.declined(), token_id=shop.merchant_id, pan=None)
            unreadable = await shop.declined()
            unreadable = replace(
                unreadable, payer=structs.replace(unreadable.payer, first_name="zero \x00 byte")
            )
            calls = good[:31] + [unknown_token] + good[31:] + [unreadable]
            answers = await asyncio.gather(
                *(shop.evaluate.evaluate(shop.scope, one) for one in calls), return_exceptions=True
            )
            bad = {31, 63}
            for number, answer in enumerate(answers):
                assert isinstance(answer, BaseException) == (number in bad), (number, answer)
            assert isinstance(answers[31], Problem)
            assert (
                await shop.value(
                    "SELECT count(*) FROM orders WHERE merchant_id = $1", shop.merchant_id
                )
                == 62
            )

    asyncio.run(story())


def test_a_key_that_is_taken_harms_no_other_change_of_the_same_moment(
    server: ServerAddress,
) -> None:
    """What the merchant saw: a refund sent twice at once, and a change of another order was refused
    with it."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            words = [
                await shop.evaluate.evaluate(shop.scope, await shop.declined()) for _ in range(2)
            ]
            one, other = (shop.key(word.order_id) for word in words)

            def taking(change: Change) -> str:
                change.take_key("refund", "the same", b"mac", {})
                return "taken"

            jobs = [
                Job(one, taking),
                Job(other, lambda _: "first"),
                Job(one, taking),
                Job(other, lambda _: "second"),
            ]
            answers = await asyncio.gather(
                *(shop.orders.change(job) for job in jobs), return_exceptions=True
            )
            assert isinstance(answers.pop(2), KeyTaken)
            assert answers == ["taken", "first", "second"]

    asyncio.run(story())


def test_the_same_order_id_with_another_amount_is_a_conflict_until_it_has_ended(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            given = await shop.declined(days=2, pan=script_card("visa", "51", 99))
            first = await shop.evaluate.evaluate(shop.scope, given)
            other = replace(given, key="other", units=given.units + 1)
            with pytest.raises(Problem) as refused:
                await shop.evaluate.evaluate(shop.scope, other)
            assert refused.value.code == "conflict"
            await shop.advance(timedelta(days=3))
            expires = (await shop.now()) + timedelta(days=21)
            again = await shop.evaluate.evaluate(shop.scope, replace(other, expires_at=expires))
            assert again.order_id != first.order_id
            assert (await shop.evaluate.evaluate(shop.scope, given)).order_id == first.order_id

    asyncio.run(story())


def _evaluate(world: Any) -> Evaluate:
    merchants = Merchants(world)
    return Evaluate(world, Orders(world), merchants, Vault(world))

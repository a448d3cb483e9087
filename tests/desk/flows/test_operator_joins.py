"""Two people of the operator say that two prints are one card; nobody else does, and never by
likeness."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from tests.cards.flows.test_joined_cards import METHOD, PAN, begun, run, stored
from tests.rescue.flows.test_card_limits import plan_now, sends, started, try_now
from tests.worlds import Shop, make_shop

from recoup.db.server import ServerAddress
from recoup.desk.flows.operator_joins import (
    WAITING_MAX,
    alike_prints_of,
    decide_join,
    joins_of,
    propose_join,
    read_card,
)
from recoup.desk.flows.persons import erase_person
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.flows.taken import Person

OLGA, OTTO = Actor("user", str(new_id())), Actor("user", str(new_id()))
Story = Callable[[Shop], Awaitable[None]]


def by(shop: Shop, actor: Actor) -> Scope:
    return Scope(shop.merchant_id, actor, "test")


async def joined(shop: Shop, first: UUID, second: UUID) -> UUID:
    row = await propose_join(
        shop.world, by(shop, OLGA), (first, second), "one letter names both", "ticket 4711"
    )
    await decide_join(shop.world, by(shop, OTTO), row.join_id, join=True)
    return row.join_id


async def two(shop: Shop, **more: Any) -> tuple[UUID, UUID]:
    return await started(shop, PAN), await begun(shop, stored("one") | more)


def played(server: ServerAddress, story: Story) -> None:
    run(server, story, account_reference=None)


async def refused(work: Awaitable[Any], code: str) -> Problem:
    with pytest.raises(Problem) as caught:
        await work
    assert caught.value.code == code
    return caught.value


def test_sends_count_together_from_the_join_on_and_not_before(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        first, second = await two(shop)
        row = await propose_join(shop.world, by(shop, OLGA), (first, second), "why", "where")
        answers = [await try_now(shop, (first, second)[n % 2]) for n in range(20)]
        assert answers == ["declined"] * 20, "a proposal joins nothing"
        done = await decide_join(shop.world, by(shop, OTTO), row.join_id, join=True)
        assert (done.state, done.made_by, done.decided_by) == ("joined", OLGA.text(), OTTO.text())
        assert [await try_now(shop, one) for one in (first, second)] == [None, None]
        shown = await read_card(shop.world, shop.merchant_id, second)
        assert [one.join_id for one in shown.joins] == [row.join_id]
        assert shown.joined_at == done.decided_at

    played(server, story)


def test_nobody_joins_what_they_proposed_themselves(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        first, second = await two(shop)
        row = await propose_join(shop.world, by(shop, OLGA), (first, second), "why", "where")
        await refused(decide_join(shop.world, by(shop, OLGA), row.join_id, join=True), "forbidden")
        behind = replace(OLGA, kind="user")
        await refused(
            decide_join(shop.world, by(shop, behind), row.join_id, join=True), "forbidden"
        )
        assert await shop.value("SELECT count(*) FROM cards WHERE joined_to IS NOT NULL") == 0
        assert (
            await decide_join(shop.world, by(shop, OLGA), row.join_id, join=False)
        ).state == "refused"
        await refused(
            decide_join(shop.world, by(shop, OTTO), row.join_id, join=True), "wrong_state"
        )
        assert await joined(shop, second, first) != row.join_id, (
            "what was refused may be proposed anew"
        )

    played(server, story)


def test_what_is_said_twice_is_done_once(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        first, second = await two(shop)
        pairs = [(first, second), (second, first)] * 4
        rows = await asyncio.gather(
            *(propose_join(shop.world, by(shop, OLGA), pair, "why", "where") for pair in pairs)
        )
        assert len({row.join_id for row in rows}) == 1
        work = (
            decide_join(shop.world, by(shop, OTTO), rows[0].join_id, join=True) for _ in range(6)
        )
        assert {row.state for row in await asyncio.gather(*work)} == {"joined"}
        again = await propose_join(shop.world, by(shop, OTTO), (first, second), "other", "other")
        assert (again.join_id, again.state, again.reason) == (rows[0].join_id, "joined", "why")
        acts = (
            "SELECT action, count(*) FROM audit_lines WHERE action LIKE 'card_join%' GROUP BY "
            "1 ORDER BY 1"
        )
        found = await shop.world.db.fetch(acts)
        assert [tuple(row) for row in found] == [("card_join.joined", 1), ("card_join.proposed", 1)]

    played(server, story)


def test_what_was_written_of_a_customer_goes_with_them(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        ana = Person(
            first_name="Ana",
            last_name="Roe",
            email="ana@payer.example",
            billing={"countryCode": "DE"},
        )
        first, second = await started(shop, PAN), await begun(shop, stored("one") | {"payer": ana})
        await joined(shop, first, second)
        third = await begun(shop, stored("two") | {"payer": ana})
        row = await propose_join(
            shop.world, by(shop, OLGA), (first, third), "Ana Roe's", "her letter"
        )
        payer = await shop.value("SELECT payer_id FROM order_payer WHERE order_id = $1", second)
        await erase_person(shop.world, shop.scope, payer)
        for one in await joins_of(shop.world, shop.merchant_id):
            assert (one.reason, one.evidence) == ("", "")
        assert (
            await decide_join(shop.world, by(shop, OTTO), row.join_id, join=True)
        ).state == "joined"
        said = "SELECT count(*) FROM audit_lines WHERE facts::text LIKE '%Ana%'"
        assert await shop.value(said) == 0

    played(server, story)


def test_what_cannot_be_one_card_is_refused_with_a_cure(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        scope = by(shop, OLGA)
        first, second = await two(shop)
        same = await started(shop, PAN)
        other_brand = await begun(shop, stored("one", "pm_card_mastercard_51_99"))
        strange = await make_shop(shop.world, shop.orders, shop.deliveries, name="Other")
        theirs = await started(strange, PAN)
        for pair, reason, evidence, code in (
            ((first, same), "why", "where", "invalid"),
            ((first, first), "why", "where", "invalid"),
            ((first, other_brand), "why", "where", "invalid"),
            ((first, new_id()), "why", "where", "not_found"),
            ((first, theirs), "why", "where", "not_found"),
            ((first, second), " ", "where", "invalid"),
            ((first, second), "why", "\n", "invalid"),
        ):
            problem = await refused(propose_join(shop.world, scope, pair, reason, evidence), code)
            assert problem.cure
        await refused(decide_join(shop.world, scope, new_id(), join=True), "not_found")
        row = await propose_join(shop.world, scope, (first, second), "why", "where")
        await refused(
            decide_join(shop.world, by(strange, OTTO), row.join_id, join=True), "not_found"
        )
        assert await joins_of(shop.world, strange.merchant_id) == []
        await refused(joins_of(shop.world, new_id()), "not_found")

    played(server, story)


def test_a_card_number_in_the_reason_is_not_kept(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        first, second = await two(shop)
        row = await propose_join(
            shop.world, by(shop, OLGA), (first, second), f"see {PAN}", f"{PAN} x" + "y" * 900
        )
        assert PAN not in row.reason + row.evidence
        assert len(row.evidence) <= 300

    played(server, story)


def test_so_many_proposals_wait_at_most(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        first, second = await two(shop)
        await shop.world.db.fetch(
            "INSERT INTO card_joins (merchant_id, join_id, first_card, second_card, first_order, "
            "second_order, state,"
            " reason, evidence, made_by, created_at) SELECT $1, gen_random_uuid(),"
            " '00000000-0000-7000-8000-000000000001',"
            " ('00000000-0000-7000-8000-1' || lpad(n::text, 11, '0'))::uuid, $2, $2, 'waiting', "
            "'x', 'x', 'x', now()"
            " FROM generate_series(1, $3::int) n",
            shop.merchant_id,
            first,
            WAITING_MAX,
        )
        await refused(
            propose_join(shop.world, by(shop, OLGA), (first, second), "why", "where"), "conflict"
        )

    played(server, story)


def test_prints_that_look_alike_are_listed_once_and_never_joined_by_themselves(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        scope = by(shop, OLGA)
        for route in ("one", "two", "one"):
            await begun(shop, stored(route, METHOD) | {"email": "ana@example.test"})
        await begun(shop, stored("two", METHOD) | {"email": "bea@example.test"})
        (pair,) = await alike_prints_of(shop.world, shop.merchant_id)
        assert {pair.first_route, pair.second_route} == {"one", "two"}
        assert await shop.value("SELECT count(*) FROM cards WHERE joined_to IS NOT NULL") == 0
        row = await propose_join(
            shop.world, scope, (pair.first_order, pair.second_order), "why", "where"
        )
        assert await alike_prints_of(shop.world, shop.merchant_id) == [], "it is proposed"
        await decide_join(shop.world, scope, row.join_id, join=False)
        assert await alike_prints_of(shop.world, shop.merchant_id) == [], "it was refused"

    played(server, story)


@pytest.mark.parametrize("seed", range(3))
def test_sends_and_the_join_at_once_never_pass_the_limit_afterwards(
    server: ServerAddress, seed: int
) -> None:
    async def story(shop: Shop) -> None:
        draw = random.Random(seed)
        orders = list(await two(shop)) + [await begun(shop, stored("two"))]
        rows = [
            await propose_join(shop.world, by(shop, OLGA), (orders[0], other), "why", "where")
            for other in orders[1:]
        ]
        for number in range(9):
            for order_id in orders:
                await plan_now(shop, order_id)
            work: list[Awaitable[Any]] = [
                send_attempt(shop.world, Orders(shop.world), shop.key(one)) for one in orders
            ]
            if number in (2, 3):
                row = rows[number - 2]
                again = [
                    decide_join(shop.world, by(shop, OTTO), row.join_id, join=True)
                    for _ in range(2)
                ]
                for one in again:
                    work.insert(draw.randrange(len(work)), one)
            await asyncio.gather(*work)
        assert await shop.value("SELECT count(*) FROM cards WHERE joined_to IS NOT NULL") == 2
        total = await sends(shop)
        assert total <= 20
        for order_id in orders:
            while await try_now(shop, order_id) is not None:
                total += 1
        assert await sends(shop) == total == 17, "three came in as declines"

    played(server, story)

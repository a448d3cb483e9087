"""What is kept of payers and issuers to decide by: once, in time, of one merchant, and gone with an
erasure."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.worlds import FUNDS_CARD, Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.flows.persons import erase_person
from recoup.insight.flows import keep_facts as job
from recoup.insight.flows.share_issuers import share_issuers
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor, Scope
from recoup.networks.magic import COUNTING_CARDS, script_card
from recoup.orders.store.order_page import read_order
from recoup.rescue.flows.taken import Person
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, SOFT
from recoup.rescue.rules.facts import LOOKS_MAX, MERCHANTS_MIN
from recoup.rescue.store.facts import keep_facts_for
from recoup.uplift.flows.arms import ArmsChange, set_arms

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ANA = Person(first_name="Ana", last_name="Roe", email="ana@example.test", external_id="ana")
TWICE_51 = script_card("visa", "51", 1)  # declines once more, then approves
Story = Callable[[Shop], Awaitable[None]]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "SETTLED", timedelta(0))


def run(server: ServerAddress, story: Story, *, kept: bool = True) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            if kept:
                await keep(shop)
            await story(shop)

    asyncio.run(inside())


async def keep(shop: Shop, *, kept: bool = True) -> None:
    async with shop.world.db.connection() as connection:
        await keep_facts_for(connection, shop.merchant_id, shop.world.clocks.wall(), kept=kept)


async def caught_up(shop: Shop) -> int:
    """The worker's rounds until it finds nothing more; answers how much it was."""
    await shop.publish()
    await asyncio.sleep(0.002)  # ids of this millisecond are read in the next
    total = 0
    while did := await job.keep_facts_of(shop.world, shop.merchant_id):
        total += did
    return total


async def ana(shop: Shop) -> UUID:
    found: UUID = shop.world.keys.derived_id("payer", shop.merchant_id.bytes, "ana")
    return found


async def looks(
    shop: Shop, payer_id: UUID | None = None
) -> list[tuple[datetime, int, int, UUID | None]]:
    sql = "SELECT * FROM payer_looks WHERE merchant_id = $1 AND payer_id = $2"
    async with shop.world.db.connection() as connection:
        row = await connection.fetchrow(sql, shop.merchant_id, payer_id or await ana(shop))
    return (
        list(zip(row["at"], row["answers"], row["tries"], row["orders"], strict=True))
        if row
        else []
    )


async def told(shop: Shop, external_id: str, **more: Any) -> UUID:
    """One /transmit of Ana's."""
    payer = {"external_id": "ana", "email": "", "phone": "", "name": ""}
    return await shop.transmitted(external_id, **{"payer": payer} | more)


def test_a_payer_is_looked_at_with_each_answer_and_only_once(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        first = await shop.admit(payer=ANA, pan=TWICE_51)
        await shop.advance(20 * DAY)
        second = await shop.admit(payer=ANA, code="05")
        assert await caught_up(shop) > 0
        found = await looks(shop)
        assert [(answer, tries, order) for _, answer, tries, order in found] == [
            (FUNDS, 0, first),
            (FUNDS, 1, first),
            (APPROVED, 2, first),
            (SOFT, 0, second),
        ]
        assert [at for at, *_ in found] == sorted(at for at, *_ in found)
        sent = "SELECT sent_at FROM attempts WHERE order_id = $1 AND attempt_no = 1"
        assert found[1][0] == await shop.value(sent, first), "by the merchant's clock"
        assert await caught_up(shop) == 0, "nothing new"
        await shop.value(
            "UPDATE fact_clocks SET feed_no = 0, transmit_id = $1 RETURNING 1", UUID(int=0)
        )
        await caught_up(shop)
        assert await looks(shop) == found, "all of it again changes nothing"

    run(server, story)


def test_facts_that_another_worker_keeps_are_not_waited_for(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await shop.admit(payer=ANA)
        await shop.publish()
        async with owner(shop.world) as other, other.transaction():
            await other.execute("SELECT FROM fact_clocks FOR UPDATE")
            assert await asyncio.wait_for(job.keep_facts(shop.world), 5) == 0
        assert await job.keep_facts(shop.world) > 0

    run(server, story)


def test_what_was_before_is_caught_up_with_and_nothing_is_kept_unasked(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        order = await shop.admit(payer=ANA)
        await shop.publish()
        assert await job.keep_facts(shop.world) == 0
        assert await looks(shop) == []
        await keep(shop)
        assert await job.keep_facts(shop.world) > 0
        assert [one[3] for one in await looks(shop)] == [order]
        await keep(shop, kept=False)
        await shop.admit(payer=ANA)
        await caught_up(shop)
        assert len(await looks(shop)) == 1
        await keep(shop)
        await caught_up(shop)
        assert len(await looks(shop)) == 2

    run(server, story, kept=False)


def test_a_payment_that_was_transmitted_and_sent_to_us_is_one_attempt(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        given = await shop.declined(payer=ANA)
        at = datetime.fromisoformat(given.decline["at"])
        await told(
            shop,
            given.external_id,
            transaction_id=given.transaction_id,
            transacted_at=at - 10 * MINUTE,
        )
        order_id = (await shop.evaluate.evaluate(shop.scope, given)).order_id
        await told(shop, given.external_id, transaction_id="other", transacted_at=at + MINUTE / 2)
        await told(
            shop, "an invoice", declined=False, transaction_id="inv-1", transacted_at=at - DAY
        )
        await told(
            shop,
            "an invoice",
            declined=False,
            transaction_id="inv-1",
            transacted_at=at - DAY + 5 * MINUTE,
        )
        await told(shop, "without an instant", transacted_at=None)
        await caught_up(shop)
        assert [one[1:] for one in await looks(shop)] == [(APPROVED, 0, None), (FUNDS, 0, order_id)]

    run(server, story)


def test_a_payment_that_turns_out_otherwise_later_is_looked_at_again(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        transmit_id = await told(shop, "an invoice", declined=False)
        await caught_up(shop)
        assert [one[1] for one in await looks(shop)] == [APPROVED]
        await shop.transmit.update(shop.scope, transmit_id, {"is_declined": True})
        assert [one[1] for one in await looks(shop)] == [SOFT]

    run(server, story)


def test_no_more_than_the_latest_are_kept(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        now = await shop.now()
        for day in range(LOOKS_MAX + 10):
            await told(shop, f"invoice {day}", declined=False, transacted_at=now - day * DAY)
        await caught_up(shop)
        found = await looks(shop)
        assert len(found) == LOOKS_MAX
        assert (found[-1][0], found[0][0]) == (now, now - (LOOKS_MAX - 1) * DAY)

    run(server, story)


def test_a_payer_without_an_id_has_no_looks(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await shop.admit(payer=Person(first_name="", last_name="", email=""))
        await shop.transmitted("an invoice")
        assert await caught_up(shop) > 0
        assert await shop.value("SELECT count(*) FROM payer_looks") == 0

    run(server, story)


def test_who_was_erased_is_not_known_by_what_was_before(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await shop.admit(payer=ANA)
        await told(shop, "an invoice", declined=False)
        await caught_up(shop)
        assert len(await looks(shop)) == 2
        person = Scope(shop.merchant_id, Actor("user", str(UUID(int=7))), "test")
        await erase_person(shop.world, person, await ana(shop))
        assert await looks(shop) == []
        # What the merchant sends again of old payments, and a worker that starts from the
        # beginning, change nothing.
        await shop.value(
            "UPDATE fact_clocks SET feed_no = 0, transmit_id = $1 RETURNING 1", UUID(int=0)
        )
        await caught_up(shop)
        assert await looks(shop) == []
        order = await shop.admit(payer=ANA)
        await caught_up(shop)
        assert [one[3] for one in await looks(shop)] == [order], (
            "what comes with a later order is kept anew"
        )

    run(server, story)


def test_looks_never_leave_their_merchant(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Another")
        await keep(other)
        await shop.admit(payer=ANA)
        theirs = await other.admit(payer=ANA)
        await caught_up(shop)
        await caught_up(other)
        assert [one[3] for one in await looks(other)] == [theirs]
        assert await ana(shop) != await ana(other), "one person has an id of their own with each"

    run(server, story)


async def shared(shop: Shop) -> list[Any]:
    """An hour later the worker counts."""
    async with owner(shop.world) as connection:
        await connection.execute("UPDATE upkeep SET done_at = done_at - interval '1 hour'")
    await share_issuers(shop.world)
    return list(await shop.world.db.fetch("SELECT * FROM issuers"))


def test_issuers_are_known_over_merchants_from_five_on(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        pan = TWICE_51
        for number in range(MERCHANTS_MIN):
            assert await shared(shop) == [], f"{number} merchants are too few"
            one = await make_shop(shop.world, shop.orders, shop.deliveries, name=f"Shop {number}")
            await keep(one)
            await one.admit(pan=pan)
            await one.advance(20 * DAY)
            await caught_up(one)
        (found,) = await shared(shop)
        assert (found["issuer_digits"], found["merchants"]) == (pan[:8], MERCHANTS_MIN)
        assert found["answers"] == [MERCHANTS_MIN, MERCHANTS_MIN, 0, 0, 0, 0], (
            "each was declined once, then approved"
        )
        await set_arms(
            shop.world, shop.scope, None, ArmsChange("share", share=100, holdout=0, explore=0)
        )
        shop.merchants.forget(shop.merchant_id)
        known, strange = await shop.admit(pan=pan), await shop.admit(pan=COUNTING_CARDS[1])
        await shop.run_due()
        (of_known,), (of_strange,) = await facts(shop, known), await facts(shop, strange)
        assert of_known["issuer_answers"] == found["answers"]
        assert of_strange["issuer_answers"] == []
        async with shop.world.db.connection() as connection:
            page = await read_order(connection, shop.merchant_id, known, clear=True)
        assert page is not None
        told = [one.features["facts"] for one in page.decisions if one.arm]
        assert told
        over_all = {"issuer_answers", "sends_left", "free_at"}
        assert not [one for one in told if over_all & set(one)], (
            "the order's JSON says nothing of other merchants"
        )

    run(server, story)


def test_one_who_makes_five_merchants_does_not_learn_of_anothers_payments(
    server: ServerAddress,
) -> None:
    """Four merchants of one partner and one other were five: the answers without one's own were the
    other's."""

    async def story(shop: Shop) -> None:
        partner = new_id()
        for number in range(MERCHANTS_MIN):
            one = await make_shop(shop.world, shop.orders, shop.deliveries, name=f"Shop {number}")
            await keep(one)
            await one.admit(pan=TWICE_51)
            await caught_up(one)
            if number:
                async with owner(shop.world) as connection:
                    await connection.execute(
                        "UPDATE merchants SET partner_id = $2 WHERE merchant_id = $1",
                        one.merchant_id,
                        partner,
                    )
        assert await shared(shop) == []

    run(server, story)


def test_an_issuer_whose_answers_are_mostly_of_one_merchant_is_not_told(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        async with owner(shop.world) as connection:
            for approved in (9, 1, 1, 1, 1):
                one = await make_shop(shop.world, shop.orders, shop.deliveries)
                await connection.execute(
                    "INSERT INTO issuer_answers (merchant_id, issuer_digits, approved) VALUES ($1, "
                    "'40008800', $2)",
                    one.merchant_id,
                    approved,
                )
            assert await shared(shop) == []
            await connection.execute("UPDATE issuer_answers SET approved = 4 WHERE approved = 9")
        (found,) = await shared(shop)
        assert found["answers"] == [5, 0, 0, 0, 0, 0], "eight, in steps: the next are ten"

    run(server, story)


def test_a_card_that_was_here_before_shows_its_issuer_with_its_next_send(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        sql = "SELECT issuer_digits FROM vault WHERE merchant_id = $1"
        await shop.admit(pan=TWICE_51)
        assert await shop.value(sql, shop.merchant_id) == TWICE_51[:8]
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE vault SET issuer_digits = ''")
        await shop.advance(20 * DAY)
        assert await shop.value(sql, shop.merchant_id) == TWICE_51[:8]

    run(server, story)


async def facts(shop: Shop, order_id: UUID) -> list[dict[str, Any]]:
    """What each decision about the order read beside the order."""
    rows = await shop.world.db.fetch(
        "SELECT features -> 'facts' AS facts FROM decisions WHERE order_id = $1 AND arm IS NOT NULL"
        " ORDER BY decision_id",
        order_id,
    )
    return [row["facts"] for row in rows]


def test_decisions_are_made_by_what_is_known_of_payer_and_card(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await set_arms(
            shop.world, shop.scope, None, ArmsChange("share", share=100, holdout=0, explore=0)
        )
        shop.merchants.forget(shop.merchant_id)
        pan = script_card("visa", "51", 9)
        first = await shop.admit(payer=ANA, pan=pan)
        await shop.run_due()
        await caught_up(shop)
        second = await shop.admit(payer=ANA, pan=pan, units=990)
        await shop.run_due()
        (of_first,), (of_second,) = await facts(shop, first), await facts(shop, second)
        assert (of_first["looks"], of_first["issuer"]) == ([], pan[:8])
        placed = (await shop.order(first))["facts"]["decline"]["at"]
        assert of_second["looks"] == [[placed, FUNDS, 0]], "the other order's, and not its own"
        assert of_first["sends_left"] == 19
        # Cards of a script are another card in each order; else the second would find the first
        # beside it.
        assert (of_second["open_orders"], of_first["open_orders"]) == (1, 1)
        await shop.advance(20 * DAY)
        await caught_up(shop)
        later = (await facts(shop, first))[-1]
        assert [one[2] for one in later["tries"]] == list(range(1, len(later["tries"]) + 1))
        assert len(later["tries"]) > 0
        assert later["sends_left"] == 19 - len(later["tries"])

    run(server, story)


def test_what_was_decided_before_an_erasure_is_decided_again_and_names_nobody(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await set_arms(
            shop.world, shop.scope, None, ArmsChange("share", share=100, holdout=0, explore=0)
        )
        shop.merchants.forget(shop.merchant_id)
        await told(shop, "an invoice", declined=False)
        await shop.admit(payer=ANA)
        await caught_up(shop)
        order = await shop.admit(payer=ANA, pan=FUNDS_CARD, units=990)
        await shop.run_due()
        (before,) = await facts(shop, order)
        assert [[type(one) for one in look] for look in before["looks"]] == [[str, int, int]] * 2
        payer_id = await ana(shop)
        person = Scope(shop.merchant_id, Actor("user", str(UUID(int=7))), "test")
        await erase_person(shop.world, person, payer_id)
        decisions = await shop.value("SELECT string_agg(d::text, '') FROM decisions d")
        assert not any(
            word in decisions for word in ("Ana", "Roe", "ana@example.test", str(payer_id))
        )
        await shop.advance(20 * DAY)
        made = await facts(shop, order)
        assert made[0] == before, "what was decided by stays"
        assert len(made) > 1
        assert all(one["looks"] == [] for one in made[1:]), (
            "what comes next knows nothing from before"
        )
        assert (await verify(shop.world)).difference is None

    run(server, story)


def test_orders_with_one_card_share_its_allowance(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await set_arms(
            shop.world, shop.scope, None, ArmsChange("share", share=100, holdout=0, explore=0)
        )
        shop.merchants.forget(shop.merchant_id)
        for number in range(3):
            order_id = await shop.admit(pan=COUNTING_CARDS[0], units=100 + number)
            await shop.run_due()
            (found,) = await facts(shop, order_id)
            assert found["open_orders"] == 1 + number
        other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Another")
        await set_arms(
            other.world, other.scope, None, ArmsChange("share", share=100, holdout=0, explore=0)
        )
        order_id = await other.admit(pan=COUNTING_CARDS[0])
        await other.run_due()
        (found,) = await facts(other, order_id)
        assert found["open_orders"] == 1, "of other merchants nothing is said"

    run(server, story)

"""Network tokens: made once for a card, used by every route that takes them, and never a way round
a limit."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
from tests import worlds
from tests.door import everything
from tests.rescue.flows.test_card_limits import PATIENT, sends, started, try_now
from tests.worlds import POLICY, Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.operation.rekeying import needs_of_world
from recoup.db.server import ServerAddress
from recoup.desk.flows.persons import erase_person
from recoup.insight.flows.verify import verify
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.main.rekey import go_over
from recoup.network_tokens import flows
from recoup.network_tokens.store import count_undeleted, owe_deletions
from recoup.networks.card import luhn_digit
from recoup.networks.magic import script_card
from recoup.networks.magic_serials import DELETED, NO_ANSWER, NO_CRYPTOGRAM, NO_TOKEN, SUSPENDED
from recoup.networks.magic_tokens import token_number
from recoup.orders.rules.snapshot import second_answers
from recoup.outside.keys.keyring import open_keyring
from recoup.people.store.persons import erase_part
from recoup.processors.gateways.port import Charge, Outcome, Token
from recoup.processors.gateways.sandbox.tokens import SandboxTokens
from recoup.processors.gateways.token_service import (
    CryptogramRequest,
    Deletion,
    TokenAnswer,
    TokenInquiry,
    TokenRequest,
)
from recoup.rescue.flows.due import start
from recoup.switches.flows.card_switches import SWITCHES, card_switches, set_card_switches

MAGIC = replace(POLICY, call_timeout=timedelta(seconds=20))
STAGE = "SELECT stage FROM current_orders WHERE order_id = $1"
BY_TOKEN = """
SELECT array_agg(network_token_id IS NOT NULL ORDER BY attempt_no) FROM attempts WHERE order_id = $1
  AND state IN
  ('approved', 'declined', 'not_sent') AND route IS NOT NULL
"""
TOKENS = "SELECT array_agg(state ORDER BY requested_at) FROM network_tokens"


class Watched:
    """What the route is sent, and by what."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.sent = inner, list[Charge]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def charge(self, charge: Charge) -> Outcome:
        self.sent.append(charge)
        outcome: Outcome = await self.inner.charge(charge)
        return outcome


class Counting:
    """Counts what the service is asked, by id."""

    def __init__(self, inner: SandboxTokens) -> None:
        self.inner, self.made, self.cryptograms = inner, list[UUID](), list[UUID]()
        self.name, self.acceptor_id = inner.name, inner.acceptor_id
        self.answer: TokenAnswer | None = None
        self.deletions = list[UUID]()
        self.deletion: Deletion | Literal["lost", ""] = ""
        self.before_answer: Callable[[], Awaitable[object]] | None = None

    async def make_token(self, request: TokenRequest) -> TokenAnswer:
        self.made.append(request.id)
        made = self.answer or await self.inner.make_token(request)
        if self.before_answer is not None:
            await self.before_answer()
        return made

    async def delete_token(self, inquiry: TokenInquiry) -> Deletion:
        self.deletions.append(inquiry.id)
        if self.deletion == "lost":  # it is done there, and nobody hears it
            await self.inner.delete_token(inquiry)
            return "unknown"
        return self.deletion or await self.inner.delete_token(inquiry)

    async def cryptogram(self, request: CryptogramRequest) -> str | None:
        self.cryptograms.append(request.id)
        return await self.inner.cryptogram(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Ground:
    def __init__(self, shop: Shop, service: Counting, route: Watched) -> None:
        self.shop, self.service, self.route = shop, service, route

    async def begun(self, serial: int = 1, declines: int = 2, **more: Any) -> UUID:
        """An order that is planned for later, whose card's token has been made meanwhile."""
        pan = more.pop("pan", None) or script_card("visa", "51", declines, serial)
        order_id = await self.shop.admit(pan=pan, code="51", **more)
        await start(self.shop.orders, self.shop.key(order_id))
        await self.shop.run_due()
        return order_id

    async def through(self, order_id: UUID, days: int = 25) -> str:
        for _ in range(days):
            await self.shop.advance(timedelta(days=1))
        return str(await self.shop.value(STAGE, order_id))

    def kinds(self) -> list[str]:
        return [one.credential.kind for one in self.route.sent]


Story = Callable[[Ground], Awaitable[None]]


def run(server: ServerAddress, story: Story, *, policy: Policy = MAGIC, on: bool = True) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=policy) as (world, orders, deliveries):
            service = Counting(world.token_services["sandbox"])  # type: ignore[arg-type]
            route = Watched(world.processors["sandbox"])
            change_world(world, token_services={"sandbox": service}, processors={"sandbox": route})
            shop = await make_shop(world, orders, deliveries)
            if on:
                await set_card_switches(world, shop.scope, {"network_tokens": True})
            await story(Ground(shop, service, route))
            found = await verify(world)
            assert found.difference is None, found.difference

    asyncio.run(inside())


def test_a_token_is_made_once_and_pays(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        orders = [await ground.begun() for _ in range(2)]
        assert await ground.shop.value(TOKENS) == ["active"]
        assert len(ground.service.made) == 1
        for order_id in orders:
            assert await ground.through(order_id) == "completed"
            assert await ground.shop.value(BY_TOKEN, order_id) == [True, True, True]
        assert set(ground.kinds()) == {"network_token"}
        sent = ground.route.sent[0].credential
        assert isinstance(sent, Token)
        assert sent.number == token_number(script_card("visa", "51", 2))
        assert sent.requestor_id
        assert sent.cryptogram
        assert sent.exp_year > 2030

    run(server, story)


def test_nothing_is_made_for_a_merchant_that_does_not_want_it(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        order_id = await ground.begun()
        assert await ground.through(order_id) == "completed"
        assert ground.service.made == []
        assert set(ground.kinds()) == {"card"}

    run(server, story, on=False)


def test_a_card_that_gets_none_goes_by_its_number(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        order_id = await ground.begun(NO_TOKEN)
        assert await ground.through(order_id) == "completed"
        assert await ground.shop.value(TOKENS) == ["refused"]
        assert len(ground.service.made) == 1, "it is not asked again"
        assert set(ground.kinds()) == {"card"}

    run(server, story)


def test_a_silent_service_is_asked_a_few_times_and_the_order_goes_on(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows, "TIMEOUT_SECONDS", 1.0)

    async def story(ground: Ground) -> None:
        order_id = await ground.begun(NO_ANSWER)
        assert await ground.through(order_id) == "completed"
        assert 1 < len(ground.service.made) <= 2 * 6 * 3
        assert len(set(ground.service.made)) == 1, "under one id"
        assert await ground.shop.value(TOKENS) == ["requested"]
        assert set(ground.kinds()) == {"card"}

    run(server, story)


@pytest.mark.parametrize("serial", [SUSPENDED, DELETED])
def test_a_token_that_is_gone_gives_way_to_the_card_at_once(
    server: ServerAddress, serial: int
) -> None:
    async def story(ground: Ground) -> None:
        order_id = await ground.begun(serial, declines=0)
        assert await ground.through(order_id) == "completed"
        assert ground.kinds() == ["network_token", "card"]
        state = "suspended" if serial == SUSPENDED else "deleted"
        assert await ground.shop.value(TOKENS) == [state]
        assert await ground.shop.value(BY_TOKEN, order_id) == [True, False]
        gap = (
            "SELECT max(sent_at) - min(sent_at) FROM attempts WHERE order_id = $1 AND sent_at "
            "IS NOT NULL"
        )
        assert await ground.shop.value(gap, order_id) < timedelta(minutes=1)
        sends = (
            "SELECT count(*) FROM network_sends WHERE order_id = $1 AND state = 'sent' AND "
            "NOT claimed"
        )
        assert await ground.shop.value(sends, order_id) == (1 if serial == SUSPENDED else 2), (
            "a decline counts"
        )
        order = await ground.shop.orders.run(lambda change: change.order, ground.shop.key(order_id))
        assert second_answers(order.attempts) == {2: 1}

    run(server, story)


def test_who_goes_by_the_card_a_day_later_makes_another_attempt(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        order_id = await ground.begun(DELETED, declines=0)
        await ground.through(order_id)
        order = await ground.shop.orders.run(lambda change: change.order, ground.shop.key(order_id))
        first, then = order.attempts
        assert second_answers([first, replace(then, due_at=then.due_at + timedelta(days=1))]) == {}
        assert second_answers([replace(first, network_token_id=None), then]) == {}

    run(server, story)


def test_a_code_of_a_deleted_token_bans_its_card_for_no_longer(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        order_id = await ground.begun(DELETED, declines=0)
        await ground.through(order_id)
        bans = "SELECT bool_or(lasting) FROM network_sends WHERE order_id = $1"
        assert not await ground.shop.value(bans, order_id)

    run(server, story)


def test_without_a_cryptogram_the_merchants_charge_goes_all_the_same(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        order_id = await ground.begun(NO_CRYPTOGRAM, declines=0)
        assert await ground.through(order_id) == "completed"
        assert ground.kinds() == ["network_token"]
        sent = ground.route.sent[0].credential
        assert isinstance(sent, Token)
        assert sent.cryptogram is None

    run(server, story)


def test_a_route_that_takes_none_is_sent_the_card(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        ground.route.takes = frozenset({"card"})  # type: ignore[attr-defined]
        order_id = await ground.begun()
        assert await ground.through(order_id) == "completed"
        assert await ground.shop.value(TOKENS) == ["active"]
        assert set(ground.kinds()) == {"card"}

    run(server, story)


def test_a_number_of_another_card_is_no_token(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        ground.service.answer = TokenAnswer(
            "active", token_number(script_card("visa", "51", 0, 77)), 1, 2040
        )
        order_id = await ground.begun()
        assert await ground.through(order_id) == "completed"
        assert await ground.shop.value(TOKENS) == ["refused"]
        assert set(ground.kinds()) == {"card"}

    run(server, story)


@pytest.mark.parametrize("seed", range(4))
def test_a_token_resets_no_limit(server: ServerAddress, seed: int) -> None:
    """However tries by the token and by the number take turns, over several orders: together they
    are one card's."""
    draw = random.Random(seed)

    async def story(ground: Ground) -> None:
        shop, pan = ground.shop, script_card("visa", "51", 99)
        orders = [await started(shop, pan) for _ in range(3)]
        await shop.run_due()
        assert await shop.value(TOKENS) == ["active"]
        for _ in range(20):
            async with owner(shop.world) as connection:
                state = draw.choice(("active", "suspended"))
                await connection.execute("UPDATE network_tokens SET state = $1", state)
            await try_now(shop, draw.choice(orders))
        kinds = ground.kinds()
        assert {"card", "network_token"} <= set(kinds)
        assert len(kinds) == 20 - len(orders), (
            "twenty of the card, with those that the merchant reported"
        )
        assert await shop.value("SELECT count(DISTINCT card_id) FROM network_sends") == 1

    run(server, story, policy=PATIENT)


def test_two_prints_of_one_account_share_their_limit_with_the_token(server: ServerAddress) -> None:
    """The token service says whose account it is (PAR): another number of it is the same card."""

    async def story(ground: Ground) -> None:
        shop, first, second = (
            ground.shop,
            script_card("visa", "51", 99),
            script_card("visa", "51", 99, 7),
        )
        names = {
            script_card("visa", "51", 99): "400019",
            script_card("visa", "51", 99, 7): "400018",
        }
        for pan, head in names.items():
            number = head + "0" * 9
            par = "V" + "1" * 28
            ground.service.answer = TokenAnswer(
                "active", number + luhn_digit(number), 1, 2040, None, par
            )
            await started(shop, pan)
            await shop.run_due()
        assert await shop.value(TOKENS) == ["active", "active"]
        orders = [await started(shop, first), await started(shop, second)]
        for n in range(20):
            await try_now(shop, orders[n % 2])
        assert await sends(shop) == 20 - 4, "a token that the issuer does not know was no send"
        heads = """SELECT count(DISTINCT coalesce(joined_to, card_id)) FROM cards
          WHERE card_id IN (SELECT card_id FROM orders)"""
        assert await shop.value(heads) == 1

    run(server, story, policy=PATIENT)


def test_a_token_that_is_over_is_not_sent(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        order_id = await ground.begun(declines=0)
        async with owner(ground.shop.world) as connection:
            await connection.execute(
                "UPDATE vault SET exp_year = 2020 WHERE token_id IN (SELECT network_token_id FROM "
                "network_tokens)"
            )
        assert await ground.through(order_id) == "completed"
        assert ground.kinds() == ["card"]

    run(server, story)


def test_an_expired_card_whose_token_is_not_over_is_charged_without_a_query(
    server: ServerAddress,
) -> None:
    async def story(ground: Ground) -> None:
        order_id = await ground.begun(declines=0)
        async with owner(ground.shop.world) as connection:
            await connection.execute(
                "UPDATE vault SET exp_year = 2020 WHERE token_id NOT IN (SELECT network_token_id "
                "FROM network_tokens)"
            )
        assert await ground.through(order_id) == "completed"
        assert ground.kinds() == ["network_token"]
        assert await ground.shop.value("SELECT count(*) FROM card_updates") == 0

    run(server, story)


def test_what_is_unknown_of_a_token_is_asked_and_never_sent_again(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        order_id = await ground.begun(declines=0)
        real = ground.route.inner.charge

        async def lost(charge: Charge) -> Outcome:
            await real(charge)
            return Outcome("unknown")

        ground.route.inner.charge = lost
        assert await ground.through(order_id) == "completed"
        assert len(ground.route.sent) == 1
        assert await ground.shop.value(BY_TOKEN, order_id) == [True]

    run(server, story)


def test_a_customers_charge_needs_a_cryptogram(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        by_customer: dict[str, Any] = {"is_mit": False, "days": None, "cvv": ""}
        await ground.begun(declines=0)
        await ground.begun(NO_CRYPTOGRAM, declines=0)
        shop = ground.shop.patient()
        paid = await shop.ask(pan=script_card("visa", "51", 0), **by_customer)
        assert await shop.value(STAGE, paid.order_id) == "completed"
        assert await shop.value(BY_TOKEN, paid.order_id) == [True]
        sent = ground.route.sent[-1].credential
        assert isinstance(sent, Token)
        assert sent.cryptogram
        without = await shop.ask(pan=script_card("visa", "51", 0, NO_CRYPTOGRAM), **by_customer)
        assert await shop.value(STAGE, without.order_id) == "completed", (
            "its customer is not declined for it"
        )
        assert await shop.value(BY_TOKEN, without.order_id) == [True, False]
        assert ground.kinds()[-1] == "card"
        confirmed = {"facts": {"three_d_secure": {"authenticationValue": "AA", "version": "2"}}}
        await shop.ask(pan=script_card("visa", "51", 0), **by_customer, **confirmed)
        assert ground.kinds()[-1] == "card", "an authentication was made for the number"

    run(server, story)


def test_no_number_of_a_token_stands_anywhere_in_the_clear(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        token = token_number(script_card("visa", "51", 0))
        assert token is not None
        ground.route.inner = SaysTheNumber(ground.route.inner, token)
        order_id = await ground.begun(declines=0)
        assert await ground.through(order_id) == "completed"
        assert ground.kinds() == ["network_token"]
        kept = await everything(ground.shop.world)
        assert token not in kept
        reference = await ground.shop.value(
            "SELECT max(reference) FROM attempts WHERE order_id = $1", order_id
        )
        assert reference == f"auth-{token[:6]}…{token[-4:]}"
        assert token not in repr(ground.route.sent)

    run(server, story)


class SaysTheNumber:
    def __init__(self, inner: Any, number: str) -> None:
        self.inner, self.number = inner, number

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def charge(self, charge: Charge) -> Outcome:
        return replace(await self.inner.charge(charge), reference=f"auth-{self.number}")


def test_the_token_of_a_person_who_was_erased_is_gone(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        order_id, shop = await ground.begun(declines=99), ground.shop
        payer_id = await shop.value(
            "SELECT payer_id FROM order_payer WHERE order_id = $1", order_id
        )
        await ground.through(order_id, 22)
        sent = len(ground.route.sent)
        await erase_person(shop.world, shop.scope, payer_id)
        sealed = """SELECT count(*) FROM vault WHERE ciphertext IS NOT NULL AND token_id IN (
          SELECT network_token_id FROM network_tokens)"""
        assert await shop.value(sealed) == 0
        assert await shop.value(TOKENS) == ["deleted"]
        await ground.through(await ground.begun(declines=99), 22)
        assert set(ground.kinds()[sent:]) == {"card"}

    run(server, story)


ISSUER = "SELECT array_agg(state ORDER BY id) FROM issuer.tokens"
OWED = "SELECT array_agg((deletion_owed, deletion_answer)::text) FROM network_tokens"


async def erased(ground: Ground, order_id: UUID) -> None:
    payer = await ground.shop.value(
        "SELECT payer_id FROM order_payer WHERE order_id = $1", order_id
    )
    await erase_person(ground.shop.world, ground.shop.scope, payer)


async def due_again(ground: Ground) -> None:
    """What waits after a failure."""
    async with owner(ground.shop.world) as connection:
        await connection.execute(
            "UPDATE due_work SET lease_until = NULL WHERE kind = 'network_token'"
        )
    await ground.shop.run_due()


async def at_the_service(ground: Ground) -> Any:
    async with owner(ground.shop.world) as connection:
        return await connection.fetchval(ISSUER)


def test_the_token_of_a_person_who_was_erased_is_deleted_at_its_service_once(
    server: ServerAddress,
) -> None:
    async def story(ground: Ground) -> None:
        order_id = await ground.begun(declines=99)
        await ground.begun(serial=2, declines=99)
        assert await at_the_service(ground) == ["active", "active"]
        await erased(ground, order_id)
        assert ground.service.deletions == [], "no service is called in the transaction"
        await ground.shop.run_due()
        assert sorted(await at_the_service(ground)) == ["active", "deleted"], "nobody else's"
        assert sorted(await ground.shop.value(OWED)) == ["(f,)", "(f,deleted)"]
        await erased(ground, order_id)
        await ground.shop.run_due()
        await due_again(ground)
        assert len(ground.service.deletions) == 1

    run(server, story)


SEALED = """
SELECT count(*) FROM vault WHERE ciphertext IS NOT NULL AND token_id IN (SELECT network_token_id
  FROM network_tokens)
"""

FORGOTTEN = "SELECT array_agg(order_id) FROM order_payer WHERE forgotten"


async def named(ground: Ground, name: str, **more: Any) -> UUID:
    return await ground.begun(
        declines=more.pop("declines", 99), email=f"{name}@example.test", **more
    )


def test_a_token_of_two_customers_stays_until_both_are_erased(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        first, second = (
            await named(ground, "one", declines=0),
            await named(ground, "two", declines=0),
        )
        await erased(ground, first)
        await ground.shop.run_due()
        assert await at_the_service(ground) == ["active"]
        assert (await ground.shop.value(TOKENS), await ground.shop.value(SEALED)) == (["active"], 1)
        assert await ground.through(second) == "completed"
        assert await ground.shop.value(BY_TOKEN, second) == [True]
        assert await ground.shop.value(FORGOTTEN) == [first]
        await erased(ground, second)
        await ground.shop.run_due()
        assert await at_the_service(ground) == ["deleted"]
        assert (await ground.shop.value(TOKENS), await ground.shop.value(SEALED)) == (
            ["deleted"],
            0,
        )

    run(server, story)


@pytest.mark.parametrize("turn", range(5))
def test_a_token_whose_customers_are_all_erased_at_once_is_deleted(
    server: ServerAddress, turn: int
) -> None:
    async def story(ground: Ground) -> None:
        held = [await named(ground, f"{n % 3}") for n in range(6)]
        await asyncio.gather(
            *(erased(ground, order_id) for order_id in held[turn % 3 : turn % 3 + 3])
        )
        await ground.shop.run_due()
        assert await at_the_service(ground) == ["deleted"]
        assert (await ground.shop.value(TOKENS), await ground.shop.value(SEALED)) == (
            ["deleted"],
            0,
        )
        assert len(ground.service.deletions) == 1

    run(server, story)


def test_the_second_of_two_erasures_waits_for_the_first(server: ServerAddress) -> None:
    """Or each would see the other's order, and neither would delete the token."""

    async def story(ground: Ground) -> None:
        first, second, shop = await named(ground, "one"), await named(ground, "two"), ground.shop
        async with shop.world.db.transaction() as tx:
            assert await owe_deletions(tx, shop.merchant_id, [first]) == []
            other = asyncio.create_task(erased(ground, second))
            assert not (await asyncio.wait((other,), timeout=0.5))[0]
            await erase_part(tx, shop.merchant_id, [first])
        await other
        assert await shop.value(TOKENS) == ["deleted"]

    run(server, story)


def test_what_a_customer_orders_after_being_erased_keeps_a_token_that_somebody_else_shares(
    server: ServerAddress,
) -> None:
    async def story(ground: Ground) -> None:
        first, second = await named(ground, "one"), await named(ground, "two")
        await erased(ground, first)
        again = await named(ground, "one")
        await erased(ground, second)
        assert await ground.shop.value(TOKENS) == ["active"]
        await erased(ground, again)
        assert await ground.shop.value(TOKENS) == ["deleted"]

    run(server, story)


@pytest.mark.parametrize("fault", ["unknown", "lost"])
def test_a_service_that_is_down_hears_of_it_later(
    server: ServerAddress, fault: Literal["unknown", "lost"]
) -> None:
    async def story(ground: Ground) -> None:
        order_id = await ground.begun(declines=99)
        ground.service.deletion = fault
        await erased(ground, order_id)
        await ground.shop.run_due()
        for _ in range(9):  # more often than a token is asked about
            await due_again(ground)
        assert await ground.shop.value(OWED) == ["(t,)"]
        ground.service.deletion = ""
        await due_again(ground)
        assert await at_the_service(ground) == ["deleted"]
        assert await ground.shop.value(OWED) == ["(f,deleted)"]
        assert (
            await ground.shop.value("SELECT count(*) FROM due_work WHERE kind = 'network_token'")
            == 0
        )

    run(server, story)


@pytest.mark.parametrize("answer", ["not_known", "not_offered"])
def test_a_token_that_is_gone_there_or_cannot_be_deleted_is_no_work_any_more(
    server: ServerAddress, answer: Literal["not_known", "not_offered"]
) -> None:
    async def story(ground: Ground) -> None:
        order_id = await ground.begun(declines=99)
        ground.service.deletion = answer
        async with owner(ground.shop.world) as connection:
            await connection.execute(
                "UPDATE network_tokens SET requested_at = requested_at - interval '6 minutes'"
            )
        await erased(ground, order_id)
        await ground.shop.run_due()
        assert await ground.shop.value(OWED) == [f"(f,{answer})"]
        assert (
            await ground.shop.value("SELECT count(*) FROM due_work WHERE kind = 'network_token'")
            == 0
        )

    run(server, story)


def test_a_token_that_is_made_while_its_customer_is_erased_is_not_kept_and_deleted(
    server: ServerAddress,
) -> None:
    """The request was on its way: what comes back is a number of somebody who is gone."""

    async def story(ground: Ground) -> None:
        shop = ground.shop
        order_id = await shop.admit(pan=script_card("visa", "51", 99, 1), code="51")

        async def meanwhile() -> None:
            ground.service.before_answer = None
            await erased(ground, order_id)

        ground.service.before_answer = meanwhile
        await start(shop.orders, shop.key(order_id))
        await shop.run_due()
        await due_again(ground)
        assert await at_the_service(ground) == ["deleted"]
        assert await shop.value(TOKENS) == ["deleted"]
        assert (
            await shop.value(
                "SELECT count(*) FROM vault WHERE ciphertext IS NOT NULL AND token_id IN "
                "(SELECT network_token_id FROM network_tokens)"
            )
            == 0
        )

    run(server, story)


def test_after_a_week_without_an_answer_it_is_left_to_people(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        order_id = await ground.begun(declines=99)
        ground.service.deletion = "unknown"
        await erased(ground, order_id)
        async with owner(ground.shop.world) as connection:
            await connection.execute("UPDATE due_work SET tries = 999 WHERE kind = 'network_token'")
        await ground.shop.run_due()
        assert await ground.shop.value(OWED) == ["(t,unknown)"]
        async with ground.shop.world.db.connection() as connection:
            assert await count_undeleted(connection) == 1
        assert (
            await ground.shop.value("SELECT count(*) FROM due_work WHERE kind = 'network_token'")
            == 0
        )

    run(server, story)


def test_tokens_go_over_to_new_keys(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = open_keyring(tmp_path / "keys", {})
    monkeypatch.setattr(worlds, "KEYRING", ring)

    async def story(ground: Ground) -> None:
        order_id, world = await ground.begun(declines=0), ground.shop.world
        old = ring.current_ids()
        ring.rotate()
        await go_over(world)
        async with world.db.connection() as connection:
            needs = await needs_of_world(connection, ring.current_ids()["print"])
        assert not [
            key
            for key in needs
            if key[0] in ("card", "print") and key[1] == old[key[0]] and key[0] == "card"
        ]
        number = token_number(script_card("visa", "51", 0)) or ""
        key_id, made = ring.print_of(number)[0]
        assert key_id == ring.current_ids()["print"]
        found = "SELECT card_id FROM card_prints WHERE key_id = $1 AND print = $2"
        pan_id = await ground.shop.value("SELECT pan_id FROM orders WHERE order_id = $1", order_id)
        assert await ground.shop.value(found, key_id, made) == pan_id, (
            "its number is a print of its card"
        )
        assert await ground.through(order_id) == "completed"
        assert ground.kinds() == ["network_token"]

    run(server, story)


def test_switching_off_ends_their_use(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        order_id, shop = await ground.begun(declines=0), ground.shop
        await set_card_switches(shop.world, shop.scope, {"network_tokens": False})
        assert await ground.through(order_id) == "completed"
        assert ground.kinds() == ["card"]

    run(server, story)


def test_what_nobody_offers_cannot_be_switched_on(server: ServerAddress) -> None:
    async def story(ground: Ground) -> None:
        shop = ground.shop
        await set_card_switches(
            shop.world, shop.scope, {"network_tokens": False, "card_updates": False}
        )
        change_world(shop.world, token_services={}, updater=None)
        for name, setting in {"network_tokens": "tokens", "card_updates": "updater"}.items():
            with pytest.raises(Problem) as refused:
                await set_card_switches(shop.world, shop.scope, {name: True})
            assert f"{setting} = true" in (refused.value.cure or "")
        assert await card_switches(shop.world, shop.merchant_id) == dict.fromkeys(SWITCHES, False)

    run(server, story)

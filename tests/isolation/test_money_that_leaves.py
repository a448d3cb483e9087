"""Acts that send money, or say what becomes of it: found in the code, each with what bounds it;
and each that a merchant's people do, tried by every role, within and beyond limits, with a second
person, and by whoever impersonates an owner."""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import httpx
import pytest
from tests.chains.serving import opened_channels
from tests.chains.test_portal import log
from tests.chains.test_settlement_addresses import FIRST, SECOND, THIRD, agreed, served
from tests.isolation.reaches import Named, read_code
from tests.parts.test_parts import allow, order, until
from tests.people.page.test_impersonation import look, people_sql
from tests.settlement.flows.test_fees import paid
from tests.stablecoin.flows.test_give_back import paid_late, the_channel_refuses
from tests.stablecoin.flows.test_late import PAYER, charge
from tests.staff import As, approve_reviewed, portal, post, review_form, texts
from tests.worlds import Shop

from recoup.chains import intake, store
from recoup.chains.credit import credit
from recoup.chains.gateway import ChainChannel
from recoup.db.server import ServerAddress
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.insight.flows.verify import verify
from recoup.kernel.scope import Actor, Scope
from recoup.orders.rules.refund_limits import Limits
from recoup.refunds.flows.limits import change_limits
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.on_demand import clear_fault, set_fault
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.flows.pay import simulate, simulate_by_operator

LIMITED: Final = "limits of the role, a second person"
OPERATOR: Final = "the operator's people alone, two of them"
OWN: Final = "to the merchant's own place, which the operator's second person approved"
AGAIN: Final = "what was allowed before, to where it went before"
CHARGES: Final = "charges a card, or plans it: what goes back goes by rules, to the card"
SANDBOX: Final = "the sandbox's own counterparts"
PORTAL: Final[Mapping[str, str]] = {
    "desk.page.order.act.post_refund": LIMITED,
    "desk.page.order.act.post_give_back": LIMITED,
    "desk.page.order.act.post_by_hand": LIMITED,
    "desk.page.order.act.post_keep": LIMITED,
    "desk.page.order.act.cancel_order": LIMITED,
    "desk.page.orders.bulk.post_bulk": LIMITED,
    "desk.page.disputes.post_answer": LIMITED,
    "chains.page.post_refund_address": LIMITED,
    "desk.page.refunds_requests.post_on_desk": LIMITED,
    "desk.page.refunds_requests.post_on_order": LIMITED,
    "desk.page.order.act.post_settle_again": OWN,
    "settlement.page.post_pay_again": OWN,
    "settlement.page.post_account": OWN,
    "settlement.page.post_proof": OWN,
    "settlement.page.post_withdrawal": OWN,
    "chains.page.post_address": OWN,
    "chains.page.post_withdrawal": OWN,
    "chains.page.post_tolerance": OWN,
    "desk.page.refunds_requests.act": AGAIN,
    "desk.page.approvals.approve_payouts": OPERATOR,
    "desk.page.approvals.decide_account": OPERATOR,
    "desk.page.approvals.payout_outcome": OPERATOR,
    "chains.page.decide": OPERATOR,
    "chains.page.post_approval": OPERATOR,
    "chains.page.post_sweep": OPERATOR,
    "desk.page.disputes.notice_again": OPERATOR,
    "desk.page.order.act.post_capture": CHARGES,
    "desk.page.order.act.post_retry": CHARGES,
    "desk.page.order.act.post_stop": CHARGES,
    "desk.page.order.act.post_resume": CHARGES,
    "desk.page.developers.post_clock": SANDBOX,
    "desk.page.developers.post_decline": SANDBOX,
    "desk.page.disputes.decide": SANDBOX,
    "desk.page.disputes.dispute_order": SANDBOX,
}
REFUNDS: Final = "a key with refunds:write, which its owner gave it"
API: Final[Mapping[str, str]] = {
    "stablecoin.api.payouts.request": "a key with payouts:write, which its owner gave it: on a "
    "chain to the merchant's "
    "own place, once somebody of the operator agrees; else to the sandbox's own counterparts",
    "refunds.api.refund.refund": REFUNDS,
    "desk.api.stablecoin_orders.refund": REFUNDS,
    "desk.api.order.cancel": CHARGES,
    "desk.api.order.patch_order": CHARGES,
    "desk.api.stablecoin_orders.cancel": CHARGES,
    "refunds.api.capture.capture": CHARGES,
    "rescue.api.check.check": CHARGES,
    "rescue.api.evaluate.evaluate": CHARGES,
    "rescue.api.transmit.transmit": CHARGES,
    "rescue.api.transmit.update": CHARGES,
    "sandbox.api.advance": SANDBOX,
}
PROCESS: Final = "does what is due"
COMMANDS: Final[Mapping[str, str]] = {
    "reconciliation.cli.bank.answers": "what the bank says of payouts that left",
    "chains.verbs.address": OWN,
    "chains.cli.sweep": OWN,
    "chains.cli.send": AGAIN,
    "chains.cli.watch": PROCESS,
    "main.cli.serve": PROCESS,
    "main.cli.worker": PROCESS,
    "main.demo_verb.demo": SANDBOX,
    "sandbox.cli.clock.advance": SANDBOX,
    "sandbox.cli.sandbox.decline": SANDBOX,
    "sandbox.cli.sandbox.dispute": SANDBOX,
    "sandbox.cli.sandbox.pay": SANDBOX,
    "chains.verbs.deposit": SANDBOX,
    "chains.cli.trial": SANDBOX,
}
TABLES: Final = (
    "payouts",
    "bank_payouts",
    "sends",
    "refund_destinations",
    "deposit_addresses",
    "settlement_addresses",
    "bank_accounts",
)
WRITERS: Final = {
    "recoup.orders.moves.request.request_modification",
    "recoup.orders.moves.request.renew",
    "recoup.stablecoin.moves.payment.owe_settlement",
    "recoup.stablecoin.moves.sweep.replace_settlement",
    "recoup.disputes.moves.answer.ask_answer",
}


def _writes(one: Named, stored: Mapping[str, str]) -> bool:
    """Whether it is a statement that says that money leaves, or where to."""
    sql = " ".join(one.decorated.split())
    sql += "".join(
        f" INSERT INTO {stored.get(name, '')} " for name in re.findall(r"insert_of\((\w+)", sql)
    )
    return re.search(rf"(INSERT INTO|UPDATE) ({'|'.join(TABLES)})\b", sql) is not None


def _senders() -> set[str]:
    code = read_code()
    stored = {
        one.name: found[1]
        for one in code.all.values()
        if (found := re.search(r'@stored\("(\w+)"\)', one.decorated))
    }
    return code.who_reaches(
        WRITERS | {key for key, one in code.all.items() if _writes(one, stored)}
    )


@pytest.mark.parametrize(
    ("door", "bounded"),
    [
        pytest.param(r"\.post\(", PORTAL, id="portal"),
        pytest.param(r"@api\(", API, id="api"),
        pytest.param(r"[.@]command\(|@verb\(|\bverb=", COMMANDS, id="command"),
    ],
)
def test_each_act_that_makes_an_outgoing_send_says_what_bounds_it(
    door: str, bounded: Mapping[str, str]
) -> None:
    every, senders = read_code().all, _senders()
    acts = {key for key in senders & every.keys() if re.search(door, every[key].decorated)}
    assert {key.removeprefix("recoup.") for key in acts} == set(bounded)


def test_only_one_place_writes_a_refund_or_reversal_and_it_asks() -> None:
    code = read_code()
    made = {
        key for key, one in code.all.items() if re.search(r"(?<!class )\bModification\(", one.text)
    }
    assert made == {"recoup.orders.moves.request.request_modification"}
    asks = code.named_by["recoup.orders.moves.outgoing.leave"]
    assert asks == made | {"recoup.disputes.moves.answer.ask_answer"}


class Act(NamedTuple):
    """A form and how one sees that it did something. `count`: SQL; `impersonated`: whether who acts
    as an owner may."""

    page: str
    path: str
    fields: Mapping[str, str]
    count: str
    asset: str = "USD"
    impersonated: bool = False
    on: str = ""


_BACK: Final = (
    "SELECT count(*) FROM modifications WHERE kind IN ('refund', 'reversal') AND state <> 'refused'"
)
Stage = Callable[[Shop], Awaitable[Act]]


async def _refund(shop: Shop) -> Act:
    here = f"/orders/{await paid(shop, 9_000)}"
    fields = {"how": "amount", "amount": "90.00", "key": "5" * 32}
    return Act(here, f"{here}/refund", fields, _BACK, impersonated=True)


def _late(act: str, channel: str = "mock", **fields: str) -> Stage:
    async def stage(shop: Shop) -> Act:
        here = f"/orders/{await paid_late(shop, channel)}"
        return Act(here, f"{here}/{act}", fields, _BACK, asset="USDT")

    return stage


async def _cancel(shop: Shop) -> Act:
    await allow(shop, count_max=1)
    order_id = await order(shop, 1)
    await until(shop, order_id, "part_collected")
    here = f"/orders/{order_id}"
    return Act(here, f"{here}/cancel", {}, _BACK, impersonated=True)


async def _accept(shop: Shop) -> Act:
    order_id = await paid(shop, 9_000)
    await shop.settle()
    await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), kind="fraud")
    here = f"/disputes/{await shop.value('SELECT dispute_id FROM disputes')}"
    count = "SELECT count(*) FROM disputes WHERE answer = 'accept'"
    return Act(
        here,
        f"{here}/answer",
        {"answer": "accept"},
        count,
        impersonated=True,
        on=f"/orders/{order_id}",
    )


ACTS: Final[Mapping[str, Stage]] = {
    "refund": _refund,
    "give-back": _late("give-back"),
    "keep": _late("keep", note="Delivered"),
    "settled-by-hand": _late("settled-by-hand", "mock_direct", note="Sent back"),
    "cancel": _cancel,
    "accept": _accept,
}


async def _limits(shop: Shop, asset: str, **limits: int | None) -> None:
    for role in ("operations", "owner"):
        own = limits if role == "operations" else {}
        scope = Scope(shop.merchant_id, Actor("user", str(UUID(int=9))), "test")
        await change_limits(shop.world, scope, role, asset, Limits(**own))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ACTS)
def test_role_times_limit_times_second_person_times_impersonation(
    server: ServerAddress, name: str
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        act = await ACTS[name](shop)

        async def done() -> bool:
            return bool(await shop.value(act.count))

        async def pressed(who: httpx.AsyncClient, **more: str) -> int:
            answer = await post(who, act.page, act.path, **(dict(act.fields) | more))
            return answer.status_code

        ops, owner, olga = await as_("ops"), await as_("owner"), await as_("olga")
        for other in ("clerk", "dev"):
            assert await pressed(await as_(other)) == 403, other
        assert await pressed(await as_("rita")) in (303, 404), "another merchant's"
        await _limits(shop, act.asset, refund_max_units=0, day_max_units=0)
        assert await pressed(ops) == 403, "no refunds"
        await _limits(shop, act.asset, day_max_units=100)
        assert await pressed(ops) == 403, "beyond the day"
        assert (await look(olga, shop, "operations", act=True)).status_code == 303
        assert await pressed(olga) == 403, "limits of whom they impersonate"
        assert (await post(olga, "/orders", "/look-as/end")).status_code == 303
        assert not await done()
        await _limits(shop, act.asset, second_from_units=1)
        if name == "cancel":
            assert await pressed(ops) == 403
        else:
            assert await pressed(ops, key="6" * 32) == 303
            assert not await done(), "it waits"
            await _approved(shop, act, ops, owner, olga, done)
            return
        assert (await look(olga, shop, "owner", act=True)).status_code == 303
        assert (await pressed(olga) == 303) is act.impersonated
        await _proved(shop)

    portal(server, story)


async def _approved(
    shop: Shop,
    act: Act,
    ops: httpx.AsyncClient,
    owner: httpx.AsyncClient,
    olga: httpx.AsyncClient,
    done: Callable[[], Awaitable[bool]],
) -> None:
    """Not by who asked, nor by whoever impersonates an owner; by an owner, once."""
    request_id = await shop.value("SELECT request_id FROM refund_requests WHERE state = 'waiting'")
    order_id = await shop.value("SELECT order_id FROM refund_requests WHERE state = 'waiting'")
    path, fields = (
        f"/approvals/refunds/{request_id}",
        {"decision": "approve", "seen": "0", "reason": ""},
    )
    assert (await post(ops, "/approvals", path, **fields)).status_code == 403
    for where in ("owner", "operations"):
        assert (await look(olga, shop, where, act=True)).status_code == 303
        for one in (path, f"/orders/{order_id}/refunds/{request_id}"):
            assert (await post(olga, "/orders", one, **fields)).status_code == 403
        assert (await post(olga, "/orders", "/look-as/end")).status_code == 303
    assert not await done()
    to, seen = review_form(await owner.get(path))
    for _ in range(2):
        answer = await owner.post(to, data=seen | {"decision": "approve"})
        assert answer.status_code == 303, re.sub(r"<[^>]*>", " ", answer.text)[-3000:]
    assert await done()
    assert await shop.value("SELECT state FROM refund_requests") == "approved"
    await _proved(shop)


async def _proved(shop: Shop) -> None:
    await shop.settle()
    found = await verify(shop.world)
    assert found.difference is None, found.difference


@pytest.mark.parametrize("who", ["still there", "nobody any more"])
def test_a_bulk_cancellation_has_the_limits_of_who_asked_for_it(
    server: ServerAddress, who: str
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        act = await _cancel(shop)
        asks = await as_("ops")
        await _limits(shop, act.asset, refund_max_units=0, day_max_units=0)
        form = {"back": "/orders", "do": "cancel", "all": "yes"}
        page = (await post(asks, "/orders", "/orders/bulk", **form)).text
        sure = {
            name: re.search(rf'name="{name}" value="([^"]*)"', page)
            for name in ("key", "expected", "sure")
        }
        form |= {name: found[1] for name, found in sure.items() if found}
        assert (await post(asks, "/orders", "/orders/bulk", **form)).status_code == 303
        if who == "nobody any more":
            await people_sql(
                shop, "UPDATE memberships SET role = 'analyst' WHERE role = 'operations'"
            )
            await _limits(shop, act.asset)
        await shop.run_due()
        refused = await shop.value("SELECT answer FROM bulk_act_rows")
        assert (
            "You have no role here" if who == "nobody any more" else "may refund at most"
        ) in refused
        assert not await shop.value(act.count)
        await _proved(shop)

    portal(server, story)


@pytest.mark.parametrize("name", [name for name in ACTS if name != "cancel"])
def test_who_impersonates_an_owner_does_what_is_not_about_an_address_alone(
    server: ServerAddress, name: str
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        act, olga = await ACTS[name](shop), await as_("olga")
        assert (await look(olga, shop, "owner", act=True)).status_code == 303
        answer = await post(olga, act.page, act.path, **act.fields)
        assert (answer.status_code == 303) is act.impersonated, answer.text
        assert bool(await shop.value(act.count)) is act.impersonated

    portal(server, story)


def test_ten_small_returns_are_no_way_around_the_days_limit_or_the_second_person(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        if (await shop.now()).hour >= 22:  # all within a day
            await shop.advance(timedelta(hours=3))
        await _limits(shop, "USDT", day_max_units=100_000_000)
        states = []
        for number in range(3):
            order_id = (await charge(shop, f"late-{number}")).order_id
            await shop.advance(timedelta(minutes=11))
            await simulate_by_operator(shop.world, shop.orders, f"late-{number}", True)
            here = f"/orders/{order_id}"
            states.append((await post(ops, here, f"{here}/give-back")).status_code)
        assert states == [303, 303, 403], "49.90 each of 100.00"
        card = await paid(shop, 9_000)
        await _limits(shop, "USD", day_max_units=9_000)
        await shop.settle()
        await dispute_on_demand(shop.world, shop.orders, shop.key(card), kind="fraud")
        dispute = f"/disputes/{await shop.value('SELECT dispute_id FROM disputes')}"
        assert (await post(ops, dispute, f"{dispute}/answer", answer="accept")).status_code == 303
        here = f"/orders/{await paid(shop, 9_000)}"
        refused = await post(ops, here, f"{here}/refund", how="amount", amount="0.01", key="7" * 32)
        assert refused.status_code == 403, "an accepted dispute counts for the day"

    portal(server, story)


def test_a_stuck_settlement_is_sent_again_by_a_limited_role_but_by_no_impersonator(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, olga = await as_("ops"), await as_("olga")
        order_id = (await charge(shop, channel="mock_direct")).order_id
        await simulate(shop.world, shop.orders, shop.key(order_id), approve=True, actor=PAYER)
        await the_channel_refuses(shop, refuses=True)
        await shop.run_due()
        await _limits(shop, "USDT", refund_max_units=0)
        here = f"/orders/{order_id}"
        assert (await look(olga, shop, "owner", act=True)).status_code == 303
        assert (await post(olga, here, f"{here}/settle-again")).status_code == 403
        before = await shop.value("SELECT to_address FROM settlements")
        assert (await post(ops, here, f"{here}/settle-again")).status_code == 303
        places = await shop.value("SELECT array_agg(DISTINCT to_address) FROM settlements")
        assert places == [before], "its own address, as before"

    portal(server, story)


def test_a_stuck_refund_is_tried_again_by_no_impersonator(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, olga = await as_("ops"), await as_("olga")
        order_id = await paid(shop, 5_000)
        await set_fault(shop.world, "refuse", timedelta(hours=1))
        made = await refund(
            shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="10.00")
        )
        await shop.settle()
        await clear_fault(shop.world, "refuse")
        assert (await look(olga, shop, "owner", act=True)).status_code == 303
        for action in ("again", "propose", "confirm", "refuse"):
            answer = await post(
                olga, "/orders", f"/refunds/{made.refund_id}", action=action, note="by hand"
            )
            assert answer.status_code == 403
        to, seen = review_form(await ops.get(f"/refunds/{made.refund_id}"))
        assert (await ops.post(to, data=seen)).status_code == 303

    portal(server, story)


async def _on_chain(shop: Shop, amount: str) -> UUID:
    """A custodial order on a chain, for which 499.00 came."""
    world = shop.world
    await opened_channels(world)
    world.channels.update(
        {one.code: ChainChannel(one, world.db, world.clocks) for one in intake.all_served()}
    )
    request = StablecoinChargeRequest("order-1", amount, "USDC", network="base")
    row = (await Charges(world, shop.merchants).charge(shop.scope, request)).order
    await store.keep_logs(world.db.alone, [log(row, 1, value="499000000", state="confirmed")])
    found = await store.address_of_order(world.db.reader, row.merchant_id, row.order_id)
    assert found is not None
    await credit(world, shop.orders, [found])
    return UUID(str(row.order_id))


def _chain(
    server: ServerAddress, story: Callable[[Shop, As, str], Awaitable[None]], amount: str
) -> None:
    async def inside(shop: Shop, as_: As) -> None:
        await agreed(shop, FIRST)
        await shop.advance(timedelta(days=3))
        await story(shop, as_, f"/orders/{await _on_chain(shop, amount)}")

    with served(settlement="custodial", custody=SECOND):
        portal(server, inside)


SENT_TO: Final = "SELECT count(*) FROM refund_destinations"


def test_money_beyond_the_order_goes_to_a_typed_address_within_limits_and_not_by_impersonators(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As, here: str) -> None:
        ops, owner, olga = await as_("ops"), await as_("owner"), await as_("olga")
        await _limits(shop, "USDC", refund_max_units=0)
        assert (await post(ops, here, f"{here}/give-back", to_address=THIRD)).status_code == 403
        named = await post(ops, f"{here}/chain", f"{here}/refund-address", to_address=THIRD)
        assert named.status_code == 403, "nor is an address left for who refunds after them"
        assert (await look(olga, shop, "owner", act=True)).status_code == 303
        for path in ("give-back", "refund-address", "keep"):
            answer = await post(olga, here, f"{here}/{path}", to_address=THIRD, note="x")
            assert answer.status_code == 403
        assert (await post(olga, "/orders", "/look-as/end")).status_code == 303
        await _limits(shop, "USDC", second_from_units=1)
        assert (await post(ops, here, f"{here}/give-back", to_address=THIRD)).status_code == 303
        assert await shop.value("SELECT count(*) FROM modifications") == 0
        assert THIRD in (await owner.get("/approvals")).text, "who agrees sees where it goes"
        request_id = await shop.value("SELECT request_id FROM refund_requests")
        path = f"/approvals/refunds/{request_id}"
        assert THIRD in texts(await owner.get(path))
        assert (await approve_reviewed(owner, path)).status_code == 303
        assert await shop.value("SELECT modification_id FROM modifications") == request_id
        assert await shop.value(SENT_TO) == 1

    _chain(server, story, "10.00")


def test_custodial_money_is_refunded_to_a_typed_address_by_nobody_who_impersonates(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As, here: str) -> None:
        olga, owner = await as_("olga"), await as_("owner")
        fields: dict[str, Any] = {
            "how": "amount",
            "amount": "499.00",
            "key": "5" * 32,
            "to_address": THIRD,
        }
        assert (await look(olga, shop, "owner", act=True)).status_code == 303
        answer = await post(olga, here, f"{here}/refund", **fields)
        assert answer.status_code == 403
        assert "impersonate" in answer.text
        assert await shop.value("SELECT count(*) FROM modifications") == 0
        assert await shop.value(SENT_TO) == 0
        assert (
            await post(owner, here, f"{here}/refund", **(fields | {"key": "6" * 32}))
        ).status_code == 303
        assert await shop.value(SENT_TO) == 1

    _chain(server, story, "499.00")

"""A process dies between every two steps of what moves fees, refunds at the desk, and mail. See the
stories beside."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.rescue.flows.test_kill_between_statements import (
    HOLD,
    POLICY,
    YES,
    Case,
    Prepare,
    Story,
    do_evaluate,
    held,
    kill_everywhere,
    new,
    sent,
    until_nothing_is_due,
)
from tests.rings import deep, each
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.people.flows.notices import switch
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.refunds.flows.review_queue import decide
from recoup.refunds.flows.send import send_modification
from recoup.rescue.flows.on_demand import clear_fault, set_fault
from recoup.terms.rules.fees import Tariff
from recoup.webhooks.flows.mail import send_mail

pytestmark = deep("kills")

assert HOLD


async def with_mail(shop: Shop, case: Case) -> None:
    case.more["mail_id"] = await shop.value(
        "SELECT mail_id FROM mails WHERE order_id = $1", case.order_id
    )
    assert case.more["mail_id"]


async def do_mail(shop: Shop, case: Case) -> Any:
    await send_mail(shop.world, shop.merchant_id, case.more["mail_id"])


async def do_refund_all(shop: Shop, case: Case) -> Any:
    """By a key, as portals and clients ask."""
    assert case.order_id
    asked = RefundRequest(all=True, key=f"all {case.order_id}")
    return (await refund(shop.world, shop.orders, shop.scope, case.order_id, asked)).units


def stuck(proposed: bool = False) -> Prepare:
    """A refund that the processor has refused; somebody may have said already that it was paid by
    hand."""

    async def prepare(shop: Shop) -> Case:
        case = await sent(YES, 4590)(shop)
        assert case.order_id
        made = await refund(
            shop.world, shop.orders, shop.scope, case.order_id, RefundRequest(all=True)
        )
        async with LOCKS.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            await set_fault(shop.world, "refuse", timedelta(hours=1))
            await send_modification(shop.world, shop.orders, shop.merchant_id, made.refund_id)
            await clear_fault(shop.world, "refuse")
        case.more["refund_id"] = made.refund_id
        if proposed:
            await _decide(shop, case, "propose", "ann")
        return case

    return prepare


LOCKS: dict[Any, asyncio.Lock] = {}  # a loop's own


async def _decide(shop: Shop, case: Case, action: str, who: str) -> Any:
    scope = Scope(shop.merchant_id, Actor("user", who), "test")
    try:
        return await decide(
            shop.world, shop.orders, scope, case.more["refund_id"], action, "a note"
        )
    except Problem as problem:
        if problem.code != "wrong_state":
            raise
        return problem.code


async def do_again(shop: Shop, case: Case) -> Any:
    return await _decide(shop, case, "again", "ben")


async def do_confirm(shop: Shop, case: Case) -> Any:
    return await _decide(shop, case, "confirm", "ben")


async def do_refuse(shop: Shop, case: Case) -> Any:
    return await _decide(shop, case, "refuse", "ben")


STORIES = (
    Story("receipt", new(pan=YES, days=None), do_evaluate, again=True),
    Story("mail", sent(YES, 4590, with_mail), do_mail),
    Story("refund with its fee", sent(YES, 4590), do_refund_all, again=True),
    Story("refund of a hold", held, do_refund_all, again=True),
    Story("desk: again", stuck(), do_again, again=True),
    Story("desk: by hand", stuck(proposed=True), do_confirm, again=True),
    Story("desk: refused", stuck(), do_refuse, again=True),
)


@pytest.mark.timeout(400)
@each("story", STORIES)
def test_a_kill_between_any_two_steps(server: ServerAddress, story: Story) -> None:
    async def tell() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made)
            await shop.fees(Tariff(290, refund="pro_rata"))
            await switch(shop.world, shop.scope, {"receipt": True, "refunded": True})
            cases, steps = await kill_everywhere(shop, story)
            print(f"{story.name}: {steps} steps, {2 * steps} kills")
            await until_nothing_is_due(shop)
            await _mails_are_asked_about(shop)
            await _judge(shop, story.name, cases)
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(tell())


async def _mails_are_asked_about(shop: Shop) -> None:
    """What a dead process had in its hands is taken up later; not in a test's time."""
    async with owner(shop.world) as connection:
        await connection.execute(
            "UPDATE due_work SET due_at = now(), lease_until = NULL WHERE kind = 'mail'"
        )
    await shop.run_due()


async def _judge(shop: Shop, name: str, cases: list[Case]) -> None:
    """Every mail arrived once for its reader; the money is where the story ends."""
    async with owner(shop.world) as connection:
        lost = await connection.fetchval(
            "SELECT count(*) FROM mails m LEFT JOIN mailbox.mails b ON b.id = m.mail_id"
            " WHERE m.state <> 'sent' OR b.id IS NULL"
        )
        strange = await connection.fetchval(
            "SELECT count(*) FROM mailbox.mails b LEFT JOIN mails m ON m.mail_id = b.id WHERE "
            "m.mail_id IS NULL"
        )
        double = await connection.fetch(
            "SELECT order_id, notice FROM mails GROUP BY 1, 2 HAVING count(*) > 1"
        )  # one refund and one charge each
        book = await connection.fetch(
            "SELECT account, sum(units)::bigint AS units FROM entries GROUP BY account HAVING "
            "sum(units) <> 0"
        )
        paid = await connection.fetchval("SELECT count(*) FROM order_heads WHERE status IN (6, 7)")
        receipts = await connection.fetchval("SELECT count(*) FROM mails WHERE notice = 'receipt'")
    assert (lost, strange, double) == (0, 0, [])
    assert receipts == paid
    found = {r["account"]: r["units"] for r in book}
    assert "refund_due" not in found or name.startswith("desk")
    if name == "refund of a hold":
        assert found == {}
    if name == "refund with its fee":
        acted = await shop.value("SELECT count(*) FROM modifications WHERE kind = 'refund'")
        assert found.get("fees", 0) == -133 * (paid - acted)
    assert cases

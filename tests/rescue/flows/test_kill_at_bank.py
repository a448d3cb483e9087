"""A process dies between every two statements and calls while a customer confirms at their bank:
before they leave, on their return, and when nobody waits for them any more. Another takes over; the
charge is made once, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.banks import BANKS, Bank, at_bank, back
from tests.left_processes import dying_process, kills, run_until_killed
from tests.rescue.flows.test_challenges import answered
from tests.rescue.flows.test_confirmed_at_bank import away, challenged
from tests.rings import deep
from tests.worlds import Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.policy import Policy
from recoup.rescue.flows.challenge import ChallengePage, show
from recoup.rescue.flows.inquire import inquire
from recoup.rescue.moves import send as attempt_send
from recoup_connectors.stripe import charges

pytestmark = deep("kills")

POLICY = Policy(
    call_timeout=timedelta(seconds=1),
    settled_after=timedelta(seconds=0.2),
    cit_deadline=timedelta(seconds=20),
)
STEPS_MAX = 30
Prepare = Callable[[Shop, Bank], Awaitable[tuple[ChallengePage, str]]]
Act = Callable[[Shop, ChallengePage, str], Awaitable[object]]


async def at_checkout(shop: Shop, bank: Bank) -> tuple[ChallengePage, str]:
    return await challenged(shop, bank), ""


async def confirmed(shop: Shop, bank: Bank) -> tuple[ChallengePage, str]:
    page = await away(shop, bank)
    return page, await at_bank(page, "passed")


async def left(shop: Shop, bank: Bank) -> tuple[ChallengePage, str]:
    page = await away(shop, bank)
    await _end(shop, page)
    return page, ""


async def _end(shop: Shop, page: ChallengePage) -> None:
    async with owner(shop.world) as connection:
        for sql in (
            "UPDATE attempts SET authentication = jsonb_set(authentication, '{until}', "
            "to_jsonb(now()))"
            " WHERE order_id = $1 AND authentication IS NOT NULL",
            "UPDATE challenges SET expires_at = now() WHERE order_id = $1",
        ):
            await connection.execute(sql, page.order_id)


async def goes(shop: Shop, page: ChallengePage, _: str) -> object:
    return await answered(shop, page, confirmed=True)


async def comes_back(shop: Shop, _: ChallengePage, url: str) -> object:
    return await back(shop, url)


async def is_given_up(shop: Shop, page: ChallengePage, _: str) -> object:
    await inquire(shop.world, shop.orders, shop.key(page.order_id))
    return None


@pytest.mark.parametrize("kind", BANKS)
@pytest.mark.parametrize(
    ("prepare", "act", "pays"),
    [(at_checkout, goes, True), (confirmed, comes_back, True), (left, is_given_up, False)],
    ids=["goes", "comes back", "is given up"],
)
def test_between_every_two_steps(
    server: ServerAddress,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Bank],
    prepare: Prepare,
    act: Act,
    pays: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(charges, "CANCEL_AFTER", timedelta(seconds=0.2))
    monkeypatch.setattr(attempt_send, "SEND_WITHIN", timedelta(seconds=1))

    async def whole() -> None:
        bank = kind()
        connector = await bank.start(tmp_path)
        connector.settled_after = timedelta(seconds=0.2)
        try:
            async with sandbox_world(server, policy=POLICY) as made:
                shop = await make_shop(*made)
                change_world(made[0], processors={bank.name: connector})
                await _killed_everywhere(shop, bank, prepare, act, pays=pays)
                assert bank.left_open() == 0
                proved = await verify(made[0])
                assert proved.difference is None, proved.difference
        finally:
            await connector.close()
            await bank.stop()

    asyncio.run(whole())


async def _killed_everywhere(
    shop: Shop, bank: Bank, prepare: Prepare, act: Act, *, pays: bool
) -> None:
    cases = list[ChallengePage]()
    for killer in kills(f"{bank.name} {act.__name__}", least=2, most=STEPS_MAX):
        page, url = await prepare(shop.patient(), bank)
        cases.append(page)
        async with dying_process(shop, killer) as dying:
            await run_until_killed(killer, act(dying, page, url))
        await _finished(shop, page, pays=pays)
    stages = [(await shop.order(page.order_id))["stage"] for page in cases]
    assert set(stages) == {"completed" if pays else "cancelled"}
    assert bank.taken() == ([4590] * len(cases) if pays else [])


async def _finished(shop: Shop, page: ChallengePage, *, pays: bool) -> None:
    """The customer and the worker of another process go on, as long as there is something to do."""
    for _ in range(100):
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE due_work SET due_at = now() WHERE kind IN ('inquire', 'retry')"
            )
        await shop.run_due()
        page = await show(shop.world, *shop.key(page.order_id))
        if page.state in ("passed", "over"):
            return
        if not pays:
            await _end(shop, page)
        elif page.state == "asked":
            await answered(shop, page, confirmed=True)
        elif page.bank_url is not None:
            await back(shop, await _passing(page))
        await asyncio.sleep(0.05)
    raise AssertionError(f"it is {page.state}")


async def _passing(page: ChallengePage) -> str:
    try:
        return await at_bank(page, "passed")
    except AssertionError:  # they had confirmed before the process died: the page is gone
        return "/checkout/return/none"

"""Kinds of orders are switched by one flow: who may, what is noted, and what an order finds at that
moment."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from tests.worlds import POLICY, Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.switches.flows import sites
from recoup.switches.flows.sites import SiteFields
from recoup.switches.flows.switches import MERCHANT, Subject, change, history, read_all


@pytest.fixture(scope="module")
def ground(server: ServerAddress) -> Iterator[tuple[asyncio.Runner, Any]]:
    """One world and loop for all; each test takes a merchant of its own."""
    with asyncio.Runner() as runner:
        context = sandbox_world(server)
        made = runner.run(context.__aenter__())
        yield runner, made
        runner.run(context.__aexit__(None, None, None))


@pytest.fixture
def run(ground: tuple[asyncio.Runner, Any]) -> Callable[[Any], Any]:
    return ground[0].run


@pytest.fixture
def shop(ground: tuple[asyncio.Runner, Any]) -> Shop:
    return ground[0].run(make_shop(*ground[1]))


def told(story: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A story of flows as a test: what it is given comes from fixtures and parameters as ever."""

    def test(run: Callable[[Any], Any], **given: Any) -> None:
        run(story(**given))

    names = inspect.signature(story).parameters.values()
    test.__signature__ = inspect.Signature(
        [*names, inspect.Parameter("run", inspect.Parameter.KEYWORD_ONLY)]
    )  # type: ignore[attr-defined]
    test.__doc__ = story.__doc__
    return test


def by(shop: Shop, kind: str) -> Scope:
    return Scope(shop.merchant_id, Actor(kind, "somebody"), "req-1")


async def noted(shop: Shop) -> list[tuple[Any, ...]]:
    return [
        (h.level, h.kind, h.is_on, h.actor, h.why)
        for h in await history(shop.world, shop.scope, None, 50)
    ]


async def refusal(shop: Shop, **order: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        await shop.ask(**order)
    assert caught.value.code == "kind_switched_off"
    return caught.value


@told
async def test_a_change_is_noted_with_who_when_and_why_and_holds_at_once(shop: Shop) -> None:
    site = Subject("site", shop.site_id)
    assert (await change(shop.world, shop.scope, site, "mit", False, "campaign is over")).changed
    told = await refusal(shop)
    assert told.sentence() == (
        "MIT orders are switched off for the site Leaf. The site Leaf: the merchant, its partner "
        "or the operator can "
        "switch it on."
    )
    assert (await change(shop.world, shop.scope, site, "mit", True)).changed
    await shop.admit()
    me = shop.scope.actor.text()
    assert await noted(shop) == [
        ("site", "mit", True, me, ""),
        ("site", "mit", False, me, "campaign is over"),
    ]
    rows = {(row.level, row.kind): row for row in await read_all(shop.world, shop.scope)}
    assert rows["site", "mit"].actor == me
    assert rows["site", "mit"].is_on
    assert rows["merchant", "mit"].changed_at is None


def test_each_world_has_switches_of_its_own(server: ServerAddress) -> None:
    """MIT is live while CIT is tried in the sandbox: the same merchant, two databases."""

    async def both() -> None:
        merchant_id = new_id()
        live = replace(POLICY, test_mode=False)
        async with sandbox_world(server) as sandbox, sandbox_world(server, policy=live) as other:
            tried = await make_shop(*sandbox, merchant_id=merchant_id)
            sold = await make_shop(*other, merchant_id=merchant_id)
            await change(tried.world, tried.scope, MERCHANT, "mit", False, "only CIT is tried here")
            await sold.admit()
            await tried.ask(is_mit=False, expires_at=None)
            assert (
                await refusal(tried)
            ).message == "MIT orders are switched off for this merchant."
            told = await refusal(sold, is_mit=False, expires_at=None)
            assert told.cure == "This merchant: the operator can switch it on."
            await change(sold.world, by(sold, "operator"), MERCHANT, "cit_web", True, "go-live")
            await sold.ask(is_mit=False, expires_at=None)
            assert len(await noted(tried)) == len(await noted(sold)) == 1

    asyncio.run(both())


@told
async def test_the_same_again_changes_and_notes_nothing(shop: Shop) -> None:
    version = await shop.value(
        "SELECT version FROM merchants WHERE merchant_id = $1", shop.merchant_id
    )
    assert not (await change(shop.world, shop.scope, MERCHANT, "mit", True)).changed
    assert (
        await shop.value("SELECT version FROM merchants WHERE merchant_id = $1", shop.merchant_id)
        == version
    )
    assert await noted(shop) == []


@told
async def test_kinds_and_levels_are_independent(shop: Shop) -> None:
    await change(shop.world, shop.scope, MERCHANT, "cit_callcenter", False)
    await change(shop.world, shop.scope, Subject("site", shop.site_id), "cit_callcenter", False)
    phone = await refusal(shop, is_mit=False, order_source="callcenter", expires_at=None)
    assert (
        phone.message
        == "CIT (call centre) orders are switched off for this merchant and the site Leaf."
    )
    await shop.ask(is_mit=False, expires_at=None)
    await shop.admit()


@told
async def test_what_is_repeated_after_its_kind_was_switched_off_is_read(shop: Shop) -> None:
    given = await shop.declined()
    first = await shop.evaluate.evaluate(shop.scope, given)
    await change(shop.world, shop.scope, MERCHANT, "mit", False)
    assert (await shop.evaluate.evaluate(shop.scope, given)).order_id == first.order_id


@pytest.mark.parametrize(
    ("off", "on", "may"),
    [
        ("api", "api", True),
        ("api", "partner", True),
        ("user", "operator", True),
        ("partner", "api", False),
        ("partner", "user", False),
        ("partner", "partner", True),
        ("partner", "operator", True),
        ("operator", "api", False),
        ("operator", "user", False),
        ("operator", "partner", False),
        ("operator", "operator", True),
    ],
)
@pytest.mark.parametrize("level", ["merchant", "site"])
@told
async def test_who_switches_on_stands_as_high_as_who_switched_off(
    shop: Shop, level: str, off: str, on: str, may: bool
) -> None:
    subject = MERCHANT if level == "merchant" else Subject("site", shop.site_id)
    await change(shop.world, by(shop, off), subject, "mit", False)
    who = {"operator": "the operator", "partner": "its partner or the operator"}.get(
        off, "the merchant, its partner"
    )
    assert f": {who}" in ((await refusal(shop)).cure or "")
    if may:
        assert (await change(shop.world, by(shop, on), subject, "mit", True)).changed
        return
    with pytest.raises(Problem, match="was switched off") as caught:
        await change(shop.world, by(shop, on), subject, "mit", True)
    assert caught.value.code == "forbidden"
    if level == "site":  # nor by the site's own form
        with pytest.raises(Problem, match="was switched off"):
            await sites.update(
                shop.world, by(shop, on), shop.site_id, SiteFields(mit=True, name="Other")
            )
    assert len(await noted(shop)) == 1
    await refusal(shop)


@told
async def test_a_merchant_that_was_made_without_a_kind_waits_for_the_operator(shop: Shop) -> None:
    async with shop.world.db.connection() as connection:
        await connection.execute(
            "UPDATE merchants SET mit = false, version = version + 1 WHERE merchant_id = $1",
            shop.merchant_id,
        )
    assert "the operator can switch it on" in ((await refusal(shop)).cure or "")
    with pytest.raises(Problem, match="was switched off"):
        await change(shop.world, shop.scope, MERCHANT, "mit", True)
    await change(shop.world, by(shop, "operator"), MERCHANT, "mit", True)
    await change(
        shop.world, shop.scope, MERCHANT, "mit", False
    )  # from now on it is the merchant's to do
    await change(shop.world, shop.scope, MERCHANT, "mit", True)


@told
async def test_sites_that_are_made_or_changed_note_their_switches(shop: Shop) -> None:
    made = await sites.create(
        shop.world, shop.scope, SiteFields("https://b.example", "B", "SHOP*B", cit_web=False)
    )
    await sites.update(
        shop.world, shop.scope, made.site_id, SiteFields(cit_web=True, mit=False, name="Bee")
    )
    assert [(kind, on) for _, kind, on, *_ in await noted(shop)] == [
        ("mit", False),
        ("cit_web", True),
        ("cit_web", False),
    ]


@pytest.mark.parametrize(
    ("subject", "kind", "why", "code"),
    [
        (Subject("site", uuid4()), "mit", "", "not_found"),
        (Subject("campaign", uuid4()), "mit", "", "not_found"),
        (MERCHANT, "everything", "", "invalid"),
        (MERCHANT, "mit", "x" * 257, "invalid"),
        (MERCHANT, "mit", "a\nb", "invalid"),
    ],
)
@told
async def test_what_cannot_be_switched_is_said(
    shop: Shop, subject: Subject, kind: str, why: str, code: str
) -> None:
    with pytest.raises(Problem) as caught:
        await change(shop.world, shop.scope, subject, kind, False, why)
    assert caught.value.code == code
    assert await noted(shop) == []


@told
async def test_no_merchant_switches_anothers_site(shop: Shop) -> None:
    other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Other")
    with pytest.raises(Problem) as caught:
        await change(shop.world, other.scope, Subject("site", shop.site_id), "mit", False)
    assert caught.value.code == "not_found"
    nobody = Scope(uuid4(), Actor("operator", "o"), "r")
    with pytest.raises(Problem) as caught:
        await change(shop.world, nobody, MERCHANT, "mit", False)
    assert caught.value.code == "not_found"


@told
async def test_of_many_at_once_each_change_is_noted_once_and_the_last_line_is_how_it_stands(
    shop: Shop,
) -> None:
    site = Subject("site", shop.site_id)
    done = await asyncio.gather(
        *(change(shop.world, shop.scope, site, "mit", n % 3 == 0) for n in range(30))
    )
    lines = await noted(shop)
    assert len(lines) == sum(one.changed for one in done)
    assert all(new[2] != old[2] for new, old in zip(lines, lines[1:], strict=False))
    stands = await shop.value("SELECT mit FROM sites WHERE site_id = $1", shop.site_id)
    assert stands is (lines[0][2] if lines else True)


@told
async def test_no_order_passes_a_switch_that_was_off_before_it_came(shop: Shop) -> None:
    """Orders come while the switch goes on and off; the settings each process keeps are up to a
    second old."""
    site = Subject("site", shop.site_id)
    for _ in range(8):
        coming = [asyncio.create_task(shop.ask()) for _ in range(4)]
        await change(shop.world, shop.scope, site, "mit", False)
        late = await asyncio.gather(*(shop.ask() for _ in range(6)), return_exceptions=True)
        assert all(isinstance(one, Problem) and one.code == "kind_switched_off" for one in late), (
            late
        )
        await asyncio.gather(*coming, return_exceptions=True)
        await change(shop.world, shop.scope, site, "mit", True)
        assert not isinstance(
            (await asyncio.gather(shop.ask(), return_exceptions=True))[0], Problem
        )

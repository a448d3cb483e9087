"""An amount that is held is captured from its order's page: once, by those who may, while its
window is open."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from tests.absence import processor_away, refused, worried
from tests.desk.page.test_order_tells import authorised, worked_on
from tests.staff import As, portal, post, texts
from tests.webhooks.page.test_webhooks import make
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.rescue.flows.on_demand import clear_fault, set_fault

KEY = "c4" * 16


async def captures(shop: Shop) -> list[str]:
    sql = (
        "SELECT array_agg(state ORDER BY modification_id) FROM modifications WHERE kind = 'capture'"
    )
    return await shop.value(sql) or []


def test_a_hold_is_captured_once_however_often_the_form_is_sent(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        here = await authorised(shop)
        owner, ops, clerk, dev = [await as_(name) for name in ("owner", "ops", "clerk", "dev")]
        for one in (clerk, dev):
            page = texts(await one.get(here))
            assert "Capture…" not in page
            assert "Capture it with POST /v1/capture before" in page
            assert "may not capture orders" in texts(
                await post(one, here, f"{here}/capture", key=KEY), 403
            )
        assert "No endpoint subscribes to order.completed" in texts(await ops.get(here))
        await make(owner, "https://shop.example/hooks", ("order.completed",))
        page = texts(await ops.get(here))
        for said in (
            "Capture…",
            "The card is charged this amount, once.",
            "gets the webhook order.completed",
        ):
            assert said in page
        assert (
            await ops.post(f"{here}/capture", data={"csrf": "made up", "key": KEY})
        ).status_code == 403
        assert (await post(ops, here, f"{here}/capture", key="no key")).status_code == 400
        assert await captures(shop) == []

        sent = await asyncio.gather(
            *(post(ops, here, f"{here}/capture", key=KEY) for _ in range(3))
        )
        assert {answer.status_code for answer in sent} == {303}
        await shop.settle()
        assert await captures(shop) == ["done"]
        done = texts(await ops.get(sent[0].headers["location"]))
        assert "The amount is captured: the card is charged." in done
        assert "Captured: 45.90 USD" in done
        assert "Capture…" not in done
        again = texts(await post(ops, here, f"{here}/capture", key="d5" * 16), 409)
        assert "It is captured already." in again
        assert await captures(shop) == ["done"]

    portal(server, story)


def test_a_refusal_is_said_and_leaves_the_hold_to_be_captured_again(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        here, ops = await authorised(shop), await as_("ops")
        await set_fault(shop.world, "refuse", timedelta(hours=1))
        refused = texts(await post(ops, here, f"{here}/capture", key=KEY), 409)
        assert "The processor refused the capture (code " in refused
        assert "Capture…" in refused
        await clear_fault(shop.world, "refuse")
        assert (await post(ops, here, f"{here}/capture", key="d5" * 16)).status_code == 303
        await shop.settle()
        assert await captures(shop) == ["refused", "done"]

    portal(server, story)


def test_a_processor_that_takes_its_time_is_waited_for_and_no_second_capture_begins(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        here, ops = await authorised(shop), await as_("ops")
        await set_fault(shop.world, "outage", timedelta(hours=1))
        begun = await post(ops, here, f"{here}/capture", key=KEY)
        assert begun.status_code == 303
        page = texts(await ops.get(begun.headers["location"]))
        assert "The capture is under way: the processor has not answered yet." in page
        assert "Capture…" not in page
        assert "A capture of this order is under way." in texts(
            await post(ops, here, f"{here}/capture", key="d5" * 16), 409
        )
        await clear_fault(shop.world, "outage")
        for _ in range(40):
            await shop.advance(timedelta(minutes=2))
            if await captures(shop) == ["done"]:
                break
        assert await captures(shop) == ["done"]
        assert (await shop.order(UUID(here.rpartition("/")[2])))["stage"] == "completed"

    portal(server, story)


def test_a_refusal_that_comes_late_is_told_and_needs_nobody(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        here, ops = await authorised(shop), await as_("ops")
        with processor_away(monkeypatch):
            begun = await post(ops, here, f"{here}/capture", key=KEY)
            await worried(shop)
            page = texts(await ops.get(here))
            assert "A capture is delayed" in page
            assert "Cancellation not possible. Its capture is under way" in page
        await refused(shop)
        assert await captures(shop) == ["refused"]
        page = texts(await ops.get(begun.headers["location"]))
        assert "The processor refused the capture." in page
        assert "has not answered yet" not in page
        assert "A capture is delayed" not in page.partition("Timeline")[0]
        assert "Cancellation not possible." not in page
        await clear_fault(shop.world, "refuse")
        assert (await post(ops, here, f"{here}/cancel")).status_code == 303
        assert (
            "refused the capture"
            not in texts(await ops.get(begun.headers["location"])).partition("Timeline")[0]
        )

    portal(server, story)


def test_an_old_refusal_says_nothing_untrue_of_an_order_that_was_captured_since(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        here, ops = await authorised(shop), await as_("ops")
        await set_fault(shop.world, "refuse", timedelta(hours=1))
        await post(ops, here, f"{here}/capture", key=KEY)
        await clear_fault(shop.world, "refuse")
        done = await post(ops, here, f"{here}/capture", key="d5" * 16)
        assert done.status_code == 303
        again = texts(await post(ops, here, f"{here}/capture", key=KEY), 409)
        assert "The processor refused the capture" in again
        assert "still authorised" not in again
        given = {"key": "e6" * 16, "how": "amount", "amount": "45.90"}
        await post(await as_("owner"), here, f"{here}/refund", confirm="1", **given)
        assert (
            "the card is charged."
            not in texts(await ops.get(done.headers["location"])).partition("Timeline")[0]
        )

    portal(server, story)


def test_a_house_that_is_full_asked_nothing_and_says_so(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        here, ops = await authorised(shop), await as_("ops")
        with monkeypatch.context() as patched:
            patched.setattr(shop.orders._by_people, "_queue_max", 0)
            assert (await post(ops, here, f"{here}/capture", key=KEY)).status_code == 503
        assert await captures(shop) == []

    portal(server, story)


def test_a_capture_that_was_out_at_the_end_of_its_window_does_not_open_it_anew(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        here, ops = await authorised(shop), await as_("ops")
        with processor_away(monkeypatch):
            await post(ops, here, f"{here}/capture", key=KEY)
            async with owner(shop.world) as connection:  # the time passes, and no clock is moved
                await connection.execute("""
                    ALTER TABLE order_log DISABLE TRIGGER USER;
                    UPDATE order_log SET body = jsonb_set(body, '{capture_before}',
                      to_jsonb(now() - interval '1 s'))
                    WHERE happening = 'authorised';
                    ALTER TABLE order_log ENABLE TRIGGER USER;
                    UPDATE attempts SET closed_at = closed_at - interval '30 days';
                    UPDATE due_work SET due_at = now() - interval '1 s'
                      WHERE kind = 'capture_window';
                """)
            await shop.run_due()
        await refused(shop)
        page = texts(await ops.get(here))
        assert "the time to capture it is over" in page
        assert "Capture…" not in page

    portal(server, story)


def test_nothing_is_captured_after_the_window_or_of_what_is_not_held(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        here, ops = await authorised(shop), await as_("ops")
        _, open_one = await worked_on(shop)
        assert "cannot be captured" in texts(
            await post(ops, open_one, f"{open_one}/capture", key=KEY), 409
        )
        await shop.advance(timedelta(days=8))
        assert "Capture…" not in texts(await ops.get(here))
        assert "cannot be captured" in texts(
            await post(ops, here, f"{here}/capture", key="d5" * 16), 409
        )
        assert await captures(shop) == []

    portal(server, story)


def test_a_part_is_captured_from_the_page_and_the_rest_let_go(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        here, ops = await authorised(shop), await as_("ops")
        page = texts(await ops.get(here))
        for said in (
            "45.90 USD are authorised and not captured",
            "stays authorised for another capture",
        ):
            assert said in page
        for amount in ("90.00", "1.234", "-1", "x"):
            refusal = await post(ops, here, f"{here}/capture", key=KEY, amount=amount, rest="keep")
            assert refusal.status_code == 400, amount
        sent = await post(ops, here, f"{here}/capture", key=KEY, amount="10.00", rest="keep")
        assert sent.status_code == 303
        page = texts(await ops.get(here))
        for said in ("Captured in part: 10.00 USD", "35.90 USD are authorised and not captured"):
            assert said in page
        last = await post(ops, here, f"{here}/capture", key="e6" * 16, amount="0", rest="release")
        assert last.status_code == 303
        page = texts(await ops.get(here))
        assert "Captured in parts: 10.00 USD" in page
        assert "What was not captured is released" in page

    portal(server, story)

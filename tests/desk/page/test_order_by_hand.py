"""Who works on an order in the portal: what they are offered, what happens, and what others are
refused."""

import re

from tests.rescue.flows.test_beside_the_rescue import paid_under_another_id
from tests.settling import DAY, batches, sold, terms
from tests.staff import As, portal, post, texts
from tests.worlds import FUNDS_CARD, Shop, owner

from recoup.db.server import ServerAddress
from recoup.networks.allow_list import PHONE_CARD
from recoup.rescue.flows.due import start

SCRIPT = "<script>alert(1)</script>"
SPACED = " ".join(PHONE_CARD[at : at + 4] for at in range(0, 16, 4))


def test_an_operations_person_works_on_an_order(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        order_id = await shop.admit(pan=FUNDS_CARD)
        await start(shop.orders, shop.key(order_id))
        ops, clerk, olga = [await as_(name) for name in ("ops", "clerk", "olga")]
        here = f"/orders/{order_id}"
        page = texts(await ops.get(here))
        for offered in ("Retry now…", "Stop attempts…", "Hold…", "Add a note", "What will happen"):
            assert offered in page
        assert re.search(
            r"Retry [\d.]+ USD now\? Order \S+ Customer A••• R•••(, .•••@•••)?"
            r" Card \S+ •••• \d{4} What",
            page,
        )
        looked_at = texts(await clerk.get(here))
        assert "Not now: your role may only view it." in looked_at
        assert "Add a note" not in looked_at
        for action in ("retry", "stop", "resume", "hold", "release", "notes"):
            form = {"reason": "check", "note": "x", "key": "0" * 32}
            assert (await post(clerk, here, f"{here}/{action}", **form)).status_code == 403
            assert (await ops.post(f"{here}/{action}", data={"csrf": "made up"})).status_code == 403

        assert (await post(ops, here, f"{here}/hold", reason="because")).status_code == 400
        assert (await post(ops, here, f"{here}/hold", reason="fraud")).status_code == 303
        held = texts(await ops.get(here))
        assert "Put on hold by a person: fraud is suspected." in held
        assert "What to do: Release it when this is resolved, or cancel it." in held
        assert "Contact: the person who put it on hold; see the timeline." in held
        assert "Only the operator" not in held
        assert (await post(ops, here, f"{here}/retry")).status_code == 409
        assert (await post(ops, here, f"{here}/release")).status_code == 303

        assert (await post(olga, here, f"{here}/hold", reason="check")).status_code == 303
        assert "Only the operator may release what the operator holds." in texts(
            await ops.get(here)
        )
        assert (await post(ops, here, f"{here}/release")).status_code == 403
        assert (await post(olga, here, f"{here}/release")).status_code == 303

        stopped = await post(ops, here, f"{here}/stop")
        assert "Attempts are stopped." in texts(await ops.get(stopped.headers["location"]))
        assert "Attempts are stopped." not in texts(await ops.get(here))
        assert "Resume attempts" in texts(await ops.get(here))
        assert (await post(ops, here, f"{here}/retry")).status_code == 409
        assert (await post(ops, here, f"{here}/resume")).status_code == 303
        retried = (await post(ops, here, f"{here}/retry")).headers["location"]
        assert "brought forward and sent within seconds" in texts(await ops.get(retried))
        assert "Brought forward by a person." in texts(await ops.get(here))
        assert (await post(ops, here, f"{here}/retry")).status_code == 303  # pressed again
        await shop.settle()
        assert (await shop.order(order_id))["attempts"] == 1
        assert "sent within seconds" not in texts(await ops.get(retried))

    portal(server, story)


def test_a_decline_that_sounds_final_and_is_not_certain_waits_for_a_person(
    server: ServerAddress,
) -> None:
    words = "Please stop further billing of customer"

    async def story(shop: Shop, as_: As) -> None:
        at = (await shop.now()).isoformat()
        decline = {
            "code": "ERR",
            "source": "example gateway",
            "text": words,
            "advice": None,
            "at": at,
        }
        order_id = await shop.admit(decline=decline)
        await shop.advance(DAY)
        ops, here = await as_("ops"), f"/orders/{order_id}"
        assert (await shop.order(order_id))["attempts"] == 0, "nothing is planned"
        page = texts(await ops.get(here))
        assert words in page
        assert "Read its words in the timeline; attempt it again, or cancel the order." in page
        assert (await post(ops, here, f"{here}/retry")).status_code == 303
        await shop.settle()
        assert (await shop.order(order_id))["stage"] == "completed"
        assert "Read its words" not in texts(await ops.get(here))

    portal(server, story)


def test_notes_stay_with_who_and_when(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        order_id = await shop.admit()
        ops, here, key = await as_("ops"), f"/orders/{order_id}", "a1" * 16
        for _ in range(2):  # a double click
            note = f"Salary on Monday {SCRIPT}"
            assert (await post(ops, here, f"{here}/notes", note=note, key=key)).status_code == 303
        page = await ops.get(f"{here}?show=notes")
        assert SCRIPT not in page.text
        shown = texts(page)
        assert shown.count("Salary on Monday") == 1
        assert "Ops" in shown
        for text, said in (
            ("", "1 to 2,000"),
            ("n" * 2_001, "1 to 2,000"),
            (SPACED, "card number"),
        ):
            refused = await post(ops, here, f"{here}/notes", note=text, key="b2" * 16)
            assert said in texts(refused, 400)
        assert SPACED not in refused.text  # a card number is not said back either
        assert (await post(ops, here, f"{here}/notes", note="x", key="no key")).status_code == 400
        assert (
            await post(ops, here, f"{here}/notes", note="other words", key=key)
        ).status_code == 409
        assert await shop.value("SELECT count(*) FROM order_notes") == 1
        assert (await shop.order(order_id))["version"] == 1

    portal(server, story)


def test_the_money_of_an_order_leads_to_its_settlement(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        await terms(shop, period="day", delay_days=1)
        (order_id,) = await sold(shop)
        clerk, here = await as_("clerk"), f"/orders/{order_id}"
        assert "Not settled yet" in texts(await clerk.get(here))
        await shop.advance(4 * DAY)
        batch = (await batches(shop))[0]["batch_id"]
        page = await clerk.get(here)
        assert f'href="/settlements/{batch}"' in page.text
        for told in ("Approved", "Service fee", "Refunded", "To you", "Charged to customer"):
            assert told in texts(page)

    portal(server, story)


def test_an_ended_order_says_nothing_of_a_next_try(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        order_id = await shop.admit(pan=FUNDS_CARD)
        for _ in range(40):
            await shop.advance(DAY)
            if await shop.value(
                "SELECT count(*) FROM order_log WHERE happening = 'attempt_declined'"
            ):
                break
        assert "Nothing to do: Recoup tries again" in (await ops.get(f"/orders/{order_id}")).text
        async with owner(shop.world) as connection:  # as a decision says that plans no further try
            cure = '["Nothing to do: Recoup tries again near a pay day."]'
            await connection.execute(
                "UPDATE decisions SET reasons = reasons || $1::text::jsonb", cure
            )
        assert (
            await post(ops, f"/orders/{order_id}", f"/orders/{order_id}/cancel")
        ).status_code == 303
        assert await shop.value("SELECT stage FROM current_orders") == "cancelled"
        page = (await ops.get(f"/orders/{order_id}")).text
        table = page[page.index('id="attempts"') : page.index('id="webhooks"')]
        assert "Declined" in table
        assert "Nothing to do" not in table
        why = page[page.index("Why it ended") :]
        assert "Nothing to do" not in why[: why.index("</section>")]

    portal(server, story)


def test_what_only_people_can_settle_goes_away_when_they_say_so(server: ServerAddress) -> None:
    """An order that was paid twice stood among those that need attention for good."""

    async def story(shop: Shop, as_: As) -> None:
        ops, clerk, chief = [await as_(name) for name in ("ops", "clerk", "owner")]
        [order_id] = await sold(shop)
        here = f"/orders/{order_id}"
        await shop.transmitted((await shop.order(order_id))["external_id"], declined=False)
        page = texts(await ops.get(here))
        assert "Paid twice: the merchant's own payment succeeded too." in page
        assert "Mark as resolved" in page
        assert "Mark as resolved" not in texts(await clerk.get(here))
        assert (await post(clerk, here, f"{here}/dealt-with")).status_code == 403
        assert str(order_id) in (await ops.get("/orders?attention=1")).text

        done = await post(ops, here, f"{here}/dealt-with")
        assert "The problem is resolved." in texts(await ops.get(done.headers["location"]))
        page = texts(await ops.get(here))
        assert "Marked as resolved" in page
        assert "What to do:" not in page
        assert str(order_id) not in (await ops.get("/orders?attention=1")).text
        assert "marked an order's problem as resolved" in texts(
            await chief.get("/audit?kind=orders")
        )
        assert (await post(ops, here, f"{here}/dealt-with")).status_code == 303  # pressed again
        assert (await shop.happenings(order_id)).count("dealt_with") == 1

    portal(server, story)


def test_what_ends_by_itself_is_not_said_to_be_dealt_with(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        order_id = await shop.admit(pan=FUNDS_CARD)
        await start(shop.orders, shop.key(order_id))
        here = f"/orders/{order_id}"
        await shop.transmitted((await shop.order(order_id))["external_id"], declined=True)
        assert "You are retrying" in texts(await ops.get(here))
        assert "Mark as resolved" not in texts(await ops.get(here))
        refused = texts(await post(ops, here, f"{here}/dealt-with"), 409)
        assert "It goes away by itself once it is settled." in refused

        await paid_under_another_id(shop, order_id)
        page = texts(await ops.get(here))
        assert (
            "The same customer paid the same amount with this card under another order id." in page
        )
        assert "Paid to you under another order id" in page
        assert (await post(ops, here, f"{here}/dealt-with")).status_code == 303
        assert (await shop.order(order_id))["attention"] is None

    portal(server, story)

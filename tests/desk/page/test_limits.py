"""Limits of refunds and the second person as people meet them: the page of roles, the order, the
desk of approvals."""

import json
import re
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.settlement.flows.test_fees import paid
from tests.staff import As, approve_reviewed, portal, post, review_form, texts, token
from tests.worlds import Shop
from tests.worlds import owner as as_owner

from recoup.db.server import ServerAddress
from recoup.people.flows.make_user import Membership, make_user

KEY = "5" * 31


async def limited(owner: httpx.AsyncClient, role: str = "operations", **amounts: str) -> None:
    answer = await post(owner, "/roles", "/roles/limits", role=role, currency="USD", **amounts)
    assert answer.status_code == 303, answer.text


async def asks(
    client: httpx.AsyncClient, order_id: UUID, amount: str, key: str = "1", **more: str
) -> httpx.Response:
    here = f"/orders/{order_id}"
    return await post(
        client, here, f"{here}/refund", how="amount", amount=amount, key=KEY + key, **more
    )


async def decides(
    client: httpx.AsyncClient, path: str, decision: str, **more: Any
) -> httpx.Response:
    return await client.post(
        path, data={"csrf": await token(client, "/roles"), "decision": decision} | more
    )


async def the_request(shop: Shop) -> str:
    return str(
        await shop.value("SELECT request_id FROM refund_requests ORDER BY request_id DESC LIMIT 1")
    )


async def refunded(shop: Shop) -> int:
    return int(await shop.value("SELECT coalesce(sum(units), 0) FROM modifications"))


def test_an_owner_sets_limits_and_everybody_reads_them(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        owner, ops, clerk = await as_("owner"), await as_("ops"), await as_("clerk")
        page = texts(await clerk.get("/roles"))
        assert ": analyst." in page
        assert "No limit." in page
        assert "Save" not in page
        for other in (ops, clerk):
            answer = await post(
                other, "/roles", "/roles/limits", role="operations", currency="USD", day_max="1"
            )
            assert answer.status_code == 403
        await limited(owner, refund_max="1,500.00", day_max="2000", second_from="50")
        page = texts(await ops.get("/roles"))
        assert "USD 1500.00 2000.00 50.00" in page
        wrong = {"role": "operations", "currency": "USD", "refund_max": "12.345", "day_max": "77"}
        answer = await post(owner, "/roles", "/roles/limits", **wrong)
        assert "Maximum per refund: not an amount in USD." in texts(answer, 400)
        assert 'value="12.345"' in answer.text, "what was typed is kept"
        for bad in (
            {"refund_max": "-5"},
            {"day_max": "1e9"},
            {"second_from": "9" * 39},
            {"currency": "XXX"},
            {"currency": "'; DROP"},
            {"role": "analyst"},
            {"role": "king"},
            {"day_max": "10", "refund_max": "11"},
            {"second_from": "0"},
            {"day_max": "٣"},
        ):
            answer = await post(
                owner,
                "/roles",
                "/roles/limits",
                **({"role": "operations", "currency": "USD"} | bad),
            )
            assert answer.status_code == 400, bad
        assert "USD 1500.00 2000.00 50.00" in texts(await ops.get("/roles"))
        await limited(owner)
        assert "USD" not in texts(await ops.get("/roles"))

    portal(server, story)


def test_who_may_refund_less_hears_how_much_and_what_was_typed_stays(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        owner, ops = await as_("owner"), await as_("ops")
        order_id, other = await paid(shop, 9_000), await paid(shop, 9_000)
        await limited(owner, refund_max="50", day_max="60")
        page = texts(await ops.get(f"/orders/{order_id}"))
        assert "You may refund at most 50.00 at once. 60.00 of your daily limit are left." in page
        review = await ops.get(f"/orders/{order_id}/refund?how=amount&amount=50.01&key={KEY}0")
        assert "Your role may refund at most 50.00 USD at once; this is 50.01 USD." in texts(
            review, 403
        )
        answer = await asks(ops, order_id, "50.01")
        assert "at most 50.00 USD at once" in texts(answer, 403)
        assert 'value="50.01"' in answer.text
        assert (await asks(ops, order_id, "50.00", "2")).status_code == 303
        assert (await asks(ops, order_id, "50.00", "2")).status_code == 303, "a double click"
        assert "10.00 USD are left" in texts(await asks(ops, other, "10.01", "3"), 403)
        assert (await asks(owner, other, "90.00", "4")).status_code == 303, "the owner has no limit"
        assert await refunded(shop) == 5_000 + 9_000

    portal(server, story)


def test_a_refund_waits_for_somebody_else_and_goes_once(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        owner, ops, clerk = await as_("owner"), await as_("ops"), await as_("clerk")
        order_id = await paid(shop, 9_000)
        here = f"/orders/{order_id}"
        await limited(owner, second_from="20")
        await limited(owner, role="owner", second_from="20")
        review = texts(
            await ops.get(f"{here}/refund?how=amount&amount=20.00&key={KEY}1&reason=too+late")
        )
        assert "Request a refund of 20.00 USD" in review
        assert "Until they agree nothing is owed" in review
        for _ in range(2):
            answer = await asks(ops, order_id, "20.00", reason="too late")
            assert answer.status_code == 303
        page = texts(await ops.get(answer.headers["location"]))
        assert "20.00 USD wait for approval: too late" in page
        assert "Refund of 20.00 USD waits for a second person" in page
        assert "Withdraw" in page
        again = await ops.get(f"{here}/refund?how=amount&amount=20.00&key={KEY}1")
        assert again.headers["location"].endswith(f"?refunded={await the_request(shop)}"), (
            "its request"
        )
        request_id = await the_request(shop)
        on_desk, on_order = f"/approvals/refunds/{request_id}", f"{here}/refunds/{request_id}"
        assert "too late" in texts(await owner.get("/approvals"))
        assert "You requested it" in texts(await ops.get("/approvals"))
        assert (await clerk.get("/approvals")).status_code == 403
        for path in (on_desk, on_order):
            assert (await decides(ops, path, "approve", seen="0")).status_code == 403
            assert (await decides(ops, path, "refuse", reason="me")).status_code == 403
            assert (await decides(clerk, path, "approve", seen="0")).status_code == 403
            assert (await decides(owner, path, "withdraw")).status_code == 403
            assert (await decides(owner, path, "agree")).status_code == 400
            for seen in ("-1", "x", "9" * 40):
                assert (await decides(owner, path, "approve", seen=seen)).status_code == 409
            shown = texts(await decides(owner, path, "approve"))
            assert "Review the request for 20.00 USD" in shown, "not reviewed: it is now"
            assert (await decides(owner, path, "refuse", reason=" ")).status_code == 400
        assert await refunded(shop) == 0
        to, fields = review_form(await owner.get(on_order))
        for _ in range(2):
            approved = await owner.post(to, data=fields | {"decision": "approve"})
            assert approved.status_code == 303
        assert await refunded(shop) == 2_000
        olga = await as_("olga")
        late = texts(await decides(olga, on_desk, "approve", seen="2000"), 409)
        assert "It was approved already, and refunded once." in late
        page = texts(await owner.get(here))
        assert "Ops requested it, a second person approved it." in page
        assert "No refunds waiting." in texts(await owner.get("/approvals"))

    portal(server, story)


def test_the_same_person_by_another_membership_is_not_a_second_person(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        owner = await as_("owner")
        await limited(owner, second_from="1")
        await make_user(
            shop.world,
            "twin@example.test",
            "Twin",
            "correct horse battery",
            [
                Membership("merchant", shop.merchant_id, "operations"),
                Membership("operator", UUID(int=0), "operations"),
            ],
        )
        one_tab, other_tab = await as_("twin"), await as_("twin")
        assert (await asks(one_tab, await paid(shop, 9_000), "20.00")).status_code == 303
        path = f"/approvals/refunds/{await the_request(shop)}"
        answer = await decides(other_tab, path, "approve", seen="0")
        assert "somebody else has to approve" in texts(answer, 403)
        assert await refunded(shop) == 0

    portal(server, story)


def test_who_has_left_refunds_nothing_any_more(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        owner, ops = await as_("owner"), await as_("ops")
        await limited(owner, second_from="1")
        assert (await asks(ops, await paid(shop, 9_000), "20.00")).status_code == 303
        async with shop.world.people.transaction() as connection:
            await connection.execute(
                "DELETE FROM memberships WHERE role = 'operations' AND subject_kind = 'merchant'"
            )
        path = f"/approvals/refunds/{await the_request(shop)}"
        assert "may not refund here any more" in texts(await approve_reviewed(owner, path), 409)
        assert (await decides(owner, path, "refuse", reason="left")).status_code == 303

    portal(server, story)


def test_pieces_of_an_order_wait_and_are_refunded_as_they_were_asked(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        owner, ops = await as_("owner"), await as_("ops")
        await limited(owner, second_from="1")
        items = [{"sku": "TEA", "name": "Tea", "amount": 9_000, "quantity": 3}]
        order_id = await paid(shop, 9_000)
        async with as_owner(shop.world) as connection:
            sql = (
                "UPDATE orders SET facts = facts || jsonb_build_object('items', $2::jsonb) "
                "WHERE order_id = $1"
            )
            await connection.execute(sql, order_id, json.dumps(items))
        here = f"/orders/{order_id}"
        answer = await post(ops, here, f"{here}/refund", how="items", line_1="2", key=KEY + "1")
        assert answer.status_code == 303, texts(answer, answer.status_code)
        path = f"/approvals/refunds/{await the_request(shop)}"
        approved = await approve_reviewed(owner, path)
        said = texts(await owner.get(approved.headers["location"]))
        assert "The refund is approved and is being sent." in said
        assert await shop.value("SELECT items FROM modifications") == [
            {"line": 1, "units": 6_000, "quantity": 2}
        ]

    portal(server, story)


@pytest.mark.parametrize(
    "path", ["/approvals/refunds/{}", "/orders/{order}/refunds/{}", "/orders/{other}/refunds/{}"]
)
def test_ids_of_nothing_and_of_another_order_are_not_found(
    server: ServerAddress, path: str
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        owner, ops = await as_("owner"), await as_("ops")
        await limited(owner, second_from="1")
        order_id, other = await paid(shop, 9_000), await paid(shop, 9_000)
        assert (await asks(ops, order_id, "20.00")).status_code == 303
        found = [str(uuid4()), "nonsense", "%00"] + (
            [await the_request(shop)] if "{other}" in path else []
        )
        for request_id in found:
            answer = await decides(
                owner, path.format(request_id, order=order_id, other=other), "approve", seen="0"
            )
            assert answer.status_code == 404, request_id
        foreign = await (await as_("owner")).post(
            f"/approvals/refunds/{await the_request(shop)}",
            data={"csrf": "x", "decision": "approve", "seen": "0"},
        )
        assert foreign.status_code == 403
        rita = await as_("rita")
        stolen = re.search(r'name="csrf" value="([^"]*)"', (await rita.get("/partner")).text)
        assert stolen
        answer = await rita.post(
            f"/approvals/refunds/{await the_request(shop)}",
            data={"csrf": stolen[1], "decision": "approve", "seen": "0"},
        )
        assert answer.status_code in (403, 404)
        assert await refunded(shop) == 0

    portal(server, story)

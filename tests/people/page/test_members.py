"""A membership ends on the page of people: at the next request nothing is left of it, and nobody
locks a shop out."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.people.page.test_invitations import invited, joined, people
from tests.staff import PARTNER, As, portal, post, texts, token
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.people.flows.invitations import Subject, invite
from recoup.people.flows.memberships import end_membership
from recoup.people.page import forms


async def id_of(shop: Shop, who: str) -> UUID:
    found: UUID = (
        await people(shop, "SELECT user_id FROM users WHERE email = $1", f"{who}@example.test")
    )[0][0]
    return found


async def end(
    shop: Shop, by: httpx.AsyncClient, who: str, subject: str = "merchant", **more: str
) -> httpx.Response:
    path = f"/invitations/members/{await id_of(shop, who)}/end"
    return await post(by, "/invitations", path, subject=subject, **more)


async def grant(shop: Shop, who: str, role: str) -> None:
    await people(
        shop, "UPDATE memberships SET role = $2 WHERE user_id = $1", await id_of(shop, who), role
    )


def subject_of(shop: Shop) -> Subject:
    return Subject("merchant", shop.merchant_id, "Brightleaf Tea")


def test_whose_membership_ended_sees_nothing_with_the_next_request(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, ops = await signed_in("owner"), await signed_in("ops")
        csrf = await token(ops, "/orders")
        page = await owner.get("/invitations")
        assert "Ops (ops@example.test) loses access to Brightleaf Tea at once." in texts(page)
        outside = re.sub(r"<dialog.*?</dialog>", "", page.text, flags=re.S)
        assert f"/members/{await id_of(shop, 'ops')}/end" not in outside, "only behind its question"
        assert (await end(shop, owner, "ops")).status_code == 303
        assert (await ops.get("/orders")).status_code == 403
        assert (await ops.post("/switches", data={"csrf": csrf})).status_code == 403
        told = texts(await owner.get("/invitations"))
        assert "ops@example.test" not in told
        assert "Ops , operations ended" in told
        rows = await people(shop, "SELECT happening, role, by_user, request_id FROM membership_log")
        assert [(row["happening"], row["role"], row["by_user"]) for row in rows] == [
            ("ended", "operations", await id_of(shop, "owner"))
        ]
        assert rows[0]["request_id"]
        assert (await end(shop, owner, "ops")).status_code == 404

    portal(server, story)


def test_what_they_sent_and_what_would_let_them_back_opens_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, ops = await signed_in("owner"), await signed_in("ops")
        kept = await invited(owner, "kept@example.test")
        await grant(shop, "ops", "owner")
        sent = await invited(ops, "friend@example.test", "owner")
        back = await invited(owner, "ops@example.test", "owner")
        assert (await end(shop, owner, "ops")).status_code == 303
        for path in (sent, back):
            assert (await joined(await signed_in(""), path)).status_code == 404
        assert (await joined(await signed_in(""), kept)).status_code == 303
        revoked = await people(
            shop, "SELECT revoked_by, sealed_token FROM invitations WHERE revoked_at IS NOT NULL"
        )
        assert [(row["revoked_by"], row["sealed_token"]) for row in revoked] == [
            (await id_of(shop, "owner"), None)
        ] * 2

    portal(server, story)


def test_the_last_owner_stays_and_nobody_leaves_by_accident(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, olga = await signed_in("owner"), await signed_in("olga")
        assert "only owner" in texts(await end(shop, owner, "owner", leave="yes"), 409)
        assert "only owner" in texts(await end(shop, olga, "owner"), 409)
        await grant(shop, "ops", "owner")
        await people(shop, "UPDATE users SET state = 'blocked' WHERE email = 'ops@example.test'")
        assert (await end(shop, owner, "owner", leave="yes")).status_code == 409, (
            "a blocked owner is none"
        )
        await people(shop, "UPDATE users SET state = 'active'")
        assert "your own membership" in texts(await end(shop, owner, "owner"), 400)
        assert (await end(shop, owner, "owner", leave="yes")).status_code == 303
        assert (await owner.get("/orders")).status_code == 403

    portal(server, story)


def test_of_two_owners_who_end_each_other_at_once_one_stays(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await grant(shop, "ops", "owner")
        one, two = await id_of(shop, "owner"), await id_of(shop, "ops")

        async def ended(user_id: UUID, by: UUID) -> Any:
            return await end_membership(
                shop.world, subject_of(shop), user_id, by=by, request_id="r"
            )

        told = await asyncio.gather(ended(one, two), ended(two, one), return_exceptions=True)
        assert [one.code for one in told if isinstance(one, Problem)] == ["conflict"]
        gone = two if told[1] is None else one
        with pytest.raises(Problem, match="not an owner there"):
            await invite(
                shop.world, subject_of(shop), gone, "late@example.test", "owner", request_id="test"
            )

    portal(server, story)


def test_only_owners_and_the_operator_end_memberships_and_only_there(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        pat, rita, olga = await signed_in("pat"), await signed_in("rita"), await signed_in("olga")
        for who in ("ops", "dev", "clerk", "pia"):
            client = await signed_in(who)
            path = f"/invitations/members/{await id_of(shop, 'clerk')}/end"
            assert (
                await post(client, "/orders", path, subject="merchant", leave="yes")
            ).status_code == 403, who
        assert (await end(shop, rita, "pia", "partner")).status_code == 404
        assert (await end(shop, rita, "clerk")).status_code == 404
        assert (await end(shop, pat, "clerk", "partner")).status_code == 404, (
            "a member of the shop, not of the partner"
        )
        assert (await end(shop, pat, "pia", "partner")).status_code == 303
        assert (await end(shop, pat, "dev")).status_code == 303, (
            "its partner's owner owns the shop, too"
        )
        await people(
            shop, "UPDATE memberships SET role = 'operations' WHERE subject_kind = 'operator'"
        )
        assert (await end(shop, olga, "clerk")).status_code == 303
        told = await post(
            olga,
            "/invitations",
            "/invitations",
            subject="merchant",
            email="x@e.example",
            role="owner",
        )
        assert told.status_code == 403
        left = await people(shop, "SELECT user_id FROM memberships WHERE subject_id = $1", PARTNER)
        assert [row["user_id"] for row in left] == [await id_of(shop, "pat")]

    portal(server, story)


def test_a_form_that_was_held_open_until_somebody_was_let_go_does_nothing(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        order_id, ops = await shop.admit(), await signed_in("ops")
        path, owner = f"/orders/{order_id}", await signed_in("owner")
        fields = {"csrf": await token(ops, path), "note": "still here", "key": "d" * 32}
        file = {
            "files": {"file": ("a.json", b"[]", "application/json")},
            "data": fields | {"kind": "transmit"},
        }
        for to, more in ((f"{path}/notes", {"data": fields}), ("/uploads", file)):
            made = ops.build_request("POST", to, **more)
            body = await made.aread()
            arriving = asyncio.Event()

            async def held(
                body: bytes = body, arriving: asyncio.Event = arriving
            ) -> AsyncIterator[bytes]:
                yield body[:-10]
                await arriving.wait()
                yield body[-10:]

            headers = {"content-type": made.headers["content-type"]}
            sent = asyncio.create_task(ops.post(to, content=held(), headers=headers))
            await asyncio.sleep(0.2)
            await grant(shop, "ops", "analyst")
            arriving.set()
            assert (await sent).status_code == 403, to
            await grant(shop, "ops", "operations")
        assert "still here" not in (await owner.get(path)).text

    portal(server, story)


def test_a_form_that_does_not_arrive_is_not_waited_for(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "FORM_SECONDS_MAX", 0.2)

    async def story(shop: Shop, signed_in: As) -> None:
        async def never() -> AsyncIterator[bytes]:
            yield b"csrf="
            await asyncio.sleep(60)

        kind = {"content-type": "application/x-www-form-urlencoded"}
        answer = await asyncio.wait_for(
            (await signed_in("ops")).post("/switches", content=never(), headers=kind), 10
        )
        assert "arrived incomplete" in texts(answer, 400)

    portal(server, story)

"""People are invited, join once, and nobody learns more than they should."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
from tests.staff import PASSWORD, As, portal, post, texts, token
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.people.flows.invitations import SENT_MAX, Subject, invite
from recoup.people.flows.mails import send_invitations

NEW = "a password of my own"


async def people(shop: Shop, sql: str, *args: Any) -> Any:
    async with shop.world.people.connection() as connection:
        return await connection.fetch(sql, *args)


async def invited(
    client: httpx.AsyncClient, email: str, role: str = "operations", subject: str = "merchant"
) -> str:
    """The path of the newest link, as its mail says."""
    answer = await post(
        client, "/invitations", "/invitations", email=email, role=role, subject=subject
    )
    assert answer.status_code == 303, answer.text
    found = re.findall(
        r"http://recoup\.test(/invitations/[A-Za-z0-9_-]{43})",
        (await client.get("/invitations")).text,
    )
    assert found
    return str(found[0])


async def joined(
    client: httpx.AsyncClient, path: str, name: str = "Noa New", password: str = NEW
) -> httpx.Response:
    return await client.post(path, data={"name": name, "password": password})


def without_number(page: httpx.Response) -> str:
    return re.sub(r"[0-9a-f-]{32,}", "", page.text)


def test_a_new_person_joins_by_the_link_and_sees_the_shop(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss, nobody = await signed_in("owner"), await signed_in("")
        path = await invited(boss, "Noa@Example.test ")
        kept = await people(
            shop, "SELECT token_hash, sealed_token, mail_state, email FROM invitations"
        )
        assert (kept[0]["sealed_token"], kept[0]["mail_state"], kept[0]["email"]) == (
            None,
            "sent",
            "noa@example.test",
        )
        assert path.rpartition("/")[2].encode() not in kept[0]["token_hash"]
        told = texts(await nobody.get(path))
        assert "Join Brightleaf Tea" in told
        assert "noa@example.test , with the role operations" in told
        for name, password, status in (("", NEW, 400), ("Noa", "short", 400), ("x" * 90, NEW, 400)):
            assert (await joined(nobody, path, name, password)).status_code == status
        answer = await joined(nobody, path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/orders")
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "Brightleaf Tea" in (await nobody.get("/orders")).text
        assert "Joined Noa New" in texts(await boss.get("/invitations"))
        again = await signed_in("")
        answer = await again.post("/signin", data={"email": "noa@example.test", "password": NEW})
        assert answer.status_code == 303

    portal(server, story)


def test_an_invitation_that_the_sandbox_keeps_is_not_said_to_be_sent(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss = await signed_in("owner")
        link = await invited(boss, "noa@example.test")
        page = texts(await boss.get("/invitations"))
        assert "Not sent (sandbox)" in page
        assert " Sent " not in page
        assert (
            "The sandbox sends no e-mail: invitations are shown here. Open one under “Read”" in page
        )
        assert link in page

    portal(server, story)


def test_used_revoked_over_and_unknown_links_read_the_same(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss, nobody = await signed_in("owner"), await signed_in("")
        used = await invited(boss, "one@example.test")
        assert (await joined(await signed_in(""), used)).status_code == 303
        revoked = await invited(boss, "two@example.test")
        row = (
            await people(
                shop, "SELECT invitation_id FROM invitations WHERE email = 'two@example.test'"
            )
        )[0]
        answer = await post(
            boss, "/invitations", f"/invitations/{row[0]}/revoke", subject="merchant"
        )
        assert answer.status_code == 303
        over = await invited(boss, "three@example.test")
        await people(
            shop, "UPDATE invitations SET expires_at = now() WHERE email = 'three@example.test'"
        )
        pages = []
        for path in (
            used,
            revoked,
            over,
            "/invitations/" + "x" * 43,
            "/invitations/%00",
            "/invitations/" + "é" * 9,
        ):
            for answer in (await nobody.get(path), await joined(nobody, path)):
                assert answer.status_code == 404
                pages.append(without_number(answer))
        assert len(set(pages)) == 1
        for email in ("two", "three"):
            assert not await people(
                shop, "SELECT FROM users WHERE email = $1", f"{email}@example.test"
            )

    portal(server, story)


def test_nobody_gets_anothers_account_by_a_link(server: ServerAddress) -> None:
    """Whoever has a password here signs in with it; the link sets no other."""

    async def story(shop: Shop, signed_in: As) -> None:
        boss, nobody, rita = await signed_in("owner"), await signed_in(""), await signed_in("rita")
        path = await invited(boss, "rita@example.test", "analyst")
        page = await nobody.get(path)
        assert "Sign in to join" in texts(page)
        assert 'name="password"' not in page.text
        answer = await joined(nobody, path)
        assert answer.status_code == 409
        assert "set-cookie" not in answer.headers
        data = {"email": "rita@example.test", "password": PASSWORD}
        assert (await (await signed_in("")).post("/signin", data=data)).status_code == 303
        to = re.search(r'href="(/signin\?next=[^"]*)"', page.text)
        assert to
        answer = await nobody.get(to[1])
        assert 'value="/invitations/' in answer.text, "it comes back after signing in"
        assert (await rita.post(path, data={"csrf": "x"})).status_code == 403
        answer = await rita.post(path, data={"csrf": await token(rita, path)})
        assert answer.status_code == 303
        assert "Brightleaf Tea" in (await rita.get("/onboarding")).text
        rows = await people(
            shop,
            "SELECT role FROM memberships JOIN users USING (user_id) WHERE email = $1 AND "
            "subject_kind = 'merchant'",
            "rita@example.test",
        )
        assert [row["role"] for row in rows] == ["analyst"]

    portal(server, story)


def test_a_member_stays_what_they_are(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss = await signed_in("owner")
        path = await invited(boss, "owner@example.test", "analyst")
        assert (await boss.post(path, data={"csrf": await token(boss, path)})).status_code == 303
        assert (await boss.get("/invitations")).status_code == 200, "still the owner"

    portal(server, story)


def test_of_two_who_use_a_link_at_once_one_joins(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss = await signed_in("owner")
        others = [await signed_in(name) for name in ("rita", "pat", "pia")]
        path = await invited(boss, "who@example.test")
        tokens = [await token(one, path) for one in others]
        before = len(await people(shop, "SELECT FROM memberships"))
        strangers = [await signed_in("") for _ in range(3)]
        answers = await asyncio.gather(
            *(
                one.post(path, data={"csrf": csrf})
                for one, csrf in zip(others, tokens, strict=True)
            ),
            *(joined(one, path) for one in strangers),
        )
        assert sorted(answer.status_code for answer in answers).count(303) == 1
        assert len(await people(shop, "SELECT FROM memberships")) == before + 1

    portal(server, story)


def test_only_owners_invite_and_only_where_they_own(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss, pat, rita = await signed_in("owner"), await signed_in("pat"), await signed_in("rita")
        for name in ("ops", "dev", "clerk", "pia"):
            client = await signed_in(name)
            assert (await client.get("/invitations")).status_code == 403
            answer = await post(
                client,
                "/orders",
                "/invitations",
                email="x@example.test",
                role="owner",
                subject="merchant",
            )
            assert answer.status_code == 403
        path = await invited(pat, "p@example.test", "analyst", "partner")
        foreign = {"email": "x@example.test", "role": "owner"}
        for subject in (
            "partner:00000000-0000-0000-0000-000000000008",
            "partner:x",
            "Partner",
            "operator",
            "",
        ):
            assert (
                await post(pat, "/invitations", "/invitations", subject=subject, **foreign)
            ).status_code == 403
        row = (await people(shop, "SELECT invitation_id FROM invitations"))[0]
        for client in (boss, rita):
            answer = await post(
                client, "/invitations", f"/invitations/{row[0]}/revoke", subject="merchant"
            )
            assert answer.status_code == 404
        for bad in (
            {"email": "x", "role": "owner"},
            {"email": "x@example.test", "role": "god"},
            {"email": "a@b.example\r\nBcc: c@d.example", "role": "owner"},
        ):
            answer = await post(boss, "/invitations", "/invitations", subject="merchant", **bad)
            assert answer.status_code == 400
        assert (await joined(await signed_in(""), path)).status_code == 303
        analysts = "SELECT FROM memberships WHERE subject_kind = 'partner' AND role = 'analyst'"
        assert len(await people(shop, analysts)) == 2

    portal(server, story)


def test_there_is_an_end_to_inviting(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss = await signed_in("owner")
        path = await invited(boss, "x@example.test")
        await people(
            shop,
            "INSERT INTO invitations SELECT gen_random_uuid(), sha256(n::text::bytea), NULL, email,"
            " subject_kind, subject_id, subject_name, role, world, invited_by, created_at, "
            "expires_at, NULL,"
            " NULL, NULL, NULL, 'sent', 1, NULL, '' FROM invitations, generate_series(1, 49) n",
        )
        answer = await post(
            boss,
            "/invitations",
            "/invitations",
            email="y@example.test",
            role="owner",
            subject="merchant",
        )
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
        assert (await (await signed_in("")).get(path)).status_code == 200

    portal(server, story)


def test_one_person_sends_only_so_many_whatever_they_own(server: ServerAddress) -> None:
    """A partner's owner owns all its merchants: fifty of each were fifty thousand mails."""

    async def story(shop: Shop, signed_in: As) -> None:
        pat, boss = await signed_in("pat"), await signed_in("owner")
        await invited(pat, "x@example.test")
        await people(
            shop,
            "INSERT INTO invitations SELECT gen_random_uuid(), sha256(n::text::bytea), NULL, email,"
            " 'merchant', gen_random_uuid(), subject_name, role, world, invited_by, created_at, "
            "expires_at,"
            " NULL, NULL, NULL, NULL, 'sent', 1, NULL, '' FROM invitations, generate_series(1, $1) "
            "n",
            SENT_MAX - 2,
        )
        subject, user_id = (
            Subject("merchant", shop.merchant_id, "Tea"),
            (await people(shop, "SELECT invited_by FROM invitations LIMIT 1"))[0][0],
        )
        slow = await asyncpg.connect(shop.world.people_dsn)
        async with slow.transaction():  # both are past their counting, if nothing keeps them apart
            await slow.execute("LOCK TABLE invitations IN EXCLUSIVE MODE")
            asked = [
                asyncio.create_task(
                    invite(
                        shop.world,
                        subject,
                        user_id,
                        f"{n}@example.test",
                        "analyst",
                        request_id="test",
                    )
                )
                for n in range(2)
            ]
            await asyncio.sleep(1)
        told = await asyncio.gather(*asked, return_exceptions=True)
        await slow.close()
        assert (
            sum(isinstance(one, Problem) and one.code == "too_many_requests" for one in told) == 1
        )
        answer = await post(
            pat,
            "/invitations",
            "/invitations",
            email="y@example.test",
            role="owner",
            subject="partner",
        )
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
        await invited(boss, "z@example.test")
        await people(shop, "UPDATE invitations SET created_at = created_at - interval '1 day'")
        await invited(pat, "y@example.test", "owner", "partner")

    portal(server, story)


def test_a_mail_that_was_lost_goes_out_again_and_is_read_once(server: ServerAddress) -> None:
    """Killed between the invitation and its mail, or the answer lost: the worker sends it with the
    same Message-ID."""

    async def story(shop: Shop, signed_in: As) -> None:
        boss, mail = await signed_in("owner"), shop.world.mail
        answer = await post(
            boss,
            "/invitations",
            "/invitations",
            email="later@example.test",
            role="analyst",
            subject="merchant",
        )
        assert answer.status_code == 303
        row = (await people(shop, "SELECT * FROM invitations"))[0]
        assert (row["mail_state"], row["mail_tries"], row["mail_why"]) == (
            "owed",
            1,
            "no answer in time",
        )
        assert row["sealed_token"] is not None
        assert await send_invitations(shop.world) == 0, "not before its pause is over"
        await people(shop, "UPDATE invitations SET mail_due_at = now() - interval '1 second'")
        assert sum(await asyncio.gather(*(send_invitations(shop.world) for _ in range(4)))) == 1
        row = (await people(shop, "SELECT * FROM invitations"))[0]
        assert (row["mail_state"], row["mail_tries"], row["sealed_token"]) == ("sent", 2, None)
        assert (await mail.inbox([row["invitation_id"]]))[row["invitation_id"]]["times"] == 2
        answer = await post(
            boss,
            "/invitations",
            "/invitations",
            email="refused@example.test",
            role="analyst",
            subject="merchant",
        )
        assert "refused" in texts(await boss.get("/invitations"))
        # The process died after the intent: its lease runs out, and the next one sends it.
        await people(
            shop,
            "UPDATE invitations SET mail_state = 'owed', mail_due_at = $1, sealed_token = $2,"
            " email = 'z@example.test', mail_tries = 1 WHERE email LIKE 'refused@%'",
            shop.world.clocks.wall() + timedelta(seconds=30),
            b"broken",
        )
        assert await send_invitations(shop.world) == 0
        await people(shop, "UPDATE invitations SET mail_due_at = now() WHERE mail_state = 'owed'")
        assert await send_invitations(shop.world) == 1
        row = (await people(shop, "SELECT * FROM invitations WHERE email = 'z@example.test'"))[0]
        assert (row["mail_state"], row["mail_why"]) == ("owed", "Problem"), (
            "what cannot be opened is not lost silently"
        )
        unknown = f"/invitations/{new_id()}/revoke"
        assert (await post(boss, "/invitations", unknown, subject="merchant")).status_code == 404

    portal(server, story)


def test_the_mail_is_in_the_language_of_the_invited_person_else_of_the_inviter(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss, rita = await signed_in("owner"), await signed_in("rita")
        for who, chosen in (
            (boss, {"language": "de"}),
            (boss, {"zone": "Asia/Kolkata"}),
            (rita, {"language": "zh"}),
        ):
            assert (await post(who, "/account/time", "/account/time", **chosen)).status_code == 303
        for email in ("noa@example.test", "rita@example.test", "clerk@example.test"):
            await invited(boss, email)
        async with owner(shop.world) as connection:
            mails = {
                row["recipient"]: row
                for row in await connection.fetch("SELECT * FROM mailbox.mails")
            }
        assert mails["noa@example.test"]["subject"] == "Einladung zu Brightleaf Tea"
        assert "mit der Rolle Operations" in mails["noa@example.test"]["text"]
        assert "Asia/Kolkata:" in mails["noa@example.test"]["text"]
        assert '<a href="http://recoup.test/invitations/' in mails["noa@example.test"]["html"]
        assert mails["rita@example.test"]["subject"] == "Brightleaf Tea 的邀请"
        assert mails["clerk@example.test"]["subject"] == "Einladung zu Brightleaf Tea", (
            "who chose none"
        )

    portal(server, story)

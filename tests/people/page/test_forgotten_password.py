"""Somebody forgot their password: a link by mail sets another, once and soon, and tells nobody who
has an account."""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
import httpx
import pytest
from tests.partners.page.test_partner import Office, office
from tests.partners.page.test_partner import post as post_of
from tests.people.page.test_second_factor import code, people, set_up
from tests.staff import PASSWORD, As, portal, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kit.upkeep import purge_expired
from recoup.kit.world import World
from recoup.people.flows.mails import send_account_mails, send_password_links
from recoup.people.flows.password_links import MAILS_MAX, link_by_operator, link_of_ask
from recoup.people.page.endpoint import COOKIE

NEW = "a password of today"
LINK = re.compile(r"http://recoup\.test(/signin/password/[A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])")


async def mails(world: World, to: str) -> Sequence[asyncpg.Record]:
    """That arrived, the oldest first."""
    connection = await asyncpg.connect(world.dsn)
    try:
        return list(
            await connection.fetch(
                "SELECT subject, text, html FROM mailbox.mails WHERE recipient = $1 ORDER BY "
                "arrived_at, id",
                to,
            )
        )
    finally:
        await connection.close()


async def asked(client: httpx.AsyncClient, email: str, **headers: str) -> httpx.Response:
    return await client.post("/signin/forgot", data={"email": email}, headers=headers)


async def mailed(world: World, client: httpx.AsyncClient, email: str, **headers: str) -> str:
    """The path of the newest link, as its mail says."""
    assert (await asked(client, email, **headers)).status_code == 200
    await send_password_links(world)
    found = LINK.search((await mails(world, email))[-1]["text"])
    assert found
    return found[1]


async def sign_in(client: httpx.AsyncClient, email: str, password: str) -> int:
    return (await client.post("/signin", data={"email": email, "password": password})).status_code


def test_who_forgot_the_password_sets_another_by_the_mails_link(server: ServerAddress) -> None:
    """Shop's people, the operator's and a partner's, by the same page; everything that was open
    ends."""

    async def story(shop: Shop, signed_in: As) -> None:
        for who in ("clerk", "olga", "pat"):
            email, old, nobody = f"{who}@example.test", await signed_in(who), await signed_in("")
            assert 'href="/signin/forgot"' in (await nobody.get("/signin")).text
            path = await mailed(shop.world, nobody, email)
            page = await nobody.get(path)
            assert email in texts(page), "looking at it uses nothing up: mail scanners do"
            assert page.headers["referrer-policy"] in ("no-referrer", "same-origin")
            done = await nobody.post(path, data={"password": NEW})
            assert "Your password was changed" in texts(done)
            assert COOKIE not in nobody.cookies, "nobody is signed in by a link"
            assert (await old.get("/orders")).status_code == 303, "sessions of before are over"
            assert await sign_in(await signed_in(""), email, PASSWORD) == 401
            assert await sign_in(nobody, email, NEW) == 303
            await send_account_mails(shop.world)
            assert [one["subject"] for one in await mails(shop.world, email)] == [
                "A new password",
                "Your password was changed",
            ]
        kept = await people(shop, "SELECT encode(token_hash, 'escape') FROM password_links")
        assert path.rpartition("/")[2] not in str(kept)
        lines = await people(
            shop,
            "SELECT action, actor LIKE 'user:%' FROM account_log WHERE action LIKE 'password%' "
            "ORDER BY log_id LIMIT 2",
        )
        assert lines == [("password_link_asked", False), ("password_set", True)]
        told = texts(await (await signed_in("owner")).get("/audit?kind=people"))
        assert "set a new password with a link" in told

    portal(server, story)


def test_a_link_works_once_for_an_hour_and_reads_the_same_when_it_does_not(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        nobody = await signed_in("")
        used = await mailed(shop.world, nobody, "clerk@example.test")
        other = await mailed(shop.world, nobody, "clerk@example.test")
        assert used != other
        assert (await nobody.post(used, data={"password": "short"})).status_code == 400
        assert (await nobody.post(used, data={"password": NEW})).status_code == 200
        over = await mailed(shop.world, nobody, "ops@example.test")
        await people(shop, "UPDATE password_links SET expires_at = now() WHERE used_at IS NULL")
        blocked = await mailed(shop.world, nobody, "dev@example.test")
        await people(shop, "UPDATE users SET state = 'blocked' WHERE email = 'dev@example.test'")
        pages = set()
        for path in (
            used,
            other,
            over,
            blocked,
            "/signin/password/" + "x" * 43,
            "/signin/password/%00",
        ):
            for answer in (
                await nobody.get(path),
                await nobody.post(path, data={"password": "another one, later"}),
            ):
                assert answer.status_code == 404, path
                pages.add(re.sub(r"[0-9a-f-]{32,}", "", answer.text))
        assert len(pages) == 1
        assert await sign_in(nobody, "clerk@example.test", NEW) == 303
        assert await sign_in(await signed_in(""), "ops@example.test", PASSWORD) == 303

    portal(server, story)


def test_of_two_passwords_sent_at_once_one_counts_and_the_same_twice_is_done_once(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        nobody = await signed_in("")
        path = await mailed(shop.world, nobody, "clerk@example.test")
        words = ["a password of one tab", "a password of another"]
        both = await asyncio.gather(*(nobody.post(path, data={"password": one}) for one in words))
        assert sorted(one.status_code for one in both) == [200, 404]
        won = words[[one.status_code for one in both].index(200)]
        fits = [await sign_in(await signed_in(""), "clerk@example.test", one) for one in words]
        assert fits == [303 if one == won else 401 for one in words]
        again = await nobody.post(path, data={"password": won})
        assert "Your password was changed" in texts(again)
        path = await mailed(shop.world, nobody, "clerk@example.test")
        twice = await asyncio.gather(*(nobody.post(path, data={"password": NEW}) for _ in range(4)))
        assert [one.status_code for one in twice] == [200] * 4
        sets = await people(shop, "SELECT count(*) FROM account_log WHERE action = 'password_set'")
        assert sets == [(2,)]

    portal(server, story)


def test_a_used_link_is_no_place_to_guess_the_password_at(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        nobody = await signed_in("")
        path = await mailed(shop.world, nobody, "clerk@example.test")
        await nobody.post(path, data={"password": NEW})
        told = [
            (await nobody.post(path, data={"password": f"a guess number {n}"})).status_code
            for n in range(12)
        ]
        assert told == [404] * 12
        assert (await nobody.post(path, data={"password": NEW})).status_code == 404, (
            "the tries are used up"
        )

    portal(server, story)


def test_nobody_learns_who_has_an_account(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        nobody = await signed_in("")
        await people(shop, "UPDATE users SET state = 'blocked' WHERE email = 'dev@example.test'")
        pages, emails = (
            set(),
            ("clerk@example.test", "noone@example.test", "dev@example.test", "no address", "a@b#c"),
        )
        for email in emails:
            answer = await asked(nobody, email)
            assert answer.status_code == 200
            pages.add(answer.text.replace(email, "*"))
            assert "set-cookie" not in answer.headers
        assert len(pages) == 1
        rows = await people(
            shop, "SELECT mail_state, mail_tries FROM password_asks ORDER BY ask_id"
        )
        assert rows == [("owed", 0), *[("none", 0)] * 4], (
            "the same work for each; the mail leaves later, by the worker"
        )
        await send_password_links(shop.world)
        assert len(await mails(shop.world, "clerk@example.test")) == 1
        for email in emails[1:]:
            assert not await mails(shop.world, email)
        told = [(await asked(nobody, "noone@example.test")).status_code for _ in range(9)]
        told_of_clerk = [(await asked(nobody, "clerk@example.test")).status_code for _ in range(9)]
        assert told == told_of_clerk == [200] * 7 + [429] * 2

    portal(server, story)


def test_nobodys_mailbox_is_filled_and_no_sign_in_is_stopped_by_it(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        email = "owner@example.test"
        for network in range(1, 9):
            told = [
                (await asked(at.browser(f"203.0.{network}.7"), email)).status_code
                for _ in range(10)
            ]
            assert told == [200] * 8 + [429] * 2
        while await send_password_links(at.world):
            pass
        assert len(await mails(at.world, email)) == MAILS_MAX
        assert (await asked(at.browser("198.51.100.9"), email)).status_code == 429
        assert await sign_in(at.browser("203.0.1.7"), email, PASSWORD) == 303

    office(server, story)


def test_who_ran_out_of_tries_may_say_that_they_forgot_and_signs_in_at_once(
    server: ServerAddress,
) -> None:
    async def story(at: Office) -> None:
        mine, email = at.browser("203.0.113.7"), "owner@example.test"
        assert [await sign_in(mine, email, "a wrong password") for _ in range(9)][-1] == 429
        path = await mailed(at.world, mine, email)
        assert (await mine.post(path, data={"password": NEW})).status_code == 200
        assert await sign_in(mine, email, NEW) == 303

    office(server, story)


def test_a_second_factor_is_asked_for_after_a_new_password(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, nobody = await signed_in("owner"), await signed_in("")
        secret, _, _ = await set_up(shop, owner)
        half = await signed_in("")
        assert (
            await half.post("/signin", data={"email": "owner@example.test", "password": PASSWORD})
        ).headers["location"] == "/signin/code"
        path = await mailed(shop.world, nobody, "owner@example.test")
        done = await nobody.post(path, data={"password": NEW})
        assert "second factor" in texts(done)
        late = await half.post("/signin/code", data={"code": code(shop, secret, 1)})
        assert "expired" in texts(late, 401), "half a sign-in with the old password is over"
        told = await nobody.post("/signin", data={"email": "owner@example.test", "password": NEW})
        assert told.headers["location"] == "/signin/code"
        assert (await nobody.get("/orders")).status_code == 303
        opened = await nobody.post("/signin/code", data={"code": code(shop, secret, 1)})
        assert opened.headers["location"] == "/overview"

    portal(server, story)


def test_anothers_session_is_neither_changed_nor_used(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        rita = await signed_in("rita")
        path = await mailed(shop.world, rita, "clerk@example.test")
        assert "clerk@example.test" in texts(await rita.get(path))
        foreign = await rita.post(
            path, data={"password": NEW}, headers={"origin": "https://evil.example"}
        )
        assert foreign.status_code == 403
        assert (await rita.post(path, data={"password": NEW})).status_code == 200
        assert "Rita" in (await rita.get("/partner")).text
        assert await sign_in(await signed_in(""), "rita@example.test", PASSWORD) == 303
        assert await sign_in(await signed_in(""), "clerk@example.test", NEW) == 303

    portal(server, story)


def test_the_link_is_at_our_address_whatever_a_caller_says(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        nobody = await signed_in("")
        for headers in (
            {"host": "evil.example"},
            {"x-forwarded-host": "evil.example"},
            {"forwarded": "host=evil.example"},
        ):
            await mailed(shop.world, nobody, "clerk@example.test", **headers)
        told = "".join(
            one["text"] + one["html"] for one in await mails(shop.world, "clerk@example.test")
        )
        assert told.count("http://recoup.test/signin/password/") == 9
        assert "evil" not in told

    portal(server, story)


def test_a_password_that_is_changed_by_hand_ends_the_links(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        clerk, nobody = await signed_in("clerk"), await signed_in("")
        path = await mailed(shop.world, nobody, "clerk@example.test")
        await asked(nobody, "clerk@example.test")
        done = await post_of(clerk, "/account/password", "/account/password", old=PASSWORD, new=NEW)
        assert done.status_code == 303
        assert (await nobody.post(path, data={"password": "one of a thief"})).status_code == 404
        assert await send_password_links(shop.world) == 0, "nor does the mail leave that was owed"
        assert await sign_in(await signed_in(""), "clerk@example.test", NEW) == 303

    portal(server, story)


def test_a_mail_that_is_being_made_while_the_password_changes_carries_no_link(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await asked(await signed_in(""), "clerk@example.test")
        ask, user = (await people(shop, "SELECT ask_id, user_id FROM password_asks"))[0]
        await people(shop, "DELETE FROM password_asks")
        async with shop.world.people.transaction() as tx:
            link = await link_of_ask(
                tx,
                shop.world,
                ask,  # type: ignore[arg-type]
                user,
                is_first=True,
            )
            assert link is None
        assert not await people(shop, "SELECT FROM password_links")

    portal(server, story)


def test_a_mail_whose_answer_is_lost_is_sent_again_with_a_link_that_works(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await people(
            shop, "UPDATE users SET email = 'later@example.test' WHERE email = 'clerk@example.test'"
        )
        nobody = await signed_in("")
        path = await mailed(shop.world, nobody, "later@example.test")
        await people(shop, "UPDATE password_asks SET mail_due_at = now()")
        assert await send_password_links(shop.world) == 1
        states = await people(shop, "SELECT mail_state, mail_tries FROM password_asks")
        assert states == [("sent", 2)]
        assert (await nobody.post(path, data={"password": NEW})).status_code == 200
        assert not await people(shop, "SELECT FROM password_links WHERE used_at IS NULL")

    portal(server, story)


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("de", "Ein neues Passwort"),
        ("fr", "Un nouveau mot de passe"),
        ("es", "Una contraseña nueva"),
        ("zh", "新密码"),
    ],
)
def test_page_and_mail_speak_the_language_of_who_forgot(
    server: ServerAddress, language: str, subject: str
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        nobody = await signed_in("")
        headers = {"accept-language": language}
        page = await nobody.get("/signin/forgot", headers=headers)
        assert "Forgot password" not in page.text
        path = await mailed(shop.world, nobody, "clerk@example.test", **headers)
        assert (await mails(shop.world, "clerk@example.test"))[0]["subject"] == subject
        assert "New password" not in (await nobody.get(path, headers=headers)).text

    portal(server, story)


def test_where_no_mail_leaves_the_page_says_who_helps(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        nobody = await signed_in("")
        assert "recoup people password-link" in texts(await nobody.get("/signin/forgot"))
        told = texts(await asked(nobody, "clerk@example.test"))
        assert "recoup people password-link" in told
        for untrue in ("Check your e-mail", "a link is on its way", "Get an e-mail"):
            assert untrue not in told, untrue
        link = await link_by_operator(shop.world, " Clerk@example.test", "operator:root")
        found = LINK.search(link)
        assert found
        assert (await nobody.post(found[1], data={"password": NEW})).status_code == 200
        assert await sign_in(nobody, "clerk@example.test", NEW) == 303
        with pytest.raises(Problem, match="No account has this e-mail"):
            await link_by_operator(shop.world, "noone@example.test", "operator:root")
        await people(shop, "UPDATE users SET state = 'blocked' WHERE email = 'clerk@example.test'")
        with pytest.raises(Problem, match="is blocked"):
            await link_by_operator(shop.world, "clerk@example.test", "operator:root")
        done = await people(
            shop,
            "SELECT action, actor FROM account_log WHERE action LIKE 'password%' ORDER BY log_id",
        )
        assert [one[0] for one in done] == ["password_link_made", "password_set"]
        assert done[0][1] == "operator:root"
        await send_account_mails(shop.world)
        arrived = {one["subject"] for one in await mails(shop.world, "clerk@example.test")}
        assert "A link for a new password was made" in arrived

    portal(server, story)


def test_who_shares_an_e_mail_gets_in_by_the_operators_link_alone(server: ServerAddress) -> None:
    """Their account is found by their password, so the new one leads to it as the old one did."""

    async def story(shop: Shop, signed_in: As) -> None:
        form = {
            "email": "clerk@example.test",
            "password": PASSWORD + "!",
            "name": "Another",
            "kind": "partner",
        }
        assert (await (await signed_in("")).post("/signup", data=form)).status_code == 200
        login = str(
            (await people(shop, "SELECT email FROM users WHERE email LIKE 'clerk@example.test#%'"))[
                0
            ][0]
        )
        nobody = await signed_in("")
        await asked(nobody, login)
        await send_password_links(shop.world)
        assert not await mails(shop.world, login)
        found = LINK.search(await link_by_operator(shop.world, login, "operator:root"))
        assert found
        assert "clerk@example.test" in texts(await nobody.get(found[1]))
        assert (await nobody.post(found[1], data={"password": NEW})).status_code == 200
        assert await sign_in(nobody, "clerk@example.test", NEW) == 303
        assert await sign_in(await signed_in(""), "clerk@example.test", PASSWORD) == 303, (
            "the other's stays"
        )

    portal(server, story)


def test_links_and_questions_are_forgotten(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await mailed(shop.world, await signed_in(""), "clerk@example.test")
        await purge_expired(shop.world)
        assert await people(shop, "SELECT FROM password_asks")
        assert await people(shop, "SELECT FROM password_links")
        day: datetime = shop.world.clocks.wall() - timedelta(days=1, minutes=1)
        await people(shop, "UPDATE password_asks SET requested_at = $1", day)
        await people(shop, "UPDATE password_links SET expires_at = now()")
        await purge_expired(shop.world)
        assert not await people(shop, "SELECT FROM password_asks")
        assert not await people(shop, "SELECT FROM password_links")

    portal(server, story)

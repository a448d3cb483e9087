"""The account's pages by HTTP, honest and otherwise: what each cookie opens, what each form may,
whom a rule binds."""

import asyncio
import html
import re
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest
from tests.people.page.test_members import id_of
from tests.staff import PASSWORD, As, portal, post, texts, token
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.main.portal import routes
from recoup.people.flows.lost_factor import help_by_email
from recoup.people.page.endpoint import COOKIE
from recoup.people.page.signin import HALF
from recoup.people.rules.totp import code_of, step_at

FACTOR, KEY = "/account/second-factor", "0" * 32
Story = Callable[[Shop, As], Awaitable[None]]


def code(shop: Shop, secret: str, steps: int = 0) -> str:
    return code_of(secret, step_at(shop.world.clocks.wall()) + steps)


async def people(shop: Shop, sql: str, *args: object) -> list[tuple[object, ...]]:
    async with shop.world.people.connection() as connection:
        return [tuple(row.values()) for row in await connection.fetch(sql, *args)]


async def set_up(shop: Shop, client: httpx.AsyncClient) -> tuple[str, list[str], str]:
    """Through the pages: the secret, the recovery codes, and the code that is used up."""
    begun = await post(client, FACTOR, f"{FACTOR}/begin", password=PASSWORD)
    assert begun.status_code == 303, begun.text
    page = await client.get(FACTOR)
    found = re.search(r"<pre[^>]*>([A-Z2-7 ]+)</pre>", page.text)
    assert found
    secret = found[1].replace(" ", "")
    assert '<svg viewBox="0 0 ' in page.text
    assert "style=" not in page.text, "the policy of the pages would refuse it"
    used = code(shop, secret)
    shown = await post(client, FACTOR, f"{FACTOR}/confirm", code=used, key=KEY)
    codes = re.findall(r"\b[0-9a-z]{5}-[0-9a-z]{5}\b", texts(shown))
    assert len(codes) == 10
    return secret, codes, used


async def typed(client: httpx.AsyncClient, who: str, **more: str) -> httpx.Response:
    return await client.post(
        "/signin", data={"email": f"{who}@example.test", "password": PASSWORD} | more
    )


def test_signing_in_by_password_and_code(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        secret, codes, used = await set_up(shop, await signed_in("owner"))
        client = await signed_in("")
        half = await typed(client, "owner", next="/settlements?x=1")
        assert half.status_code == 303
        assert half.headers["location"] == "/signin/code?next=%2Fsettlements%3Fx%3D1"
        assert COOKIE not in client.cookies
        set_by = half.headers["set-cookie"].lower()
        assert "httponly" in set_by
        assert "samesite=lax" in set_by
        assert "path=/signin" in set_by
        assert (await client.get("/orders")).headers["location"].startswith("/signin")
        asked = await client.get(half.headers["location"])
        assert 'autocomplete="one-time-code"' in asked.text
        assert 'value="/settlements?x=1"' in asked.text
        wrong = await client.post(
            "/signin/code", data={"code": "00000", "next": "/settlements?x=1"}
        )
        assert "six digits" in texts(wrong, 400)
        assert 'value="/settlements?x=1"' in wrong.text
        replayed = await client.post("/signin/code", data={"code": used})
        assert "already used" in texts(replayed, 401)
        opened = await client.post(
            "/signin/code", data={"code": code(shop, secret, 1), "next": "/settlements?x=1"}
        )
        assert (opened.status_code, opened.headers["location"]) == (303, "/settlements?x=1")
        assert (await client.get("/orders")).status_code == 200
        other = await signed_in("")
        await typed(other, "owner")
        assert "Recovery code" in texts(await other.get("/signin/code?recovery=1"))
        opened = await other.post(
            "/signin/code", data={"code": codes[0].upper(), "next": "//evil.example"}
        )
        assert (opened.status_code, opened.headers["location"]) == (303, "/overview")
        assert "9 of 10 left" in texts(await other.get(FACTOR))
        again = await (await signed_in("")).post(
            "/signup",
            data={
                "email": "owner@example.test",
                "password": PASSWORD,
                "name": "Owner",
                "kind": "partner",
            },
        )
        assert again.headers["location"] == "/signin/code", (
            "signing up again opens no more than signing in"
        )
        assert COOKIE not in again.cookies

    portal(server, story)


def test_half_a_sign_in_is_no_session_and_a_session_no_half(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        secret, *_ = await set_up(shop, owner)
        client = await signed_in("")
        await typed(client, "owner")
        half = client.cookies[HALF]
        for path in ("/orders", "/account", FACTOR, "/account/sessions", "/partner"):
            stolen = await signed_in("")
            stolen.cookies.set(COOKIE, half)
            assert (await stolen.get(path)).headers["location"].startswith("/signin"), path
        swapped = await signed_in("")
        swapped.cookies.set(HALF, owner.cookies[COOKIE], path="/signin")
        answer = await swapped.post("/signin/code", data={"code": code(shop, secret)})
        assert "expired before" in texts(answer, 401)
        nothing = await (await signed_in("")).post(
            "/signin/code", data={"code": code(shop, secret)}
        )
        assert "expired before" in texts(nothing, 401)
        assert (await (await signed_in("")).get("/signin/code")).headers["location"] == "/signin"
        foreign = await client.post(
            "/signin/code",
            data={"code": code(shop, secret)},
            headers={"origin": "https://evil.example"},
        )
        assert foreign.status_code == 403
        for much in ("9" * 10_240, "\u0661" * 6, "\x00" * 6, "é" * 30):
            assert "six digits" in texts(
                await client.post("/signin/code", data={"code": much}), 400
            )

    portal(server, story)


def test_nobody_learns_who_has_an_account_or_a_second_factor(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await set_up(shop, await signed_in("owner"))
        told = set()
        for email in ("owner@example.test", "ops@example.test", "nobody@example.test"):
            answer = await (await signed_in("")).post(
                "/signin", data={"email": email, "password": "a wrong password"}
            )
            assert "set-cookie" not in answer.headers
            told.add((answer.status_code, answer.text.replace(email, "E-MAIL")))
        assert len(told) == 1

    portal(server, story)


def test_forms_of_others_and_without_a_key_change_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, ops = await signed_in("owner"), await signed_in("ops")
        await set_up(shop, owner)
        foreign, before = (
            await token(ops, "/orders"),
            await people(shop, "SELECT s::text FROM sessions s ORDER BY 1"),
        )
        for path in (
            "/account/name",
            "/account/password",
            "/account/sessions",
            f"{FACTOR}/begin",
            f"{FACTOR}/off",
            f"{FACTOR}/codes",
            f"{FACTOR}/confirm",
            f"{FACTOR}/withdraw",
            "/invitations/second-factor",
        ):
            for csrf in ("", foreign):
                answer = await owner.post(
                    path,
                    data={
                        "csrf": csrf,
                        "which": "others",
                        "required": "yes",
                        "subject": "merchant",
                        "name": "Eve",
                    },
                )
                assert answer.status_code == 403, path
            anonymous = await (await signed_in("")).post(path, data={"csrf": foreign})
            assert anonymous.headers["location"].startswith("/signin"), path
        assert await people(shop, "SELECT s::text FROM sessions s ORDER BY 1") == before
        again = await post(owner, FACTOR, f"{FACTOR}/codes", password=PASSWORD, code="000000")
        assert "This form has no key" in texts(again, 400)

    portal(server, story)


def test_a_password_is_changed_and_everybody_else_signed_out(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops, elsewhere = await signed_in("ops"), await signed_in("ops")
        page = "/account/password"
        for old, new, why, status in (
            ("a guess at it", "a new one for me", "The password is wrong", 401),
            (PASSWORD, "short", "12 to 256", 400),
            (PASSWORD, PASSWORD, "current password", 400),
        ):
            assert why in texts(await post(ops, page, page, old=old, new=new), status)
        form = {"csrf": await token(ops, page), "old": PASSWORD, "new": "a new one for me"}
        twice = await asyncio.gather(*(ops.post(page, data=form) for _ in range(2)))
        assert sorted(answer.status_code for answer in twice) in ([303, 303], [303, 409])
        again = await ops.post(page, data=form)
        assert again.status_code == 303, "sent again it is done already"
        assert "was changed" in texts(await ops.get(again.headers["location"]))
        assert (await elsewhere.get("/orders")).headers["location"].startswith("/signin")
        assert (await typed(await signed_in(""), "ops")).status_code == 401
        assert (
            await typed(await signed_in(""), "ops", password="a new one for me")
        ).status_code == 303
        done = await people(shop, "SELECT action FROM account_log WHERE action <> 'signed_in'")
        assert done == [("password_changed",)]
        for _ in range(6):
            last = await post(ops, page, page, old="a guess at it", new="a new one for me too")
        assert last.status_code == 429
        assert int(last.headers["retry-after"]) > 0

    portal(server, story)


def test_sessions_are_listed_and_ended(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops, phone, owner = await signed_in("ops"), await signed_in(""), await signed_in("owner")
        phone.headers["user-agent"] = (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605 Safari/604"
        )
        await typed(phone, "ops")
        page = await ops.get("/account/sessions")
        told = texts(page)
        assert "Safari on iPhone" in told
        assert "127.0.0.1" in told
        assert told.count("this session") == 1
        keys = re.findall(r'name="which" value="([0-9a-f]{64})"', page.text)
        assert len(keys) == 1
        assert (
            await post(owner, "/account/sessions", "/account/sessions", which=keys[0])
        ).status_code == 303
        assert (await phone.get("/orders")).status_code == 200, "it is nobody else's to end"
        assert (
            await post(ops, "/account/sessions", "/account/sessions", which="nonsense")
        ).status_code == 400
        assert (
            await post(ops, "/account/sessions", "/account/sessions", which=keys[0])
        ).status_code == 303
        assert (await phone.get("/orders")).headers["location"].startswith("/signin")
        await typed(phone, "ops")
        assert (
            await post(ops, "/account/sessions", "/account/sessions", which="others")
        ).status_code == 303
        assert (await phone.get("/orders")).headers["location"].startswith("/signin")
        assert (await ops.get("/orders")).status_code == 200
        assert (await owner.get("/orders")).status_code == 200

    portal(server, story)


def test_a_shop_requires_it_and_nothing_else_answers_before(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, ops, pat = await signed_in("owner"), await signed_in("ops"), await signed_in("pat")
        rita, olga = await signed_in("rita"), await signed_in("olga")
        asked = texts(await owner.get("/invitations"))
        assert "You have none: you are asked to set it up right away." in asked
        await set_up(shop, owner)
        page = await owner.get("/invitations")
        assert "You have none" not in texts(page)
        assert "Members without one now: Ops, Dev, Clerk." in texts(page)
        outside = re.sub(r"<dialog.*?</dialog>", "", page.text, flags=re.S)
        assert "/invitations/second-factor" not in outside, "only behind its question"
        csrf = await token(ops, "/orders")
        rule = {"subject": "merchant", "required": "yes"}
        assert (await post(ops, "/orders", "/invitations/second-factor", **rule)).status_code == 403
        for _ in range(2):
            assert (
                await post(owner, "/invitations", "/invitations/second-factor", **rule)
            ).status_code == 303
        assert "A second factor is required" in texts(await owner.get("/invitations"))
        for free in (owner, rita, olga):
            assert (await free.get("/orders")).status_code in (200, 403)
        for bound in (ops, pat):
            for route in routes(shop.world, shop.orders):
                path, methods = (
                    getattr(route, "path", ""),
                    getattr(route, "methods", set()) or set(),
                )
                path = re.sub(r"\{[^}]*\}", str(UUID(int=1)), path)
                if path.startswith(("/sign", "/static", "/handover", "/unsubscribe", FACTOR)):
                    continue
                method = "POST" if "POST" in methods else "GET"
                data = {"csrf": csrf} if method == "POST" else None
                answer = await bound.request(
                    method, path, data=data, headers={"accept": "text/html"}
                )
                if path.startswith("/invitations/") and answer.status_code == 404:
                    continue  # the link of an invitation that is none
                assert answer.headers.get("location") in (FACTOR, "/signin"), (
                    method,
                    path,
                    answer.status_code,
                )
        alone = await ops.get(FACTOR)
        assert "One more step" in alone.text
        assert "Brightleaf Tea" in alone.text
        assert 'action="/signout"' in alone.text
        assert 'id="nav"' not in alone.text
        await set_up(shop, ops)
        assert (await ops.get("/orders")).status_code == 200
        stays = await post(ops, FACTOR, f"{FACTOR}/off", password=PASSWORD, code="123456")
        assert "requires you to have a second factor" in texts(stays, 403)
        assert "Turn off" not in texts(await ops.get(FACTOR))
        await post(
            owner, "/invitations", "/invitations/second-factor", subject="merchant", required="no"
        )
        assert (await pat.get("/orders")).status_code == 200
        told = texts(await owner.get("/audit?kind=people"))
        assert "made the second factor mandatory" in told
        assert "made the second factor optional" in told
        made = await people(
            shop, "SELECT action FROM account_log WHERE action LIKE 'rule%' ORDER BY log_id"
        )
        assert made == [("rule_made",), ("rule_ended",)]

    portal(server, story)


def test_the_operators_people_need_one_where_the_world_says_so(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        object.__setattr__(shop.world, "policy", Policy(staff_second_factor=True))
        olga, owner = await signed_in("olga"), await signed_in("owner")
        assert (await olga.get("/approvals")).headers["location"] == FACTOR
        assert "Operator staff need one" in (await olga.get(FACTOR)).text
        assert (await owner.get("/orders")).status_code == 200
        await set_up(shop, olga)
        assert (await olga.get("/orders")).status_code == 200

    portal(server, story)


def test_an_owner_helps_who_lost_it_and_belongs_to_nothing_else(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, ops, olga = await signed_in("owner"), await signed_in("ops"), await signed_in("olga")
        await set_up(shop, ops)
        lost = await signed_in("")
        await typed(lost, "ops")
        place = f"/invitations/members/{await id_of(shop, 'ops')}/second-factor"
        assert f"{place}?subject=merchant" in (await owner.get("/invitations")).text
        assert "Remove the second factor of Ops" in texts(
            await owner.get(f"{place}?subject=merchant")
        )
        form = {"subject": "merchant", "password": PASSWORD}
        for other in (olga, await signed_in("dev"), await signed_in("rita")):
            assert (await post(other, "/account", place, **form)).status_code in (403, 404)
        guess = await post(owner, "/account", place, subject="merchant", password="a guess at it")
        assert "The password is wrong" in texts(guess, 401)
        elsewhere = f"/invitations/members/{await id_of(shop, 'rita')}/second-factor"
        assert (await post(owner, "/account", elsewhere, **form)).status_code == 404
        await people(
            shop,
            "INSERT INTO memberships SELECT user_id, 'partner', $1, 'analyst', now() FROM users"
            " WHERE email = 'ops@example.test'",
            UUID(int=8),
        )
        assert "only the operator" in texts(await post(owner, "/account", place, **form), 403)
        await people(
            shop,
            "DELETE FROM memberships WHERE subject_id = $1 AND role = 'analyst' AND user_id = $2",
            UUID(int=8),
            await id_of(shop, "ops"),
        )
        csrf = await token(owner, "/account")
        twice = await asyncio.gather(
            *(owner.post(place, data=form | {"csrf": csrf}) for _ in range(2))
        )
        assert [answer.status_code for answer in twice] == [303, 303]
        assert (await ops.get("/orders")).headers["location"].startswith("/signin"), (
            "their sessions end"
        )
        assert (await lost.get("/signin/code")).headers["location"] == "/signin", "half ones, too"
        assert (await typed(lost, "ops")).headers["location"] == "/overview"
        done = await people(
            shop,
            "SELECT actor, l.user_id, mail_state FROM account_log l JOIN account_mails USING"
            " (log_id) WHERE action = 'second_factor_removed'",
        )
        assert done == [(f"user:{await id_of(shop, 'owner')}", await id_of(shop, "ops"), "owed")]
        told = texts(await owner.get("/audit?kind=people"))
        assert "removed a lost second factor" in told
        assert "second factor mandatory" not in told

    portal(server, story)


def test_the_operator_helps_everybody_at_the_shell(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await set_up(shop, await signed_in("owner"))
        with pytest.raises(Problem, match="No account has this e-mail"):
            await help_by_email(shop.world, "nobody@example.test", "operator:root")
        await help_by_email(shop.world, " Owner@example.test", "operator:root")
        assert (await typed(await signed_in(""), "owner")).headers["location"] == "/overview"
        with pytest.raises(Problem, match="has no second factor"):
            await help_by_email(shop.world, "owner@example.test", "operator:root")
        done = await people(
            shop, "SELECT actor FROM account_log WHERE action = 'second_factor_removed'"
        )
        assert done == [("operator:root",)]

    portal(server, story)


TABS = {
    "/account": "You",
    "/account/password": "Password",
    "/account/second-factor": "Second factor",
    "/account/sessions": "Sessions",
    "/account/notifications": "Notifications",
    "/account/time": "Language and time",
}


def test_every_page_of_the_account_answers_everybody(server: ServerAddress) -> None:
    """With a merchant, with a seat only, and with neither; somebody's name cannot break it."""

    async def story(shop: Shop, signed_in: As) -> None:
        ops, rita = await signed_in("ops"), await signed_in("rita")
        await people(
            shop, "UPDATE merchant_worlds SET partner_id = NULL WHERE partner_id = $1", UUID(int=8)
        )
        dev = await signed_in("dev")
        await people(shop, "DELETE FROM memberships WHERE user_id = $1", await id_of(shop, "dev"))
        name = '<b>"Bobby"</b> 😀'
        assert (await post(ops, "/account", "/account/name", name=f"  {name} ")).status_code == 303
        assert "1 to 80" in texts(await post(ops, "/account", "/account/name", name="x" * 81), 400)
        for client in (ops, rita, dev):
            for place, word in TABS.items():
                page = await client.get(place)
                assert page.status_code == 200, (place, page.text)
                assert f'<a href="{place}" aria-current="page">{word}</a>' in page.text
                assert len(page.content) < 100_000
        assert name in html.unescape((await ops.get("/account")).text)
        assert "<b>" + '"Bobby"' not in (await ops.get("/orders")).text

    portal(server, story)


def test_who_looks_as_somebody_sees_and_changes_nothing_of_their_account(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga, elsewhere = await signed_in("olga"), await signed_in("olga")
        whom = f"user:{await id_of(shop, 'owner')}"
        begun = await post(
            olga, "/look-as", "/look-as", whom=whom, reason="a ticket 42", minutes="15", act="yes"
        )
        assert begun.status_code == 303, texts(begun, begun.status_code)
        csrf = await token(olga, "/orders")
        for route in routes(shop.world, shop.orders):
            path = getattr(route, "path", "")
            if path.startswith("/account"):
                for method in getattr(route, "methods", set()) & {"GET", "POST"}:
                    answer = await olga.request(
                        method, path, data={"csrf": csrf} if method == "POST" else None
                    )
                    assert answer.status_code == 403, path
        await post(elsewhere, "/account/sessions", "/account/sessions", which="others")
        assert await people(shop, "SELECT ended_how FROM impersonations") == [("signed_out",)], (
            "it ends with its session"
        )

    portal(server, story)

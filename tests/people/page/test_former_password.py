"""Whoever knows a password that somebody had before reaches nothing of theirs, by whatever page."""

import asyncio
import re

import asyncpg
import httpx
import pytest
from tests.partners.page.test_partner import ME, PASSWORD, Office, office, post
from tests.worlds import people_dsn

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.keys.flows.credentials import Credentials
from recoup.kit.world import World
from recoup.people.flows import passwords

NEW = "a password of today"
_KEYS = r"<dt>App key</dt><dd[^>]*>([^<]*)</dd>\n?<dt>App secret</dt><dd[^>]*>([^<]*)</dd>"


async def people_sql(world: World, statement: str, *args: object) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(await people_dsn(world))
    try:
        return [tuple(row) for row in await connection.fetch(statement, *args)]
    finally:
        await connection.close()


async def signed_up(
    at: Office, address: str, **changes: str
) -> tuple[httpx.AsyncClient, list[tuple[str, str]]]:
    client = at.browser(address)
    done = await client.post("/signup", data=ME | changes)
    assert done.status_code == 200, done.text
    return client, re.findall(_KEYS, done.text)


async def change_password(client: httpx.AsyncClient, old: str, new: str) -> None:
    done = await post(client, "/account/password", "/account/password", old=old, new=new)
    assert done.status_code in (200, 303), done.text


async def reached(world: World, email: str) -> set[tuple[object, ...]]:
    return set(
        await people_sql(
            world,
            "SELECT subject_kind, subject_id FROM memberships JOIN users USING (user_id)"
            " WHERE split_part(email, '#', 1) = $1",
            email,
        )
    )


@pytest.mark.parametrize("kind", ["merchant", "partner", "both"])
def test_a_former_password_signs_up_to_nothing_of_the_account(
    server: ServerAddress, kind: str
) -> None:
    """It made its sender owner of the same merchant and partner, with new keys;
    the victim's ended."""

    async def story(at: Office) -> None:
        victim, keys = await signed_up(at, "198.51.100.1", kind=kind)
        before = await reached(at.world, "ana@shop.example")
        await change_password(victim, PASSWORD, NEW)
        thief, stolen = await signed_up(at, "203.0.113.1", kind=kind)
        assert not set(keys) & set(stolen)
        for key, secret in keys:
            await Credentials(at.world).sign_in(key, secret)
        theirs = await people_sql(
            at.world, "SELECT user_id FROM users WHERE email LIKE 'ana@shop.example#%'"
        )
        assert len(theirs) == 1, "an account of its own"
        now = await people_sql(
            at.world,
            "SELECT subject_kind, subject_id FROM memberships WHERE user_id = $1",
            theirs[0][0],
        )
        assert now
        assert not set(now) & before

    office(server, story)


@pytest.mark.parametrize("how", ["dismissed", "blocked"])
def test_who_was_shown_the_door_comes_not_back_by_signing_up(
    server: ServerAddress, how: str
) -> None:
    async def story(at: Office) -> None:
        victim, _ = await signed_up(at, "198.51.100.1")
        before = await reached(at.world, "ana@shop.example")
        await change_password(victim, PASSWORD, NEW)
        await people_sql(
            at.world,
            "DELETE FROM memberships WHERE $2 = 'dismissed' AND user_id IN"
            " (SELECT user_id FROM users WHERE email = $1)",
            "ana@shop.example",
            how,
        )
        await people_sql(
            at.world,
            "UPDATE users SET state = 'blocked' WHERE email = $1 AND $2 = 'blocked'",
            "ana@shop.example",
            how,
        )
        await at.browser("203.0.113.1").post("/signup", data=ME)
        now = await people_sql(
            at.world,
            "SELECT subject_kind, subject_id FROM memberships JOIN users USING (user_id)"
            " WHERE email LIKE 'ana@shop.example%' AND state = 'active'",
        )
        assert not set(now) & before

    office(server, story)


def test_who_shares_an_e_mail_changes_the_password_and_only_the_new_one_signs_in(
    server: ServerAddress,
) -> None:
    """The former one signed them in by the sign-up page, without a look at it;
    the new one nowhere."""

    async def story(at: Office) -> None:
        await signed_up(at, "198.51.100.1")
        second, _ = await signed_up(at, "198.51.100.2", password="another good password")
        orders = (await second.get("/orders")).text
        mine = re.search(r"M-[0-9A-F]{4,}|[0-9a-f-]{36}", orders)
        assert mine
        before = await people_sql(
            at.world, "SELECT user_id FROM users WHERE email LIKE 'ana@shop.example#%'"
        )
        await change_password(second, "another good password", NEW)
        data = {"email": ME["email"], "password": NEW}
        again = at.browser("198.51.100.3")
        assert (await again.post("/signin", data=data)).status_code == 303
        former = await at.browser("203.0.113.2").post(
            "/signin", data=data | {"password": "another good password"}
        )
        assert former.status_code == 401
        _, keys = await signed_up(at, "203.0.113.3", password="another good password")
        assert keys, "an account of its own, with keys: not the one that had this password before"
        assert (
            len(
                await people_sql(
                    at.world, "SELECT FROM users WHERE email LIKE 'ana@shop.example#%'"
                )
            )
            == 2
        )
        sessions = await people_sql(
            at.world, "SELECT user_id FROM sessions WHERE address LIKE '203.0.113%'"
        )
        assert sessions
        assert before[0] not in sessions

    office(server, story)


def test_a_password_that_a_namesake_has_is_not_taken_twice(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        await signed_up(at, "198.51.100.1")
        await signed_up(at, "198.51.100.2", password="another good password")
        third, _ = await signed_up(at, "198.51.100.3", password="a third good password")
        told = await post(
            third,
            "/account/password",
            "/account/password",
            old="a third good password",
            new="another good password",
        )
        assert told.status_code == 400
        assert "Choose another password" in told.text

    office(server, story)


def test_sign_ups_with_one_e_mail_and_two_passwords_at_once_share_nothing(
    server: ServerAddress,
) -> None:
    async def story(at: Office) -> None:
        both = await asyncio.gather(
            *(
                at.browser(f"198.51.100.{n}").post(
                    "/signup", data=ME | {"password": f"a password of number {n}"}
                )
                for n in range(20, 24)
            )
        )
        keys = [key for page in both for key in re.findall(_KEYS, page.text)]
        assert keys
        for key, secret in keys:
            await Credentials(at.world).sign_in(key, secret)
        rows = await people_sql(
            at.world,
            "SELECT subject_id, count(*) FROM memberships JOIN users USING (user_id)"
            " WHERE email LIKE 'ana@shop.example%' GROUP BY 1 HAVING count(*) > 1",
        )
        assert rows == []
        assert (
            await people_sql(
                at.world,
                "SELECT FROM unfinished_sign_ups u JOIN memberships m ON m.subject_id IN "
                "(u.merchant_id, u.partner_id)",
            )
            == []
        )

    office(server, story)


def test_an_unfinished_sign_up_is_gone_on_with_by_its_password_alone(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        from recoup.onboarding.flows.sign_up import SignUp, sign_up
        from recoup.people.flows.passwords import Passwords

        passwords = Passwords()

        def asked(password: str) -> SignUp:
            return SignUp(
                "ana@shop.example", password, "Ana", "merchant", "https://shop.example", "192.0.2.9"
            )

        async def merchants() -> set[object]:
            return {
                row[0]
                for row in await at.sql("SELECT merchant_id FROM merchants WHERE name = 'Ana'")
            }

        await people_sql(
            at.world,
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'the process died'; END $$",
        )
        await people_sql(
            at.world, "CREATE TRIGGER die BEFORE INSERT ON users EXECUTE FUNCTION no()"
        )
        for password in (PASSWORD, PASSWORD, "somebody else's guess", PASSWORD):
            with pytest.raises(Exception, match="the process died"):
                await sign_up(at.world, passwords, asked(password))
        assert len(await merchants()) == 3, (
            "the guess took the place of what it could not go on with, and so did Ana"
        )
        await people_sql(at.world, "DROP TRIGGER die ON users")
        done = await sign_up(at.world, passwords, asked(PASSWORD))
        assert done.credentials is not None
        assert len(await merchants()) == 3
        assert await people_sql(at.world, "SELECT FROM unfinished_sign_ups") == []
        await people_sql(at.world, "DELETE FROM memberships")
        with pytest.raises(Problem):
            await Credentials(at.world).sign_in(done.credentials.app_key, "another secret")

    office(server, story)


def test_keys_are_never_made_again_for_a_merchant_that_has_or_had_a_member(
    server: ServerAddress,
) -> None:
    """Also when a row says, for whatever reason, that its sign-up was not finished."""

    async def story(at: Office) -> None:
        from recoup.onboarding.flows.sign_up import SignUp, sign_up
        from recoup.people.flows.passwords import Passwords

        _, keys = await signed_up(at, "198.51.100.1", kind="merchant")
        mid = (
            await people_sql(
                at.world,
                "SELECT subject_id FROM memberships JOIN users USING (user_id) WHERE email = "
                "'ana@shop.example'",
            )
        )[0][0]
        for had in (False, True):
            if had:
                await people_sql(at.world, "DELETE FROM memberships WHERE subject_id = $1", mid)
            hashed = await Passwords().hashed(PASSWORD)
            await people_sql(
                at.world,
                "INSERT INTO unfinished_sign_ups (login, password_hash, kind, user_id, "
                "merchant_id, site_id,"
                " partner_id, begun_at) VALUES ('eve@x.example', $1, 'merchant', "
                "gen_random_uuid(), $2,"
                " gen_random_uuid(), gen_random_uuid(), now()) ON CONFLICT (login) DO UPDATE SET"
                " merchant_id = excluded.merchant_id",
                hashed,
                mid,
            )
            with pytest.raises(Problem):
                await sign_up(
                    at.world,
                    Passwords(),
                    SignUp(
                        "eve@x.example",
                        PASSWORD,
                        "Eve",
                        "merchant",
                        "https://shop.example",
                        "192.0.2.9",
                    ),
                )
        await Credentials(at.world).sign_in(*keys[0])

    office(server, story)


def test_a_password_and_an_e_mail_are_the_same_however_they_were_typed(
    server: ServerAddress,
) -> None:
    """By every page that sets or asks for one; a hash of
    before is made anew at the next sign-in."""
    composed, typed = "Gr\u00fc\u00dfe an Zo\u00eb 12", "Gru\u0308\u00dfe an\u00a0Zoe\u0308 12"
    email, spelt = "zo\u00eb@shop.example", "Zoe\u0308@shop.example"

    async def signs_in(at: Office, password: str, address: str = email) -> bool:
        client = at.browser("198.51.100.9")
        await client.post("/signin", data={"email": address, "password": password})
        return (await client.get("/orders")).status_code == 200

    async def story(at: Office) -> None:
        first, _ = await signed_up(at, "198.51.100.1", email=email, password=composed)
        assert [
            await signs_in(at, one, two) for one in (composed, typed) for two in (email, spelt)
        ] == [True] * 4
        again, keys = await signed_up(at, "198.51.100.2", email=spelt, password=typed)
        assert not keys, "signing up again with it signs in"
        await change_password(first, typed, NEW)
        await change_password(first, NEW, typed)
        assert await signs_in(at, composed)
        raw = passwords._hasher.hash(typed)
        await people_sql(
            at.world, "UPDATE users SET password_hash = $1 WHERE email = $2", raw, email
        )
        assert [
            await signs_in(at, composed),
            await signs_in(at, typed),
            await signs_in(at, composed),
        ] == [
            False,
            True,
            True,
        ]

    office(server, story)

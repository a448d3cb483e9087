"""A second factor from the first code to the last recovery code, with everybody who should not get
in."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from tests.people.flows.persons import KEY, actions, person, run, secured, wait
from tests.shop import PASSWORD, Shop, drop_shop, make_shop

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kit.upkeep import purge_expired
from recoup.kit.world import World
from recoup.notifications.flows.notifications import keep_language, keep_zone
from recoup.outside.mail.port import Message, Posted
from recoup.people.flows import second_factor
from recoup.people.flows.mails import send_account_mails
from recoup.people.flows.oneself import change_password
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.second_step import read_half
from recoup.people.flows.sessions import read_session

OTHER_KEY = "1" * 32


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=1))
    yield made
    asyncio.run(drop_shop(server, made))


async def outcomes(*works: Any) -> list[str]:
    """Of what is done at once: `ok`, or the code of what it was refused by."""
    done = await asyncio.gather(*works, return_exceptions=True)
    for one in done:
        assert not isinstance(one, BaseException) or isinstance(one, Problem), one
    return sorted(one.code if isinstance(one, Problem) else "ok" for one in done)


def test_from_the_first_code_on_the_password_alone_opens_nothing(shop: Shop) -> None:
    async def work(world: World) -> None:
        ann = await person(world)
        elsewhere = (await ann.enter()).token
        ann.secret = await ann.offered()
        assert not (await ann.enter()).is_half, "an offer counts for nothing yet"
        codes = await second_factor.confirm(world, ann.me, ann.code(), KEY)
        assert len(set(codes)) == 10
        assert await ann.open(), "who sets it up stays signed in"
        assert await read_session(world, elsewhere) is None, "a session begun without it ends"
        half = await ann.half()
        assert await read_session(world, half) is None, "half a sign-in is no session"
        with pytest.raises(Problem, match="already used"):
            await ann.give(half, ann.code())
        wait(world, 30)
        token = await ann.give(half, ann.code())
        assert await read_session(world, token) is not None
        assert await read_half(world, token) is None, "a session is no half sign-in"
        assert await read_half(world, half) is None
        assert await actions(ann) == ["second_factor_on"]

    run(shop, work)


def test_an_offer_is_shown_to_the_session_that_asked_and_not_for_long(shop: Shop) -> None:
    async def work(world: World) -> None:
        ann = await person(world)
        first = await ann.offered()
        assert await ann.offered() == first, "a form sent twice shows one picture"
        mine, ann.token = ann.token, (await ann.enter()).token
        assert (await second_factor.read_standing(world, ann.me)).offer is None
        ann.secret = first
        with pytest.raises(Problem, match="set-up has expired"):
            await second_factor.confirm(world, ann.me, ann.code(), KEY)
        ann.token = mine
        wait(world, 15 * 60 + 1)
        assert (await second_factor.read_standing(world, ann.me)).offer is None
        with pytest.raises(Problem, match="set-up has expired"):
            await second_factor.confirm(world, ann.me, ann.code(), KEY)
        await purge_expired(world)
        kept = await world.people.fetch(
            "SELECT 1 FROM second_factors WHERE user_id = $1", ann.user_id
        )
        assert not kept, "what nobody took is forgotten"
        ann.secret = ""
        assert await ann.offered() != first
        await second_factor.withdraw(world, ann.me)
        assert (await second_factor.read_standing(world, ann.me)).offer is None
        with pytest.raises(Problem, match="The password is wrong"):
            await second_factor.begin(world, Passwords(), ann.me, "a guess at it", "")

    run(shop, work)


def test_one_code_opens_once_however_many_come_at_once(shop: Shop) -> None:
    async def work(world: World) -> None:
        ann = await secured(world)
        halves = [await ann.half() for _ in range(3)]
        code = ann.code()
        assert await outcomes(*(ann.give(half, code) for half in halves)) == [
            "bad_credentials"
        ] * 2 + ["ok"]
        recovery = ann.codes[0]
        halves = [await ann.half() for _ in range(3)]
        assert await outcomes(*(ann.give(half, recovery) for half in halves)) == [
            "bad_credentials"
        ] * 2 + ["ok"]
        stands = await second_factor.read_standing(world, ann.me)
        assert stands.codes_left == 9
        assert await actions(ann) == ["second_factor_on", "recovery_code_used"]

    run(shop, work)


def test_the_same_form_sent_twice_opens_one_session(shop: Shop) -> None:
    async def work(world: World) -> None:
        ann = await secured(world)
        half, code = await ann.half(), ann.code()
        one, other = await asyncio.gather(ann.give(half, code), ann.give(half, code))
        assert one == other
        assert await read_session(world, one) is not None
        with pytest.raises(Problem, match="Start again|expired before"):
            await ann.give(half, ann.code(1))
        wait(world, 61)
        with pytest.raises(Problem, match="expired before"):
            await ann.give(half, code)

    run(shop, work)


@pytest.mark.parametrize(
    ("steps", "opens"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)], ids=range(5)
)
def test_a_clock_that_is_off(shop: Shop, steps: int, opens: bool) -> None:
    async def work(world: World) -> None:
        ann = await secured(world)
        wait(world, 60)  # so that the oldest of them was not used
        half = await ann.half()
        wait(world, -(world.clocks.wall().timestamp() % 30) + 30.5)
        assert await outcomes(ann.give(half, ann.code(steps))) == (
            ["ok"] if opens else ["bad_credentials"]
        )
        if opens:
            earlier = await outcomes(ann.give(await ann.half(), ann.code(steps - 1)))
            assert earlier == ["bad_credentials"], (
                "what comes before a code that opened opens nothing any more"
            )

    run(shop, work)


def test_guessing_codes_ends_soon_and_the_person_hears_of_it(shop: Shop) -> None:
    async def work(world: World) -> None:
        ann = await secured(world)
        half = await ann.half()
        wrong = f"{(int(ann.code()) + 500_000) % 1_000_000:06}"
        for n in range(5):
            with pytest.raises(Problem, match="is wrong"):
                await ann.give(half, wrong, f"198.51.100.{n}")
        for code in (wrong, ann.code()):
            with pytest.raises(Problem, match="too many|Too many") as refused:
                await ann.give(half, code, "198.51.100.99")
            assert refused.value.retry_after_seconds
        with pytest.raises(Problem, match="Too many"):
            await ann.give(
                await ann.half(), ann.code(), "198.51.100.100"
            )  # a new half is no new chance
        assert (await actions(ann)).count("codes_guessed") == 1
        assert await ann.give(await ann.half(), ann.codes[3]), (
            "a recovery code opens in spite of somebody's guesses"
        )
        wait(world, 60)
        assert await ann.give(await ann.half(), ann.code()), "and forgives them"

    run(shop, work)


def test_over_a_day_guesses_are_few_however_slow(shop: Shop) -> None:
    async def work(world: World) -> None:
        ann = await secured(world)
        tried = 0
        for _ in range(12):
            half = await ann.half()
            for _ in range(5):
                wrong = f"{(int(ann.code()) + 500_000) % 1_000_000:06}"
                done = await outcomes(ann.give(half, wrong))
                tried += done == ["bad_credentials"]
            wait(world, 15 * 60 + 1)
        assert tried == 20

    run(shop, work)


def test_one_address_guesses_at_nobody_for_long(shop: Shop) -> None:
    async def work(world: World) -> None:
        ann = await secured(world)
        half, done = await ann.half(), []
        for n in range(62):
            done += await outcomes(ann.give(half, f"{n:010}", "198.51.100.200"))
        assert done == ["bad_credentials"] * 60 + ["too_many_requests"] * 2

    run(shop, work)


def test_half_a_sign_in_ends_after_ten_minutes_and_with_the_password(shop: Shop) -> None:
    async def work(world: World) -> None:
        ann = await secured(world)
        half = await ann.half()
        wait(world, 601)
        for code in (ann.code(), ann.codes[0]):
            with pytest.raises(Problem, match="expired before"):
                await ann.give(half, code)
        half = await ann.half()
        ann.token = await ann.give(await ann.half(), ann.code())
        await change_password(world, Passwords(), ann.me, PASSWORD, "another horse and battery")
        wait(world, 60)
        with pytest.raises(Problem, match="expired before"):
            await ann.give(half, ann.code())
        for nothing in ("", "x", "é", "x" * 5000, "\x00"):
            with pytest.raises(Problem, match="expired before"):
                await ann.give(nothing, ann.code())

    run(shop, work)


def test_recovery_codes_are_made_anew_and_the_old_ones_end(shop: Shop) -> None:
    async def work(world: World) -> None:
        ann = await secured(world)
        args = (world, Passwords(), ann.me, PASSWORD)
        with pytest.raises(Problem, match="The password is wrong"):
            await second_factor.renew_codes(
                world, Passwords(), ann.me, "a guess at it", ann.code(), OTHER_KEY
            )
        with pytest.raises(Problem, match="not one of your recovery codes"):
            await second_factor.renew_codes(*args, "00000-00000", OTHER_KEY)
        code = ann.code()
        one, two = await asyncio.gather(
            *(second_factor.renew_codes(*args, code, OTHER_KEY) for _ in range(2))
        )
        assert one == two, "a form sent twice shows one list"
        assert not set(one) & set(ann.codes)
        assert await outcomes(ann.give(await ann.half(), ann.codes[0])) == ["bad_credentials"]
        assert await outcomes(ann.give(await ann.half(), one[0])) == ["ok"]
        wait(world, 601)
        later = await outcomes(second_factor.renew_codes(*args, code, OTHER_KEY))
        assert later == ["bad_credentials"], "the form shows nothing later"
        assert (await actions(ann)).count("recovery_codes_made") == 1

    run(shop, work)


def test_another_app_takes_over_with_its_first_code(shop: Shop) -> None:
    async def work(world: World) -> None:
        ann = await secured(world)
        old = ann.secret
        with pytest.raises(Problem, match="six digits"):
            await second_factor.begin(world, Passwords(), ann.me, PASSWORD, "")
        new = await ann.offered()
        wait(world, 60)
        assert await outcomes(ann.give(await ann.half(), ann.code())) == ["ok"], (
            "until then the old app opens"
        )
        ann.secret = new
        await second_factor.confirm(world, ann.me, ann.code(), OTHER_KEY)
        wait(world, 60)
        assert await outcomes(ann.give(await ann.half(), ann.code())) == ["ok"]
        ann.secret = old
        wait(world, 60)
        assert await outcomes(ann.give(await ann.half(), ann.code())) == ["bad_credentials"]
        assert await outcomes(ann.give(await ann.half(), ann.codes[0])) == ["bad_credentials"]
        assert "second_factor_moved" in await actions(ann)

    run(shop, work)


def test_turning_it_off_asks_for_password_and_code(shop: Shop) -> None:
    async def work(world: World) -> None:
        ann = await secured(world)
        for password, code, why in (
            ("a guess at it", ann.code(), "The password is wrong"),
            (PASSWORD, "", "six digits"),
            (PASSWORD, "00000-00000", "not one of your"),
        ):
            with pytest.raises(Problem, match=why):
                await second_factor.turn_off(world, Passwords(), ann.me, password, code)
        off = second_factor.turn_off
        code = ann.code()
        assert await outcomes(
            *(off(world, Passwords(), ann.me, PASSWORD, code) for _ in range(2))
        ) == ["ok", "ok"]
        assert not (await ann.enter()).is_half
        kept = await world.people.fetch(
            "SELECT 1 FROM recovery_codes WHERE user_id = $1", ann.user_id
        )
        assert not kept
        assert await actions(ann) == ["second_factor_on", "second_factor_off"]

    run(shop, work)


def test_the_database_keeps_neither_secret_nor_code(shop: Shop) -> None:
    async def work(world: World) -> None:
        ann = await secured(world)
        half = await ann.half()
        tables = (
            "second_factors",
            "recovery_codes",
            "half_sign_ins",
            "account_log",
            "account_mails",
            "sessions",
            "signin_failures",
        )
        kept = ""
        for table in tables:
            rows = await world.people.fetch(f"SELECT t::text AS t FROM {table} t")  # noqa: S608
            kept += " ".join(row["t"] for row in rows)
        for planted in (ann.secret, half, *ann.codes, KEY):
            assert planted not in kept
            assert planted.encode().hex() not in kept
        assert ann.secret not in repr(await second_factor.read_standing(world, ann.me))

    run(shop, work)


class Letters:
    """A way out for mails that keeps them; the answer to the first one is lost."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    async def send(self, message: Message, timeout_seconds: float) -> Posted:
        self.sent.append(message)
        return Posted("later", "no answer in time") if len(self.sent) == 1 else Posted("sent")

    async def greet(self, timeout_seconds: float) -> Posted:
        return Posted("sent")


def test_each_change_is_mailed_once_and_again_when_nobody_knows(shop: Shop) -> None:
    async def work(world: World) -> None:
        await world.people.execute(
            "UPDATE account_mails SET mail_state = 'sent', mail_due_at = NULL"
        )
        letters = Letters()
        object.__setattr__(world, "mail", letters)
        ann = await secured(world)
        await ann.give(await ann.half(), ann.codes[0])
        await change_password(world, Passwords(), ann.me, PASSWORD, "another horse and battery")
        await keep_language(world, ann.user_id, "es")
        await keep_zone(world, ann.user_id, "Asia/Kolkata")
        assert await send_account_mails(world) == 3
        assert await send_account_mails(world) == 0, "not before its pause is over"
        wait(world, 3600)
        assert sum(await asyncio.gather(*(send_account_mails(world) for _ in range(3)))) == 1
        assert len({one.id for one in letters.sent}) == 3
        subjects = {one.subject: one for one in letters.sent}
        used, changed = "Se usó un código de recuperación", "Su contraseña se ha cambiado"
        assert set(subjects) == {"Se activó un segundo factor", used, changed}
        assert {one.to for one in letters.sent} == {ann.email}
        assert "Quedan 9." in subjects[used].text
        assert f"Asia/Kolkata; cuenta: {ann.email}." in subjects[used].text
        assert '<html lang="es">' in subjects[changed].html
        assert "Si no fue usted" in subjects[changed].html
        states = await world.people.fetch(
            "SELECT mail_state FROM account_mails JOIN account_log USING (log_id) WHERE user_id = "
            "$1",
            ann.user_id,
        )
        assert [row[0] for row in states] == ["sent"] * 3

    run(shop, work)

"""Nobody locks anybody out: tries are counted by e-mail and network, and by device where that is
known."""

import httpx
import pytest
from tests.partners.page.test_partner import ME, PASSWORD, Office, office

from recoup.db.server import ServerAddress
from recoup.people.flows.make_user import Membership, make_user
from recoup.people.page.signin import DEVICE


async def typed(client: httpx.AsyncClient, email: str, password: str = "a wrong password") -> int:
    return (await client.post("/signin", data={"email": email, "password": password})).status_code


async def attacked(at: Office, email: str, networks: range, tries: int) -> list[int]:
    return [
        await typed(at.browser(f"203.0.{network}.7"), email)
        for network in networks
        for _ in range(tries)
    ]


async def operator(at: Office) -> None:
    belongs = Membership("operator", at.partner_id, "owner")
    await make_user(at.world, "operator@example.test", "Olga", PASSWORD, [belongs])


@pytest.mark.parametrize("who", ["owner", "operator"])
def test_a_stranger_who_guesses_locks_nobody_else_out(server: ServerAddress, who: str) -> None:
    """Eight wrong tries from anywhere, and the right password was refused for a quarter
    of an hour."""

    async def story(at: Office) -> None:
        await operator(at)
        email = f"{who}@example.test"
        assert await attacked(at, email, range(1, 2), 10) == [401] * 8 + [429] * 2
        assert await typed(at.browser("198.51.100.9"), email, PASSWORD) == 303
        assert await attacked(at, email, range(1, 2), 1) == [429], (
            "whose right password forgives nobody else"
        )

    office(server, story)


def test_a_known_device_signs_in_whatever_its_network_does(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        mine, other = at.browser("203.0.1.7"), at.browser("203.0.1.7")
        assert await typed(mine, "owner@example.test", PASSWORD) == 303
        assert await attacked(at, "owner@example.test", range(1, 2), 9) == [401] * 8 + [429]
        assert await typed(other, "owner@example.test", PASSWORD) == 429
        mine.cookies.delete("recoup_session")
        assert await typed(mine, "owner@example.test", PASSWORD) == 303
        for n in range(70):  # and an address that tries all kinds of e-mails
            await typed(other, f"nobody{n}@example.test")
        assert await typed(other, "analyst@example.test", PASSWORD) == 429
        assert await typed(mine, "owner@example.test", PASSWORD) == 303

    office(server, story)


def test_a_known_device_guesses_no_more_than_others(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        mine = at.browser("203.0.1.7")
        assert await typed(mine, "owner@example.test", PASSWORD) == 303
        told = [await typed(mine, "owner@example.test") for _ in range(30)]
        assert told.count(401) <= 20
        assert told[-1] == 429

    office(server, story)


def test_many_networks_together_guess_a_bounded_number_of_times(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        mine = at.browser("198.51.100.9")
        assert await typed(mine, "owner@example.test", PASSWORD) == 303
        told = await attacked(at, "owner@example.test", range(1, 12), 8)
        assert told.count(401) == 64
        assert await typed(mine, "owner@example.test", PASSWORD) == 303, "a known device goes on"
        assert await typed(at.browser("192.0.2.77"), "analyst@example.test", PASSWORD) == 303

    office(server, story)


def test_an_own_account_with_the_same_e_mail_gives_no_tries_back(server: ServerAddress) -> None:
    """Whoever signed up with somebody's e-mail signed in there, and guessed another eight times,
    and again."""

    async def story(at: Office) -> None:
        thief = at.browser("203.0.1.7")
        form = ME | {"email": "owner@example.test", "password": "my very own password"}
        assert (await thief.post("/signup", data=form)).status_code == 200
        wrong = 0
        for _ in range(6):
            wrong += [await typed(thief, "owner@example.test") for _ in range(4)].count(401)
            await typed(thief, "owner@example.test", "my very own password")
        assert wrong <= 8

    office(server, story)


@pytest.mark.parametrize("cookie", ["", "x", "é", "A" * 64, "A" * 400])
def test_a_device_that_nobody_signed_in_on_is_a_stranger(
    server: ServerAddress, cookie: str
) -> None:
    async def story(at: Office) -> None:
        await attacked(at, "owner@example.test", range(1, 2), 8)
        client = at.browser("203.0.1.7")
        answer = await client.post(
            "/signin",
            data={"email": "owner@example.test", "password": PASSWORD},
            headers={"cookie": f"{DEVICE}={cookie}".encode()},
        )
        assert answer.status_code == 429
        own = at.browser("203.0.1.7")
        assert await typed(own, "analyst@example.test", PASSWORD) == 303
        assert await typed(own, "owner@example.test", PASSWORD) == 429, (
            "a device is known of the one who signed in"
        )

    office(server, story)


def test_sign_ups_from_elsewhere_keep_nobody_from_signing_in_or_up(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        for n in range(12):
            await at.browser(f"203.0.1.{n}").post(
                "/signup", data=ME | {"password": f"a wrong password {n}"}
            )
        assert (await at.browser("198.51.100.4").post("/signup", data=ME)).status_code == 200
        assert await typed(at.browser("198.51.100.5"), ME["email"], PASSWORD) == 303

    office(server, story)

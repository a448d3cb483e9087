"""A bank that wants its customer to confirm: who waits is asked at once, who does not gets a link,
and nothing is sent again blindly; also where only the processor says so and its code does not."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.rescue.flows.test_customer_waiting import run, waiting
from tests.rings import each
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.networks.codes import code_of, read_decline
from recoup.networks.magic import script_card
from recoup.networks.sca import as_sca
from recoup.processors.gateways.port import Charge, Outcome
from recoup.processors.gateways.sandbox.processor import SandboxProcessor

SILENT = script_card("visa", "05", 1)


@pytest.fixture
def wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Stripe says it: a flag beside a code of no network."""
    plain = SandboxProcessor.charge

    async def charge(self: SandboxProcessor, asked: Charge) -> Outcome:
        found = await plain(self, asked)
        return replace(found, sca_wanted=True) if found.state == "declined" else found

    monkeypatch.setattr(SandboxProcessor, "charge", charge)


async def sends(shop: Shop, order_id: Any) -> int:
    async with owner(shop.world) as connection:
        found: int = await connection.fetchval(
            "SELECT count(*) FROM attempts WHERE order_id = $1 AND sent_at IS NOT NULL", order_id
        )
        return found


@pytest.mark.usefixtures("wants")
def test_a_customer_who_waits_is_asked_at_once(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        word = await waiting(shop, pan=SILENT)
        assert word.evaluate == "CHALLENGE"
        async with owner(shop.world) as connection:
            row = await connection.fetchrow(
                "SELECT * FROM attempts WHERE order_id = $1", word.order_id
            )
            asks = await connection.fetchval(
                "SELECT asks FROM challenges WHERE order_id = $1", word.order_id
            )
        assert (row["scheme_code"], row["code_reason"], row["klass"], asks) == (
            "05",
            "sca_required",
            "sca",
            "confirm",
        )

    run(server, story)


@pytest.mark.usefixtures("wants")
def test_a_customer_who_does_not_wait_gets_a_link_and_nothing_is_sent_again(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        word = await shop.ask(days=None, pan=SILENT, code="05")
        async with owner(shop.world) as connection:
            happened = [
                row["happening"]
                for row in await connection.fetch(
                    "SELECT happening FROM order_log WHERE order_id = $1 ORDER BY seq",
                    word.order_id,
                )
            ]
        assert "challenge_offered" in happened
        assert (await sends(shop, word.order_id), word.next_attempt_at) == (1, None)

    run(server, story)


@each(
    ("scheme", "code", "region", "sca"),
    [
        ("visa", "1A", "us", True),
        ("visa", "70", "eea_uk", True),
        ("amex", "130", "us", True),
        ("mastercard", "65", "eea_uk", True),
        ("mastercard", "65", "us", False),
        ("visa", "65", "eea_uk", False),
    ],
)
def test_which_codes_want_it(scheme: str, code: str, region: str, sca: bool) -> None:
    read = read_decline(
        scheme=scheme,
        code=code_of(None, code),
        text=None,
        advice=None,
        on=date(2026, 11, 1),
        region=region,
    )
    assert (read.reason == "sca_required") is sca
    assert (as_sca(read) == read) is sca
    assert as_sca(read).retry == "after_authentication"
    hard = read_decline(
        scheme="visa", code=code_of(None, "04"), text=None, advice=None, on=date(2026, 11, 1)
    )
    assert as_sca(hard) == hard

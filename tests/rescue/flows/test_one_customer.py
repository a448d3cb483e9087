"""What is advanced to one person counts once, under whichever name the person comes: id, e-mail,
phone or card."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec.structs import replace
from tests.rings import deep, draw, each
from tests.risk.flows.test_advances import SLOW, run, waiting
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.networks.magic import script_card
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.taken import Person

LIMIT = 600
USED = "SELECT coalesce(sum(used), 0)::bigint FROM customer_exposure"


def cards(number: int) -> str:
    return script_card("visa", "51", 1, serial=number + 1)


def stranger(number: int) -> Person:
    return Person(
        external_id=f"cust-{number}",
        first_name="Ana",
        email=f"ana-{number}@example.test",
        phone=f"+1 555 77{number:05}",
    )


PLUS_TAGS: Callable[[int], str] = lambda n: f"Ana.Roe+{n}@example.test"  # noqa: E731


def dots(n: int) -> str:
    return "anaroe"[: n % 5 + 1] + "." + "anaroe"[n % 5 + 1 :] + "@gmail.com"


PHONES: Callable[[int], str] = lambda n: (  # noqa: E731
    ("+1 555 010 2030", "5550102030", "(555) 010-2030")[n % 3]
)
ONE: dict[str, Callable[[int], dict[str, Any]]] = {
    "id": lambda n: {"payer": replace(stranger(n), external_id="cust-1"), "pan": cards(n)},
    "e-mail": lambda n: {"payer": replace(stranger(n), email="ana@example.test"), "pan": cards(n)},
    "e-mail with tags": lambda n: {
        "payer": replace(stranger(n), email=PLUS_TAGS(n)),
        "pan": cards(n),
    },
    "e-mail with dots": lambda n: {"payer": replace(stranger(n), email=dots(n)), "pan": cards(n)},
    "phone": lambda n: {"payer": replace(stranger(n), phone=PHONES(n)), "pan": cards(n)},
    "card": lambda n: {"payer": stranger(n)},
}


@deep("properties")
@each("together", [True, False])
@each("name", draw("properties", ONE, 2, label="one customer"))
def test_one_person_has_one_limit(server: ServerAddress, name: str, together: bool) -> None:
    """The figures of the attack: a limit of 6.00, orders of 5.00; twelve were advanced."""

    async def story(shop: Shop) -> None:
        calls = [
            lambda n=n: waiting(shop, units=500, **ONE[name](n))
            for n in range(32 if together else 4)
        ]
        words = (
            await asyncio.gather(*(call() for call in calls))
            if together
            else [await call() for call in calls]
        )
        assert [w.evaluate for w in words].count("APPROVED") == 1
        assert await shop.value("SELECT max(used) FROM customer_exposure") == 500
        await shop.advance(timedelta(days=31))
        assert await shop.value(USED) == 0  # each name's room is free again

    run(server, story, policy=SLOW, customer_max_units=LIMIT)


def test_another_person_has_a_limit_of_their_own(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        calls = (waiting(shop, units=500, payer=stranger(n), pan=cards(n)) for n in range(8))
        assert {w.evaluate for w in await asyncio.gather(*calls)} == {"APPROVED"}

    run(server, story, policy=SLOW, customer_max_units=LIMIT)


def test_a_filler_in_place_of_a_phone_is_nobody(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        calls = (
            waiting(shop, units=500, payer=replace(stranger(n), phone="000-000-0000"), pan=cards(n))
            for n in range(4)
        )
        assert {w.evaluate for w in await asyncio.gather(*calls)} == {"APPROVED"}

    run(server, story, policy=SLOW, customer_max_units=LIMIT)


def test_what_is_refunded_makes_room_under_every_name(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        word = await waiting(shop, units=500, payer=stranger(1), pan=cards(1))
        assert word.evaluate == "APPROVED"
        await refund(shop.world, shop.orders, shop.scope, word.order_id, RefundRequest(all=True))
        assert await shop.value(USED) == 0
        again = await waiting(shop, units=500, payer=stranger(1), pan=cards(1))
        assert again.evaluate == "APPROVED"

    run(server, story, policy=SLOW, customer_max_units=LIMIT)

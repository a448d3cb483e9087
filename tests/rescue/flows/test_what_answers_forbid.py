"""What a decline forbids: which payments of the card, by which merchant, for how long, as its
source says."""

from datetime import timedelta
from typing import NamedTuple

import pytest
from tests.mandates.test_mandates import CARD as VISA
from tests.mandates.test_mandates import MASTERCARD, Saying, begun, named, run
from tests.rescue.flows.test_card_limits import try_now
from tests.worlds import Shop, make_shop

from recoup.db.server import ServerAddress
from recoup.networks.magic import COUNTING_CARDS

AMEX = COUNTING_CARDS[2]
NO, OTHER = 4_590, 10_077  # what the card declines, and approves


class Forbids(NamedTuple):
    """Of the merchant that heard it: its next payment without the customer, what the customer
    starts of the same amount and of another; of another merchant: without the customer, with them;
    of its own after 31 days, since the customer has paid again."""

    own: bool
    same: bool = False
    another: bool = False
    theirs: bool = False
    their_customer: bool = False
    later: bool = False


CASES = [
    (VISA, "code 57", Forbids(own=True, same=True, later=True)),
    (VISA, "code 43", Forbids(own=True, same=True, later=True)),
    (VISA, "code 46", Forbids(own=True, same=True, later=True)),
    (VISA, "R0", Forbids(own=False)),
    (VISA, "R1", Forbids(own=True)),
    (VISA, "R3", Forbids(own=True, theirs=True)),
    (VISA, "code 05", Forbids(own=False)),
    (MASTERCARD, "03", Forbids(own=True, same=True)),
    (MASTERCARD, "21", Forbids(own=True, same=True)),
    (MASTERCARD, "code 41", Forbids(own=True, same=True)),
    (MASTERCARD, "R3", Forbids(own=True)),
    (AMEX, "code 200", Forbids(own=True, same=True)),
]


@pytest.mark.parametrize(
    ("pan", "said", "forbids"), CASES, ids=[f"{pan[0]}-{said}" for pan, said, _ in CASES]
)
def test_what_an_answer_forbids(
    server: ServerAddress, pan: str, said: str, forbids: Forbids
) -> None:
    async def story(shop: Shop, processor: Saying) -> None:
        other = await make_shop(shop.world, shop.orders, shop.deliveries)
        first = await begun(shop, "sub-1", pan, units=NO)
        processor.says[first] = said
        assert await try_now(shop, first) == "declined"

        async def is_sent(at: Shop, units: int, *, by_customer: bool) -> bool:
            sent = len(processor.sent)
            if by_customer:
                facts = named(None) | {"network_transaction_id": "of-another-consent"}
                await at.ask(
                    pan=pan, is_mit=False, days=None, cvv="123", units=units, facts=facts, code="05"
                )
            else:
                order_id = await begun(at, "sub-1", pan, units=units)
                if (await at.order(order_id))["stage"] == "processing":
                    await try_now(at, order_id)
            return len(processor.sent) > sent

        found = Forbids(
            own=not await is_sent(shop, OTHER, by_customer=False),
            same=not await is_sent(shop, NO, by_customer=True),
            another=not await is_sent(shop, OTHER, by_customer=True),
            theirs=not await is_sent(other, OTHER, by_customer=False),
            their_customer=not await is_sent(other, OTHER, by_customer=True),
        )
        later = False
        if found.own:
            await shop.advance(timedelta(days=31))
            later = not await is_sent(shop, OTHER, by_customer=False)
        assert found._replace(later=later) == forbids

    run(server, story)

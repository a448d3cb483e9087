"""What is known of an order's card, on one page: what its answers forbid, its counts, its orders,
its token."""

from datetime import timedelta
from uuid import UUID

import pytest
from tests.rescue.flows.test_card_limits import started, try_now
from tests.staff import As, portal, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.networks.magic import COUNTING_CARDS, Answer
from recoup.processors.gateways.sandbox.processor import SandboxProcessor

VISA, MASTERCARD = COUNTING_CARDS[:2]


async def declined(shop: Shop, pan: str) -> UUID:
    order_id = await started(shop, pan, units=4_590, code="51", days=30)
    await shop.advance(timedelta(days=6))
    await try_now(shop, order_id)
    return order_id


@pytest.mark.parametrize(
    ("pan", "answer", "said"),
    [
        (VISA, Answer(False, "57"), ("Visa category 1", "never again", "any other amount")),
        (VISA, Answer(False, "R3"), ("R3: the customer revoked", "never again", "allowed")),
        (MASTERCARD, Answer(False, "79", "03"), ("Advice 03: do not try again.", "not before")),
        (
            VISA,
            Answer(False, "51"),
            ("Nothing. No answer to this card", "Attempts that its network counts"),
        ),
    ],
)
def test_what_its_answer_forbids_is_said(
    server: ServerAddress,
    monkeypatch: pytest.MonkeyPatch,
    pan: str,
    answer: Answer,
    said: tuple[str, ...],
) -> None:
    monkeypatch.setattr(SandboxProcessor, "_answer", lambda *_: answer)

    async def story(shop: Shop, as_: As) -> None:
        order_id = await declined(shop, pan)
        beside = await started(shop, pan, units=7_700, code="51", days=30)
        clerk = await as_("clerk")
        assert f"/orders/{order_id}/card" in (await clerk.get(f"/orders/{order_id}")).text
        page = await clerk.get(f"/orders/{order_id}/card")
        for one in (*said, "What we know of this card"):
            assert one in texts(page), one
        assert f"/orders/{beside}" in page.text, "the other order of the card"
        assert pan not in page.text

    portal(server, story)


def test_an_order_of_nobody_has_no_card(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        assert (
            await (await as_("clerk")).get(f"/orders/{shop.merchant_id}/card")
        ).status_code == 404

    portal(server, story)

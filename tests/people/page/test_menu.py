"""What the menu counts, and what an empty desk says."""

import re
from datetime import timedelta

from tests.disputes.flows.test_disputes import disputed
from tests.refunds.flows.test_refund_desk import stuck
from tests.settling import give_back, sold
from tests.staff import As, portal, texts
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.notifications.page.notifications import linked

_DISPUTE = """
INSERT INTO disputes (merchant_id, dispute_id, order_id, dispute_no, attempt_id, route, case_ref,
  round_id, kind,
  reason_code, stage, state, units, asset, liable, opened_at)
VALUES ($1, gen_random_uuid(), $2, $3::int, gen_random_uuid(), 'sandbox', 'c' || $3::int,
  gen_random_uuid(), 'fraud',
  '10.4', 'first', $4, 100, 'USD', 'operator', now())
"""
_REQUEST = """
INSERT INTO refund_requests (merchant_id, request_id, order_id, state, units, asset, message, items,
  input_mac,
  requested_by, requested_role, requested_at, expires_at)
VALUES ($1, gen_random_uuid(), $2, 'waiting', 100, 'USD', '', '[]', '', 'user:x', 'operations',
  now(), now())
"""

_ADJUSTMENT = """
INSERT INTO adjustments (merchant_id, adjustment_id, asset, units, note, state, made_by, created_at)
VALUES ($1, gen_random_uuid(), 'USD', 100, 'x', 'waiting', 'user:x', now())
"""


def counted(page: str, word: str) -> str | None:
    """The number beside the word in the menu."""
    found = re.search(rf'{word}(?:<span class="count hot">([^<]*)</span>)?</a>', page)
    assert found, word
    return found[1]


def test_the_menu_counts_what_waits_on_disputes_and_approvals(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        maya, order_id = await signed_in("owner"), await shop.admit()
        page = (await maya.get("/keys")).text
        assert [
            counted(page, word) for word in ("Disputes", "Approvals", "Refunds", "Unknown outcomes")
        ] == [None] * 4
        async with owner(shop.world) as connection:
            for number, state in enumerate(("open", "open", "won"), 1):
                await connection.execute(_DISPUTE, shop.merchant_id, order_id, number, state)
            await connection.execute(_REQUEST, shop.merchant_id, order_id)
        page = (await maya.get("/keys")).text
        assert (counted(page, "Disputes"), counted(page, "Approvals")) == ("2", "1")
        await stuck(shop)
        page = (await maya.get("/keys")).text
        assert counted(page, "Refunds") == "1"

    portal(server, story)


def test_the_operator_begins_with_merchants_money_to_approve_and_health(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga, maya = await signed_in("olga"), await signed_in("owner")
        assert (await maya.get("/operator")).status_code == 403
        async with owner(shop.world) as connection:
            await connection.execute(_ADJUSTMENT, shop.merchant_id)
        page = texts(await olga.get("/operator"))
        for part in ("Operator home", "On time", "Brightleaf Tea", "Rival's shop"):
            assert part in page, part
        row = (await olga.get("/operator?q=brightleaf")).text
        assert "Rival" not in re.sub(r'<nav class="side".*?</nav>', "", row, flags=re.DOTALL)
        assert re.search(r'name="next" value="/approvals">.*?>1<span', row), (
            "one adjustment to approve, a click away"
        )
        assert "No merchant’s name contains this." in texts(await olga.get("/operator?q=zebra"))

    portal(server, story)


def test_the_operators_home_and_the_overview_say_the_same_of_what_was_recovered(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        [_, returned, disputed_id, *_] = await sold(shop, 5)
        await give_back(shop, returned, "10.00")
        await disputed(shop, disputed_id, units=1_000)
        await shop.advance(timedelta(days=5))
        olga = await signed_in("olga")
        home = texts(await olga.get("/operator?q=brightleaf"))
        assert "229.50 USD" in home
        assert 'name="next" value="/overview?range=30d"' in (await olga.get("/operator")).text
        assert "Money recovered 229.50 USD" in texts(await olga.get("/overview?range=30d"))
        await shop.advance(timedelta(days=40))
        assert "229.50 USD" not in texts(await olga.get("/operator?q=brightleaf")), (
            "by the merchant's clock"
        )
        assert "Money recovered" not in texts(await olga.get("/overview?range=30d"))

    portal(server, story)


def test_an_empty_needs_attention_says_that_nothing_needs_you(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        client = await signed_in("ops")
        empty = texts(await client.get("/orders?attention=1"))
        assert "No action needed" in empty
        assert "Drop one" not in empty
        assert "No order matches" in texts(await client.get("/orders?attention=1&status=7"))

    portal(server, story)


def test_orders_in_a_notification_are_links() -> None:
    orders = [("SUB-1", "/orders/a"), ("SUB-10", "/orders/b")]
    assert linked("2 on hold: SUB-10, SUB-1.", orders) == [
        ("2 on hold: ", ""),
        ("SUB-10", "/orders/b"),
        (", ", ""),
        ("SUB-1", "/orders/a"),
        (".", ""),
    ]
    assert linked("Of order SUB-1.", ()) == [("Of order SUB-1.", "")]


def test_each_role_has_the_lines_of_what_it_may_open(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        lines = {}
        for whom in ("owner", "dev", "olga", "rita"):
            page = await (await signed_in(whom)).get("/orders", follow_redirects=True)
            nav = re.search(r'<nav class="side".*?</nav>', page.text, re.DOTALL)
            assert nav, whom
            links = re.findall(r'<li><a href="([^"]+)"', nav[0])
            assert len(links) == len(set(links)), whom
            assert nav[0].count('aria-current="page"') == 1, whom
            lines[whom] = set(links)
        assert {"/overview", "/orders?attention=1", "/docs", "/account", "/roles"} <= lines["owner"]
        assert not {"/look-as", "/partner"} & lines["owner"]
        assert lines["owner"] - lines["dev"] == {"/approvals", "/invitations", "/audit"}
        assert lines["olga"] - lines["owner"] == {
            "/cards",
            "/live-check",
            "/look-as",
            "/operator",
            "/processors",
        }
        assert {"/partner", "/partner/report", "/partner/webhooks", "/partner/keys"} <= lines[
            "rita"
        ]

    portal(server, story)

"""A merchant comes near a card network's monitoring programme: counted, shown, and told once for
each mark."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.disputes.flows.test_compelling_evidence import VISA
from tests.disputes.flows.test_disputes import disputed, paid, story, tried
from tests.worlds import FUNDS_CARD, Shop, owner

from recoup.db.server import ServerAddress
from recoup.disputes.flows.monitoring import watch_monitoring
from recoup.disputes.store.monitoring import highest_shares, kept_months
from recoup.insight.flows.watch_rates import watch_rates
from recoup.networks import monitoring
from recoup.notifications.rules.notification_words import words_of


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thresholds of two cases."""
    rows = [one._replace(cases_min=2) for one in monitoring.PROGRAMS]
    monkeypatch.setattr(monitoring, "PROGRAMS", rows)


async def counted(shop: Shop) -> list[tuple[Any, ...]]:
    await watch_rates(shop.world)
    async with owner(shop.world) as connection:
        await connection.execute("UPDATE cell.rescue_watches SET monitored_at = NULL")
    assert await watch_monitoring(shop.world) == 1
    month = (await shop.now()).astimezone(UTC).date().replace(day=1)
    return [
        one
        for one in await kept_months(shop.world.db, shop.merchant_id, month)
        if one.scheme == "visa"
    ]


async def told(shop: Shop) -> list[dict[str, Any]]:
    async with shop.world.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT facts FROM alerts WHERE kind = 'monitoring' ORDER BY step"
        )
    return [row["facts"] for row in rows]


def test_half_of_a_threshold_is_told_once_and_so_is_the_whole(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        first = await paid(shop, pan=VISA)
        second = await paid(shop, pan=VISA)
        await tried(shop, pan=FUNDS_CARD)  # declined: no sale
        assert [one[3:] for one in await counted(shop)] == [(2, 0, 0, 0, 0)]
        assert await told(shop) == []
        await disputed(shop, first, stage="inquiry")
        assert [one[3:] for one in await counted(shop)] == [(2, 0, 0, 0, 0)], (
            "an inquiry takes no money"
        )
        await disputed(shop, first)
        for _ in range(2):
            assert [one[3:] for one in await counted(shop)] == [(2, 1, 0, 0, 0)]
        (half,) = await told(shop)
        assert (half["state"], half["cases"], half["cases_min"], half["acceptor"]) == (
            "half",
            1,
            2,
            "sandbox",
        )
        words = words_of("monitoring", half)
        assert (words.title, words.path) == (
            "Half of the threshold of VAMP excessive is reached",
            "/monitoring",
        )
        async with owner(shop.world) as connection:  # its issuer reported it, too
            sql = "INSERT INTO cell.fraud_warnings SELECT $1, $2, gen_random_uuid(), $3"
            await connection.execute(sql, shop.merchant_id, second, await shop.now())
        for _ in range(2):
            assert [one[3:] for one in await counted(shop)] == [(2, 1, 1, 0, 0)]
        assert [one["state"] for one in await told(shop)] == ["half", "over"]
        month = datetime.now(UTC).date().replace(day=1)
        assert await highest_shares(shop.world.db, month) == {"visa": 1.0}

    story(server, tell)

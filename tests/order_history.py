"""A merchant's own payments of the past, transmitted: two thirds of its customers are paid on
Fridays, the others on the 20th, and money lasts a day and a half.
"""

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.worlds import Shop

from recoup.kernel.ids import new_id
from recoup.kit.world import World
from recoup.rescue.store.transmissions import ReportedTransmission, add_transmissions

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 150
ROWS_AT_ONCE = 2_000


def payments(
    merchant_id: UUID,
    seed: int,
    payers: int,
    *,
    shuffled: bool = False,
    invented: bool = False,
    bin_: str = "400088",
) -> list[Any]:
    """Rows of transmissions. `shuffled`: approvals fall on any day, so that there is nothing to
    learn. `invented`: they fall on those days without exception."""
    dice, rows = random.Random(seed), []
    for payer in range(payers):
        weekly, payer_id = payer % 3 != 0, uuid.UUID(int=dice.getrandbits(128))
        for number in range(4):
            dead, at = (
                not invented and dice.random() < 0.15,
                BEGIN + timedelta(hours=dice.randrange(24 * DAYS)),
            )
            for attempt in range(5):
                days = (at.weekday() - 4) % 7 if weekly else (at.day - 20) % 30
                money = dice.random() < 0.3 if shuffled else days + at.hour / 24 < 1.5
                approved = not dead and money and (invented or dice.random() > 0.05)
                rows.append(
                    _row(
                        merchant_id,
                        payer_id,
                        f"{seed}-{payer}-{number}",
                        attempt,
                        at,
                        approved,
                        bin_,
                    )
                )
                if approved:
                    break
                at += timedelta(hours=dice.randrange(20, 70))
    return rows


def _row(
    merchant_id: UUID,
    payer_id: UUID,
    external_id: str,
    attempt: int,
    at: datetime,
    approved: bool,
    bin_: str,
) -> dict[str, Any]:
    return {
        "merchant_id": merchant_id,
        "transmit_id": new_id(),
        "external_id": external_id,
        "transaction_id": f"{external_id}-{attempt}",
        "is_declined": not approved,
        "is_mit": True,
        "units": 4590,
        "asset": "USD",
        "code_source": "visa",
        "code": "00" if approved else "51",
        "bin": bin_,
        "last4": "1234",
        "payer_id": payer_id,
        "transacted_at": at,
        "received_at": at,
        "facts": {"country": "US"},
        "email": "",
        "phone": "",
        "name": "",
        "payer_external_id": "",
        "business_at": at,
    }


async def transmit(world: World, rows: list[Any]) -> None:
    for begin in range(0, len(rows), ROWS_AT_ONCE):
        async with world.db.connection() as connection:
            told = [ReportedTransmission(**row) for row in rows[begin : begin + ROWS_AT_ONCE]]
            await add_transmissions(connection, told)


async def lived(shop: Shop, seed: int = 1, payers: int = 200, **more: Any) -> None:
    await transmit(shop.world, payments(shop.merchant_id, seed, payers, **more))


def until_yesterday(rows: list[Any]) -> list[Any]:
    """The same, on the same days of the week, ending about yesterday by this machine's clock."""
    weeks = (
        datetime.now(UTC) - timedelta(days=1) - BEGIN - timedelta(days=DAYS + 15)
    ) // timedelta(weeks=1)
    for row in rows:
        for name in ("transacted_at", "received_at", "business_at"):
            row[name] += timedelta(weeks=weeks)
    return rows

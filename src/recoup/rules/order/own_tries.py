"""What a processor's own billing may still send of a card: nobody here can stop it, so the card's limits keep room."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from recoup.rules.network.limits import Send


def own_tries(
    facts: Mapping[str, Any], *, units: int, currency: str, acceptor_id: str, merchant_id: UUID, offset: timedelta
) -> tuple[Send, ...]:
    """Of an order whose invoice the billing goes on to charge: all that are left, dated at the next, in the business
    time of a merchant whose clock stands `offset` apart. They bind that merchant alone, as the tries it reports do."""
    at, left = facts.get("own_retry_at"), int(facts.get("own_tries_left") or 0)
    if not at or left < 1:
        return ()
    next_at = datetime.fromisoformat(at) + offset
    send = Send(
        next_at,
        units,
        currency,
        "merchant",
        acceptor_id,
        str(merchant_id),
        "reserved",
        claimed=True,
        network_attempts=left,
    )
    return (send,)

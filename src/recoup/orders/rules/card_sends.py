"""A card's sends and blocks, as an order sees them under the card's lock."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.networks.limits import Initiator, Send


@frozen
class CardSend:
    """`send`: as the network limits count it."""

    send_id: UUID
    send: Send


@frozen
class CardBlock:
    """Block on sends of the card until then, by this merchant or acceptor; None: by any, or for
    ever."""

    merchant_id: UUID | None
    acceptor_id: str | None
    reason: str
    until: datetime | None


def initiator_of(text: str) -> Initiator:
    return "customer" if text == "customer" else "merchant"


def own_tries(
    facts: Mapping[str, Any],
    *,
    units: int,
    currency: str,
    acceptor_id: str,
    merchant_id: UUID,
    offset: timedelta,
) -> tuple[Send, ...]:
    """The billing's own attempts of an order whose invoice it goes on to charge: all that are left,
    dated at the next, in the business time of a merchant whose clock stands `offset` apart. They
    bind that merchant alone, as the attempts it reports do."""
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

"""A card's sends and blocks, as an order sees them under the card's lock."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from recoup.rules.network.limits import Initiator, Send


@dataclass(frozen=True, slots=True)
class CardSend:
    """`send`: as the network limits count it."""

    send_id: UUID
    send: Send


@dataclass(frozen=True, slots=True)
class CardBlock:
    """No sends of the card until then, by this merchant or acceptor; None: by any, or for ever."""

    merchant_id: UUID | None
    acceptor_id: str | None
    reason: str
    until: datetime | None


def initiator_of(text: str) -> Initiator:
    return "customer" if text == "customer" else "merchant"

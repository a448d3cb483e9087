"""What an account updater must offer: the card networks' word on what became of a card that an issuer replaced."""

from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args
from uuid import UUID

from recoup.gateways.cards.credential import Card

UpdateState = Literal["updated", "unchanged", "closed", "contact", "unknown"]
STATES: frozenset[str] = frozenset(get_args(UpdateState))


@dataclass(frozen=True, slots=True)
class UpdateInquiry:
    """A question about one card. `id` is ours and the idempotency key: repeated, it is answered, and billed, once."""

    id: UUID
    merchant_id: UUID
    acceptor_id: str
    card: Card
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class CardUpdate:
    """`updated`: `pan` and expiry are the card's from now on, `pan` None where the number stays; `unchanged`: nothing
    newer is known; `closed`: the account is; `contact`: the issuer leaves it to the cardholder to say; `unknown`: no
    answer that could be read, or no such card. `pan` reaches no repr."""

    state: UpdateState
    pan: str | None = field(default=None, repr=False)
    exp_month: int | None = None
    exp_year: int | None = None


UNKNOWN = CardUpdate("unknown")


class Updater(Protocol):
    """No method raises for anything that a network or a counterpart does: that is `unknown`."""

    name: str

    async def update_of(self, inquiry: UpdateInquiry) -> CardUpdate: ...

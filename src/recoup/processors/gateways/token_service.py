"""Port for a service of network tokens: a number in a card's place, made by the card's network for
one merchant, which stays when the card is replaced."""

from dataclasses import field
from typing import Literal, Protocol
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.processors.gateways.credential import Card
from recoup.processors.rules.credential import TokenState

Answer = Literal["active", "suspended", "deleted", "refused", "unknown"]
# `not_known`: there is none by this id; `not_offered`: the service deletes none.
Deletion = Literal["deleted", "not_known", "not_offered", "unknown"]


@frozen
class TokenRequest:
    """A token for a card. `id` is ours, the idempotency key, and what the token is called from then
    on."""

    id: UUID
    merchant_id: UUID
    acceptor_id: str
    card: Card
    timeout_seconds: float


@frozen
class TokenInquiry:
    """Inquiry into how a token stands."""

    id: UUID
    merchant_id: UUID
    timeout_seconds: float


@frozen
class CryptogramRequest:
    """The proof that one charge needs where its customer is there. `id`: the charge's; with `send`
    (which send of it) it is the idempotency key."""

    id: UUID
    token_id: UUID
    merchant_id: UUID
    units: int
    currency: str
    send: int
    timeout_seconds: float


@frozen
class TokenAnswer:
    """Standing of a token. `active` or `suspended` with `number` and expiry when it was made, with
    the expiry alone when it is asked about; `refused`: this card gets none; `unknown`: no answer
    that could be read. `requestor_id`: on whose behalf it was made; `account_reference`: of the
    account behind the card (PAR). `number` reaches no repr."""

    state: Answer
    number: str | None = field(default=None, repr=False)
    exp_month: int | None = None
    exp_year: int | None = None
    requestor_id: str | None = None
    account_reference: str | None = field(default=None, repr=False)

    @property
    def kept_state(self) -> TokenState | None:
        """The state to be kept; None where it says nothing of a token."""
        state = self.state
        return None if state == "refused" or state == "unknown" else state


UNKNOWN = TokenAnswer("unknown")


class TokenService(Protocol):
    """Service of network tokens. No method raises for anything that a network or a counterpart
    does: that is `unknown`, or no cryptogram."""

    name: str
    acceptor_id: str

    async def make_token(self, request: TokenRequest) -> TokenAnswer: ...

    async def standing_of(self, inquiry: TokenInquiry) -> TokenAnswer: ...

    async def delete_token(self, inquiry: TokenInquiry) -> Deletion:
        """Deletes a token for good; again, it answers the same or `not_known`."""
        ...

    async def cryptogram(self, request: CryptogramRequest) -> str | None:
        """The cryptogram; None where it gives none, or does not answer."""
        ...

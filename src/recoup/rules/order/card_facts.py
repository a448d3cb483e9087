"""An order's card and its network token, as they are known without their numbers."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

TokenState = Literal["active", "suspended", "deleted"]
TokenStanding = Literal["requested", "active", "suspended", "deleted", "refused"]


@dataclass(frozen=True, slots=True)
class StoredMethod:
    """A card that the processor of `route` keeps. `reference` and `customer` are the processor's; `is_closed`: it said
    that the method is gone."""

    route: str
    reference: str = field(repr=False)
    customer: str | None = field(default=None, repr=False)
    fingerprint: str | None = field(default=None, repr=False)
    funding: str | None = None
    country: str | None = None
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What may be known of the card without opening the vault; `sealed` is what the vault keeps, None of a card that
    its processor keeps: that is `stored`. Of such a card `bin` is empty, and what the processor does not say is empty
    or 0."""

    token_id: UUID
    scheme: str
    bin: str
    last4: str
    magic: str | None
    exp_month: int
    exp_year: int
    sealed: tuple[str, bytes, bytes, bytes] | None = field(repr=False)
    issuer_digits: str = ""  # empty: the card came before they were kept
    stored: StoredMethod | None = None


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """A network token of the card, made by the service of that name. `bin` and `last4` are its own number's; 0 and
    empty until it is made. `sealed` as of the card."""

    network_token_id: UUID
    service: str
    state: TokenStanding
    requested_at: datetime
    requestor_id: str | None = None
    bin: str = ""
    last4: str = ""
    exp_month: int = 0
    exp_year: int = 0
    sealed: tuple[str, bytes, bytes, bytes] | None = field(default=None, repr=False)

    kind = "network_token"

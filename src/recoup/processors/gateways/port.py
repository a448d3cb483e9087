"""Port for a card processor.

Every message has an `id`, the row's in our database, and a `key`, which is what the processor sees:
as idempotency key and in metadata. The key is derived (orders/rules/wire_keys), so that a database
that forgot the row makes the same one again. Without one the id is the key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, Protocol
from uuid import UUID

from recoup.networks.compelling_evidence import Compelling
from recoup.processors.gateways.credential import Card, Credential, CredentialNews, Stored, Token
from recoup.processors.gateways.outcome import Fault, Outcome, as_requested
from recoup.processors.rules.agreement import MitReason
from recoup.processors.rules.browser import Browser
from recoup.processors.rules.credential import CredentialKind

__all__ = [
    "Asks", "Authenticates", "Card", "Charge", "Counterpart", "Credential", "CredentialKind",
    "CredentialNews", "DisputeAnswer", "EvidenceFile", "Fault", "Inquiry", "LookUp", "MitReason",
    "ModificationMessage", "Outcome", "PayerAtHand", "PayerAway", "Processor", "StatementLine",
    "Stored", "Token", "as_requested",
]  # fmt: skip

Asks = Literal["by_our_key", "by_search", "by_replay", "none"]
Authenticates = Literal["never", "at_hand", "by_redirect"]


_NONE: Final = UUID(int=0)


def _key_or_id(message: object, name: str, id: UUID) -> None:
    if getattr(message, name) == _NONE:
        object.__setattr__(message, name, id)


@dataclass(frozen=True, slots=True)
class PayerAtHand:
    """A customer at a page of ours who can be sent to the processor's. `return_url`: where they
    come back to. `is_wanted`: they shall confirm, also where the processor would not ask.
    `browser`: what it said of itself, for the first send alone."""

    return_url: str
    is_wanted: bool = False
    browser: Browser = Browser()


class PayerAway(NamedTuple):
    """A customer who was, or may have been, sent to the processor's page. `was_sent`: it named one.
    `returned`: what their browser brought back, None as long as they are away. `may_wait`: they may
    still come; else what waits for them is ended there."""

    was_sent: bool
    returned: str | None
    may_wait: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that moves money."""

    id: UUID
    units: int
    currency: str
    send_before_monotonic: float
    timeout_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge(Message):
    """Send of a card to the network.

    `id` is the attempt's id; `order_id` groups the sends of one rescue, and `order_key` does so at
    the processor; `sent_at` is business time, of the first send under this id; `n` counts those
    sends from 1; `units` in the currency's minor unit; `initiator` is `merchant` (MIT) or
    `customer` (CIT); `capture` False only authorises. `send_before_monotonic` is this process's
    monotonic clock: no first byte may leave later.

    `sequence`: which charge of its agreement, 1 for the one that starts it; None where there is
    none. `first_network_id` is of the customer's first consent, `latest_network_id` of the newest
    approval. `exemption`: why no strong authentication is needed, as in `orders/rules/consent`.
    `invoice`: the processor's own invoice, which is paid as that; `invoice_read`: it was found to
    be so just now. `payer`: who can be asked to confirm; without one, nothing may be left waiting
    for them. `part_from`: the least units of a partial approval that are taken; None: the whole or
    nothing.

    `sent_at`, `n`, the deadline and the time-out differ from send to send: they are no part of what
    a processor compares with an earlier message of the same key.
    """

    order_id: UUID
    merchant_id: UUID
    acceptor_id: str
    credential: Credential
    initiator: Literal["merchant", "customer"]
    capture: bool
    descriptor: str
    sent_at: datetime
    phone: str | None = None
    first_network_id: str | None = None
    latest_network_id: str | None = None
    agreement: str | None = None
    three_d_secure: dict[str, str] | None = None
    mit_reason: MitReason | None = None
    sequence: int | None = None
    n: int = 1
    exemption: str | None = None
    invoice: str | None = None
    invoice_read: bool = False
    payer: PayerAtHand | None = None
    part_from: int | None = None
    key: UUID = _NONE
    order_key: UUID = _NONE

    def __post_init__(self) -> None:
        _key_or_id(self, "key", self.id)
        _key_or_id(self, "order_key", self.order_id)

    @property
    def card(self) -> Card:
        """Raises: TypeError for what a processor keeps, and for a network token."""
        if not isinstance(self.credential, Card):
            raise TypeError("the charge has no card")
        return self.credential


@dataclass(frozen=True, slots=True)
class ModificationMessage:
    """A refund, void or capture of an earlier charge, which the processor knows by `charge_key`;
    `reference` is what the processor called the charge; `final_part`: no further capture of it
    follows, and what is left of the hold is released. `captured_before`: what captures before this
    message took of the charge."""

    id: UUID
    charge_id: UUID
    units: int
    currency: str
    kind: Literal["refund", "void", "capture"]
    sent_at: datetime
    send_before_monotonic: float
    timeout_seconds: float
    reference: str | None = None
    final_part: bool = True
    captured_before: int = 0
    merchant_id: UUID | None = None
    key: UUID = _NONE
    charge_key: UUID = _NONE
    order_key: UUID = _NONE  # nothing goes out under it: what a look-up asks by

    def __post_init__(self) -> None:
        _key_or_id(self, "key", self.id)
        _key_or_id(self, "charge_key", self.charge_id)


class StatementLine(NamedTuple):
    """Line of a counterpart's book, on one movement. `type` as in bank/rules/matching; `id`: our
    key, or our id from a twin of ours, if it knows."""

    id: UUID | None
    reference: str
    type: str
    units: int
    currency: str
    at: datetime


class EvidenceFile(NamedTuple):
    """`media_type`: as its bytes say."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class DisputeAnswer:
    """Our word to a case of the processor's. `evidence` is what speaks for the merchant, as text,
    `files` the same as files, for a processor that takes them. `compelling`: earlier payments of
    the card, which the text names too."""

    id: UUID
    case_ref: str
    charge_id: UUID
    answer: Literal["contest", "accept"]
    evidence: str
    sent_at: datetime
    send_before_monotonic: float
    timeout_seconds: float
    files: tuple[EvidenceFile, ...] = field(default=(), repr=False)
    compelling: Compelling | None = field(default=None, repr=False)
    key: UUID = _NONE
    charge_key: UUID = _NONE

    def __post_init__(self) -> None:
        _key_or_id(self, "key", self.id)
        _key_or_id(self, "charge_key", self.charge_id)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question about a message, by its `key`. `message` is what was sent, as it was sent; None
    where the question needs no more than the key. `reference`: what the processor called it, where
    it ever did. Times are wall time.

    `may_send`: the question may be that message once more, for a processor that asks by replay;
    never without. `payer`: of a charge that had one at hand.
    """

    id: UUID
    kind: Literal["charge", "modification", "dispute_answer", "payment", "probe"] = "charge"
    message: Charge | ModificationMessage | DisputeAnswer | None = None
    reference: str | None = None
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    may_send: bool = False
    payer: PayerAway | None = None

    @property
    def key(self) -> UUID:
        return self.message.key if self.message is not None else self.id


@dataclass(frozen=True, slots=True)
class LookUp:
    """Look-up of whether a message, or another of its order, was sent before our database forgot
    it: read from the processor's book, whatever its memory of keys still holds. `since`: wall time,
    from when on it may have been. `known`: keys of the same order that our database knows, which
    are not meant."""

    message: Charge | ModificationMessage
    since: datetime
    known: frozenset[UUID] = frozenset()


class Counterpart(Protocol):
    """A processor or a channel: what took the money gives it back. No method raises for anything a
    network or counterpart does: that is an Outcome. An id is sent again only inside
    `idempotency_window` of its first send.

    `asks`: how it can be inquired what became of a message. `by_our_key` and `by_search` only read;
    `by_replay` may send what never arrived.
    """

    name: str
    asks: Asks
    idempotency_window: timedelta
    settled_after: timedelta
    unprocessed_codes: frozenset[str]

    async def modify(self, message: ModificationMessage) -> Outcome: ...

    async def inquire(self, inquiry: Inquiry) -> Outcome: ...

    async def look_up(self, question: LookUp) -> Outcome:
        """Looks up what its book has of it, see `look_up.chosen`: `not_found` only where the book
        surely has nothing, else `unknown`. Only reads."""
        ...


class Processor(Counterpart, Protocol):
    """A route of cards. `kind`: its connector, as in `kinds`; `takes`: which credentials.
    `authenticates`: how a customer confirms with it: at a page of the processor, by what the page
    of a test world gives, or not at all. `multicapture`: a hold of it may be captured several
    times; of others a capture of a part releases the rest. `keeps_rest`: it knows of no final part,
    so what is left stays held until it is voided."""

    kind: str
    acceptor_id: str
    takes: frozenset[CredentialKind]
    takes_files: bool  # with the answer to a dispute
    authenticates: Authenticates
    multicapture: bool
    keeps_rest: bool

    def exponent(self, currency: str) -> int | None:
        """The decimals of its amounts in this currency; None for one that it does not take."""
        ...

    def carries(self, units: int, currency: str) -> bool:
        """True when it takes this amount as it is: none is rounded."""
        ...

    async def charge(self, charge: Charge) -> Outcome: ...

    def brought_back(self, query: Mapping[str, str]) -> str | None:
        """Picks what an inquiry needs of what the customer's browser brought back to `return_url`;
        empty where it needs nothing, None for what is no return. It proves nothing."""
        ...

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome: ...

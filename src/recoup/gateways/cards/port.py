"""What a card processor must offer. Every call carries an id of ours that is its idempotency key."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, Protocol
from uuid import UUID

from recoup.rules.counterpart_text import CODE_MAX, REFERENCE_MAX, SENTENCE_MAX, kept
from recoup.rules.network.card_text import masked_numbers


@dataclass(frozen=True, slots=True)
class Card:
    """A card as a processor needs it. `pan` and `cvv` never reach a repr, a log or an error."""

    pan: str = field(repr=False)
    exp_month: int
    exp_year: int
    scheme: str
    cvv: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Charge:
    """One send of a card to the network.

    `id` is the attempt's id; `order_id` groups the sends of one rescue; `sent_at` is business time; `units` in the
    currency's minor unit; `initiator` is `merchant` (MIT) or `customer` (CIT); `capture` False only authorises.
    `send_before_monotonic` is this process's monotonic clock: no first byte may leave later.
    """

    id: UUID
    order_id: UUID
    merchant_id: UUID
    acceptor_id: str
    card: Card
    units: int
    currency: str
    initiator: Literal["merchant", "customer"]
    capture: bool
    descriptor: str
    sent_at: datetime
    send_before_monotonic: float
    timeout_seconds: float
    phone: str | None = None
    network_transaction_id: str | None = None
    agreement: str | None = None
    three_d_secure: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ModificationMessage:
    """A refund, void or capture of an earlier charge. `id` is ours and is the idempotency key."""

    id: UUID
    charge_id: UUID
    units: int
    currency: str
    kind: Literal["refund", "void", "capture"]
    sent_at: datetime
    send_before_monotonic: float
    timeout_seconds: float


class StatementLine(NamedTuple):
    """What a counterpart's book says of one movement. `type` as in rules/money/matching; `id` is ours, if it knows."""

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
    """Our word to a case of the processor's. `id` is ours and is the idempotency key; `evidence` is what speaks for the
    merchant, as text, `files` the same as files, for a processor that takes them."""

    id: UUID
    case_ref: str
    charge_id: UUID
    answer: Literal["contest", "accept"]
    evidence: str
    sent_at: datetime
    send_before_monotonic: float
    timeout_seconds: float
    files: tuple[EvidenceFile, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the processor said.

    `state`: approved; declined; unknown (it may have happened: ask, never resend blind); not_sent (proof that it
    never left); not_found (answer of an inquiry only). Codes are as the processor gave them; `scheme_code` is field
    39, `advice_code` Mastercard's MAC.
    """

    state: Literal["approved", "declined", "unknown", "not_sent", "not_found"]
    reference: str | None = None
    scheme_code: str | None = None
    advice_code: str | None = None
    processor_code: str | None = None
    text: str | None = None
    network_transaction_id: str | None = None
    latency_ms: int = 0

    def __post_init__(self) -> None:
        """An answer from anywhere, of any size: what is too long is cut, and card numbers in the sentence are masked,
        so that the state is never lost over it."""
        for name, most in _KEPT:
            text = getattr(self, name)
            if text is not None:
                plain = masked_numbers(text) if name == "text" else text
                object.__setattr__(self, name, kept(plain, most))


_KEPT: Final = (
    ("reference", REFERENCE_MAX), ("scheme_code", CODE_MAX), ("advice_code", CODE_MAX), ("processor_code", CODE_MAX),
    ("text", SENTENCE_MAX), ("network_transaction_id", REFERENCE_MAX),
)  # fmt: skip


class Counterpart(Protocol):
    """A processor or a channel: what took the money gives it back. No method raises for anything a network or
    counterpart does: that is an Outcome."""

    name: str
    idempotency_window: timedelta
    settled_after: timedelta
    unprocessed_codes: frozenset[str]

    async def modify(self, message: ModificationMessage) -> Outcome: ...

    async def inquire(self, id: UUID) -> Outcome: ...


class Processor(Counterpart, Protocol):
    """A route of cards."""

    acceptor_id: str
    asks: Literal["by_our_key", "by_search", "none"]
    takes_files: bool  # with the answer to a dispute

    async def charge(self, charge: Charge) -> Outcome: ...

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome: ...

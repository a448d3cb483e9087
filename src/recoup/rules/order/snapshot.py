"""An order as a flow sees it while it holds its lock. Plain values, made by `store`, changed by `moves`."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from recoup.kernel.time import BusinessTime, WallTime, business_at
from recoup.rules.money.fees import Tariff
from recoup.rules.money.ledger import WALLET
from recoup.rules.order.faces import Face, face
from recoup.rules.order.lifecycle import Stage


@dataclass(frozen=True, slots=True)
class Merchant:
    """What a merchant's settings say. `version` rises with every change."""

    merchant_id: UUID
    version: int
    name: str
    offset_us: int
    mit_mode: str
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    region: str
    acceptor_id: str
    tariff: Tariff
    cit_unresolved: str
    killed: bool
    capture_window_minutes: int

    def business(self, wall: WallTime) -> BusinessTime:
        return business_at(wall, self.offset_us)

    @property
    def offset(self) -> timedelta:
        return timedelta(microseconds=self.offset_us)


@dataclass(slots=True)
class Attempt:
    """One row of attempts; see `rules.order.attempts` for its life."""

    attempt_id: UUID
    order_id: UUID
    attempt_no: int
    state: str
    ladder: str
    due_at: datetime
    units: int
    asset: str
    initiator: str
    route: str | None = None
    sent_at: datetime | None = None
    send_before: datetime | None = None
    call_timeout_ms: int | None = None
    sends: int = 0
    not_found: int = 0
    if_late: str | None = None
    reference: str | None = None
    network_transaction_id: str | None = None
    scheme_code: str | None = None
    advice_code: str | None = None
    processor_code: str | None = None
    klass: str | None = None
    code_reason: str | None = None
    latency_ms: int | None = None
    closed_at: datetime | None = None
    decision_id: UUID | None = None

    def is_out(self) -> bool:
        """A payer's payment that was given to its channel, which has not said yet what became of it."""
        given = self.initiator == "payer" and self.send_before is not None
        return given and self.closed_at is None and self.reference is None


@dataclass(slots=True)
class Refund:
    """One row of refunds: a refund that is owed, the reversal of a late approval, a hold's void or its capture."""

    refund_id: UUID
    order_id: UUID
    refund_no: int
    kind: str
    attempt_id: UUID | None
    state: str
    units: int
    asset: str
    message: str
    items: list[dict[str, Any]]
    input_mac: str
    business_at: datetime
    actor: str
    tries: int = 0
    send_before: datetime | None = None
    not_found: int = 0
    reference: str | None = None
    processor_code: str | None = None


@dataclass(slots=True)
class Challenge:
    """One row of challenges. `asks`: confirm, code, address or card."""

    challenge_id: UUID
    order_id: UUID
    challenge_no: int
    state: str
    asks: str
    expires_at: datetime
    tries: int = 0


@dataclass(slots=True)
class Settlement:
    """One row of settlements: direct money on its way to the merchant's own wallet. `units` net of the fee."""

    settlement_id: UUID
    order_id: UUID
    attempt_id: UUID
    state: str
    units: int
    fee_units: int
    asset: str
    to_address: str
    business_at: datetime
    tx_hash: str | None = None
    tries: int = 0
    send_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What may be known of the card without opening the vault; `sealed` is what the vault keeps."""

    token_id: UUID
    scheme: str
    bin: str
    last4: str
    magic: str | None
    exp_month: int
    exp_year: int
    sealed: tuple[str, bytes, bytes, bytes] = field(repr=False)


@dataclass(slots=True)
class Order:
    merchant: Merchant
    order_id: UUID
    stage: Stage
    version: int
    door: str
    kind: str
    external_id: str
    generation: int
    site_id: UUID
    descriptor: str
    asset: str
    units: int
    amount_text: str
    token_id: UUID | None
    card_id: UUID | None
    pan_id: UUID | None
    transaction_id: str | None
    placed_at: datetime
    expires_at: datetime | None
    facts: dict[str, Any]
    cards_before: list[UUID]
    do_not_retry: bool
    metadata: dict[str, str]
    created_at: datetime | None
    status: int
    order_type: str
    source: str
    refunded_units: int
    disputed: bool
    attempts_count: int
    next_attempt_at: datetime | None
    reason: str | None
    attention: str | None
    card: CardFacts | None = None
    attempts: list[Attempt] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    challenges: list[Challenge] = field(default_factory=list)
    sends: list[dict[str, Any]] = field(default_factory=list)
    blocks: list[dict[str, Any]] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)

    @property
    def merchant_id(self) -> UUID:
        return self.merchant.merchant_id

    def face(self) -> Face:
        return face(self.stage, self.kind, self.units, self.refunded_units, self.disputed)

    def attempt(self, attempt_id: UUID | None) -> Attempt:
        return next(a for a in self.attempts if a.attempt_id == attempt_id)

    def refund(self, refund_id: UUID) -> Refund:
        return next(r for r in self.refunds if r.refund_id == refund_id)

    def settlement(self, settlement_id: UUID) -> Settlement:
        return next(s for s in self.settlements if s.settlement_id == settlement_id)

    def going(self) -> Attempt | None:
        """The attempt that is out: sent, with no answer that we know of."""
        return next((a for a in self.attempts if a.state in ("open", "unknown")), None)

    def planned(self) -> Attempt | None:
        return next((a for a in self.attempts if a.state == "planned"), None)

    def paid_by(self) -> Attempt | None:
        return next((a for a in self.attempts if a.state == "approved"), None)

    def capturing(self) -> Refund | None:
        """The capture that is asked for and not answered."""
        return next((r for r in self.refunds if r.kind == "capture" and r.state in ("owed", "sent")), None)

    def challenge(self) -> Challenge | None:
        """The challenge that the customer may still meet, or is just being tried."""
        return next((c for c in self.challenges if c.state in ("presented", "tried")), None)

    @property
    def captured_later(self) -> bool:
        return bool(self.facts.get("transaction_type") == "AUTHORIZATION")

    @property
    def sent_text(self) -> str | None:
        """The amount in its sender's own scale; the other dialect sends minor units, which have none."""
        return self.amount_text if self.kind == "stable" else None

    @property
    def payable_place(self) -> str:
        """Where the merchant's share of this order stands in the book: stablecoin orders have a wallet of their own."""
        return WALLET if self.kind == "stable" else ""

    @property
    def answered_inline(self) -> bool:
        """A caller is waiting: its own process makes the first attempt, the worker only when that one dies."""
        return self.kind == "mit_sync" or self.by_customer

    @property
    def by_customer(self) -> bool:
        return self.kind.startswith("cit")

    @property
    def customer_waits(self) -> bool:
        """The customer stands at the merchant's checkout, and no page of ours took over."""
        return self.by_customer and self.stage is Stage.PROCESSING and not self.challenges

    @property
    def initiator(self) -> str:
        return "customer" if self.by_customer else "merchant"

"""An order as a flow sees it while it holds its lock. Plain values, made by `store`, changed by
`moves`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from recoup.kernel.facet import Facet, R
from recoup.merchants.rules.merchant import Merchant
from recoup.networks.descriptor import statement_text
from recoup.networks.disputes import Terms
from recoup.networks.exemptions import Exemption
from recoup.networks.limits import Send
from recoup.networks.other_card import CardOnFile
from recoup.orders.rules.card_facts import CardFacts
from recoup.orders.rules.card_sends import CardBlock, CardSend, own_tries
from recoup.orders.rules.consent import NOTHING_KEPT, Consent, KeptIds
from recoup.orders.rules.disputed import Dispute
from recoup.orders.rules.faces import Face, face
from recoup.orders.rules.kinds import Door, OrderKind
from recoup.orders.rules.known import RescueKnown
from recoup.orders.rules.ledger import WALLET
from recoup.orders.rules.lifecycle import ENDED, Stage
from recoup.orders.rules.typed_card import TypedCard
from recoup.policies.rules.stored import NOTHING_HELD, Held
from recoup.processors.rules.authentication import Authentication
from recoup.processors.rules.checks import Checks
from recoup.processors.rules.credential import UNUSABLE, SentBy
from recoup.terms.rules.advance_bounds import Bounds
from recoup.terms.rules.arm_terms import Arm, Known
from recoup.terms.rules.exposure import Limits
from recoup.terms.rules.fees import Tariff


@dataclass(slots=True)
class Attempt(SentBy):
    """Row of attempts; see `orders.rules.attempts` for its life."""

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
    card_last4: str | None = None  # of the card that was sent
    when_due: str | None = (
        None  # decide: the engine decides again; else it is sent: keep: it was drawn, or its means
    )
    checks: Checks | None = None
    retries_itself_at: datetime | None = (
        None  # wall time; the processor repeats the payment then by itself
    )
    consent: Consent | None = None  # as it was sent; None: it was not, or by an earlier release
    authentication: Authentication | None = None  # of a customer at a page of ours
    key: UUID | None = None  # what its processor sees it as; of one that was sent
    typed: TypedCard | None = None  # by its payer, of another card than the order's

    def is_out(self) -> bool:
        """A payer's payment that was given to its channel, which has not said yet what became of
        it."""
        return (
            self.initiator == "payer"
            and self.send_before is not None
            and (self.closed_at or self.reference) is None
        )


def is_hold(facts: Mapping[str, Any]) -> bool:
    """True when the order's merchant captures what is only authorised."""
    return bool(facts.get("transaction_type") == "AUTHORIZATION")


def second_answers(attempts: Iterable[Attempt]) -> dict[int, int]:
    """The number of each attempt that went by its card at once, as the token of the one before was
    refused: to that one's. To its payer and in its time it is one attempt with two answers; the
    limits count each send."""
    rows = sorted(attempts, key=lambda attempt: attempt.attempt_no)
    return {
        then.attempt_no: first.attempt_no
        for first, then in pairwise(rows)
        if first.by_token is not None and then.by_token is None
        if first.state == "declined"
        or first.state == "not_sent"
        and first.processor_code == UNUSABLE
        if first.closed_at is not None and then.due_at == first.closed_at
    }


def charges_of(attempts: Iterable[Attempt]) -> list[Attempt]:
    charges = [a for a in attempts if a.state == "approved" and a.if_late != "reverse"]
    return sorted(charges, key=lambda attempt: attempt.attempt_no)


def collected_in_parts(stage: Stage, kind: str, hold: bool, attempts: Iterable[Attempt]) -> int:
    """See `Order.collected_units`. `hold`: its merchant captures it."""
    if stage in ENDED or hold or kind != "mit_managed":
        return 0
    return sum(a.units for a in charges_of(attempts))


@dataclass(slots=True)
class Modification:
    """Modification row: a refund that is due, the reversal of a late approval, a hold's void or its
    capture."""

    modification_id: UUID
    order_id: UUID
    modification_no: int
    kind: str
    attempt_id: UUID | None
    state: str
    units: int
    asset: str
    message: str
    items: list[Any]  # pieces of the order
    input_mac: str
    business_at: datetime
    actor: str
    tries: int = 0
    send_before: datetime | None = None
    not_found: int = 0
    reference: str | None = None
    processor_code: str | None = None
    send_id: UUID | None = None
    hand_note: str | None = None
    hand_actor: str | None = None
    approved_by: str | None = None
    unsent: int = 0  # of its tries, as long as it is proved that none under this id left
    final_part: bool = True  # of a capture: what it does not take is released
    piece_of: UUID | None = None  # the refund that was asked for, of which it is a further piece
    key: UUID | None = None
    send_key: UUID | None = None  # beside send_id

    @property
    def wire_id(self) -> UUID:
        """Its id, or of the last that it was sent again under: their order is that of time."""
        return self.send_id or self.modification_id

    @property
    def wire_key(self) -> UUID:
        """The key that the processor knows it by."""
        return self.send_key or self.key or self.wire_id

    @property
    def never_left(self) -> bool:
        """True when no processor can know it by this id. An attempt that is out, or was when its
        process died, may have left."""
        return self.unsent == self.tries


@dataclass(slots=True)
class Advance:
    """Row of advances: approved before it was collected. `due_units`: what collection wants and
    exposure holds."""

    order_id: UUID
    payer_id: UUID | None
    pan_id: UUID
    asset: str
    slot: int
    units: int
    due_units: int
    state: str
    policy: str
    started_at: datetime
    until: datetime
    customers: tuple[UUID, ...] = ()  # whose limits it counts against


@dataclass(slots=True)
class Challenge:
    """Row of challenges. `asks`: confirm, code, address or card."""

    challenge_id: UUID
    order_id: UUID
    challenge_no: int
    state: str
    asks: str
    expires_at: datetime
    tries: int = 0


@dataclass(slots=True)
class Settlement:
    """Row of settlements: direct money on its way to the merchant's own wallet. `units` net of the
    fee."""

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


@dataclass(slots=True)
class OrderColumns:
    """Columns that never change of an order, but for stage, version and what a merchant may
    amend."""

    merchant_id: UUID
    order_id: UUID
    stage: Stage
    version: int
    door: Door
    kind: OrderKind
    external_id: str
    generation: int
    site_id: UUID
    campaign_id: UUID | None
    descriptor: str
    asset: str
    units: int
    amount_text: str
    transaction_id: str | None
    placed_at: datetime
    expires_at: datetime | None
    facts: dict[str, Any]
    do_not_retry: bool
    metadata: dict[str, str]
    arm: Arm | None  # who decides about it; None: the engine was off when it came


@dataclass(slots=True)
class LockedOrder(OrderColumns):
    """Locked order, with what lists show of it."""

    token_id: UUID | None
    card_id: UUID | None
    pan_id: UUID | None
    cards_before: list[UUID]
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


@dataclass(slots=True)
class Order(LockedOrder):
    """Order with its rows in other tables, and what else is known under its lock."""

    merchant: Merchant
    card: CardFacts | None = None
    attempts: list[Attempt] = field(default_factory=list)
    modifications: list[Modification] = field(default_factory=list)
    challenges: list[Challenge] = field(default_factory=list)
    sends: list[CardSend] = field(default_factory=list)
    own_tries_beside: tuple[
        Send, ...
    ] = ()  # by the processor's billing, for the merchant's other orders of the card
    blocks: list[CardBlock] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    advance: Advance | None = None
    rescue: RescueKnown | None = None  # of an order with an arm
    advance_bounds: Bounds | None = None  # beside `limits`: what closed orders came to
    limits: Limits | None = (
        None  # what may be advanced; of a CIT in processing whose merchant may be advanced
    )
    payer_id: UUID | None = None  # beside `limits`
    known_as: tuple[
        UUID, ...
    ] = ()  # beside `limits`: the customer, by each name that one person has
    tariff: Tariff = Tariff()  # by which its fee is taken, if it is approved now
    notices: dict[str, bool] = field(default_factory=dict)  # switches of mails to the payer, as set
    held: dict[str, Any] = field(
        default_factory=dict
    )  # what its log says of the hold: cause, why, until
    approval: dict[str, Any] = field(
        default_factory=dict
    )  # what its log says of its approval: units, fee, fee_refund
    disputes: list[Dispute] = field(default_factory=list)
    dispute_terms: list[Terms] = field(default_factory=list)
    arm_known: Known | None = None  # beside `arm`
    retry: Held = NOTHING_HELD  # the policies that are set for its tries; of an open MIT
    exemption: Exemption | None = (
        None  # what the risk check of this transaction claims for the send
    )
    other_card: CardOnFile | None = (
        None  # of the same customer, where the merchant lets it be tried
    )
    may_confirm: Callable[[], bool] = lambda: (
        True
    )  # a route that carries it can ask its customer to confirm
    may_enter_card: Callable[[], bool] = lambda: (
        True
    )  # its customer's page takes the number of another card
    regions: Callable[[str | None], str] = lambda _: (
        ""
    )  # of a route; None: of all that may carry it, if they agree
    kept_ids: KeptIds = NOTHING_KEPT  # under the card's lock
    same_cards: tuple[UUID, ...] = ()  # other numbers and prints of it, as far as is known
    key: UUID = UUID(int=0)  # what its processors see it as: orders/rules/wire_keys
    facets: Mapping[str, Any] = field(
        default_factory=dict, repr=False
    )  # what features know, some of it sealed

    def facet(self, facet: Facet[R]) -> R:
        return facet.of(self.facets)

    @property
    def own_tries(self) -> tuple[Send, ...]:
        """The sends of the card that the processor's billing may still make by itself, for this
        order and the others."""
        return self.own_tries_beside + own_tries(
            self.facts,
            units=self.units,
            currency=self.asset,
            acceptor_id=self.merchant.acceptor_id,
            merchant_id=self.merchant_id,
            offset=self.merchant.offset,
        )

    def region(self, route: str | None = None) -> str:
        """The region of the acquirer of that route, or of whichever will be chosen; else the
        merchant's."""
        return self.regions(route) or self.merchant.region

    @property
    def issuer_country(self) -> str:
        """The issuer's country of its card, as its processor or its merchant says; empty where
        nobody does."""
        stored = (
            self.card.stored.country
            if self.card is not None and self.card.stored is not None
            else None
        )
        return stored or self.facts.get("issuer_country") or ""

    def face(self) -> Face:
        return face(self.stage, self.kind, self.units, self.refunded_units, self.disputed)

    def attempt(self, attempt_id: UUID | None) -> Attempt:
        return next(a for a in self.attempts if a.attempt_id == attempt_id)

    def modification(self, modification_id: UUID) -> Modification:
        return next(r for r in self.modifications if r.modification_id == modification_id)

    def settlement(self, settlement_id: UUID) -> Settlement:
        return next(s for s in self.settlements if s.settlement_id == settlement_id)

    def dispute(self, dispute_id: UUID) -> Dispute:
        return next(d for d in self.disputes if d.dispute_id == dispute_id)

    @property
    def statement(self) -> str:
        return statement_text(self.descriptor, self.card.scheme if self.card else "")

    def attempt_in_flight(self) -> Attempt | None:
        """The attempt that is out: sent, with no answer that we know of."""
        return next((a for a in self.attempts if a.state in ("open", "unknown")), None)

    @property
    def is_being_tried(self) -> bool:
        """An attempt is out, or what its payer gave is about to be sent."""
        tried = any(challenge.state == "tried" for challenge in self.challenges)
        return tried or self.attempt_in_flight() is not None

    @property
    def is_refused(self) -> bool:
        """True when the order waits for a person because its processor refused the request as
        invalid."""
        return self.stage is Stage.PROBLEM and self.attempt_in_flight() is None

    @property
    def typed_once(self) -> set[UUID]:
        """The `card_id`s of cards that its payer typed for one attempt alone."""
        typed = (attempt.typed for attempt in self.attempts)
        return {
            typed_card.card.card_id
            for typed_card in typed
            if typed_card is not None and typed_card.until is None
        }

    @property
    def own_attempts(self) -> list[Attempt]:
        """The attempts that say something of its own card."""
        return [
            attempt
            for attempt in self.attempts
            if attempt.typed is None or attempt.typed.until is not None
        ]

    def planned(self) -> Attempt | None:
        return next((a for a in self.attempts if a.state == "planned"), None)

    def paid_by(self) -> Attempt | None:
        return next((a for a in self.attempts if a.state == "approved"), None)

    def charges(self) -> list[Attempt]:
        """The attempts that were approved and count for the order, oldest first: one, or each of
        its parts. Not what was approved after the order's end, which goes back by itself."""
        return charges_of(self.attempts)

    @property
    def collected_units(self) -> int:
        """The units collected in parts of an order that still waits for the rest."""
        return collected_in_parts(self.stage, self.kind, self.manual_capture, self.attempts)

    @property
    def owed_units(self) -> int:
        """The amount due, as an attempt of all of it is for."""
        return self.units - self.collected_units

    def collecting(self) -> Advance | None:
        """The advance that its customer has not paid yet, nor will be let off."""
        return self.advance if self.advance is not None and self.advance.state == "due" else None

    @property
    def captured_units(self) -> int:
        """The units that captures took of the amount that is or was held."""
        return sum(r.units for r in self.modifications if r.kind == "capture" and r.state == "done")

    @property
    def held_units(self) -> int:
        payment = self.paid_by() if self.stage is Stage.AUTHORISED else None
        return payment.units - self.captured_units if payment is not None else 0

    def charged_units(self, attempt_id: UUID) -> int:
        """The units that an approved attempt took of its card: of a hold, what was captured of
        it."""
        attempt = self.attempt(attempt_id)
        paid = self.paid_by()
        if self.manual_capture and paid is not None and paid.attempt_id == attempt_id:
            return self.captured_units
        return attempt.units

    def capturing(self) -> Modification | None:
        """The capture that was requested and has no answer."""
        return next(
            (r for r in self.modifications if r.kind == "capture" and r.state in ("owed", "sent")),
            None,
        )

    def challenge(self) -> Challenge | None:
        """The challenge that the customer may still meet, or is just being tried."""
        return next((c for c in self.challenges if c.state in ("presented", "tried")), None)

    @property
    def disputed_units(self) -> int:
        """The units that issuers have taken back: disputes that are open or lost."""
        return sum(d.units for d in self.disputes if d.takes_money)

    @property
    def short_units(self) -> int:
        """The units that the payer of a stablecoin order left out, by its merchant's tolerance."""
        payment = self.paid_by() if self.kind == "stable" else None
        return self.units - payment.units if payment is not None else 0

    @property
    def refundable_units(
        self,
    ) -> int:  # a dispute of what was refunded already makes it no less than nothing
        return max(0, self.units - self.short_units - self.refunded_units - self.disputed_units)

    @property
    def left_units(self) -> int:
        """The units that have not gone back for good: a dispute that is open may still be won."""
        lost = sum(d.units for d in self.disputes if d.takes_money and d.closed_at is not None)
        return max(0, self.units - self.refunded_units - lost)

    @property
    def manual_capture(self) -> bool:
        return is_hold(self.facts)

    @property
    def sent_text(self) -> str | None:
        """The amount in its sender's scale; the other dialect sends minor units, which have
        none."""
        return self.amount_text if self.kind == "stable" else None

    @property
    def payable_place(self) -> str:
        """The place of the merchant's share of this order in the book: stablecoin orders have a
        wallet of their own."""
        return WALLET if self.kind == "stable" else ""

    @property
    def answered_inline(self) -> bool:
        """A caller is waiting: its own process makes the first attempt, the worker only when that
        one dies."""
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

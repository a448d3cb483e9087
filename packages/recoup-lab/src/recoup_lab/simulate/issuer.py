"""The issuer and the way to it, in this process: it decides at once, and its book outlives the
engine's deaths.

What it says lies in the card's number (`networks/magic`); what the way does to a message is drawn
from the seed, the order and the message's number. The book is written into the sandbox issuer's own
tables, for `verify` to read.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from recoup.networks.decline_code import our_code
from recoup.networks.magic import answer
from recoup.processors.gateways.port import (
    Asks,
    Authenticates,
    Charge,
    CredentialKind,
    DisputeAnswer,
    Inquiry,
    ModificationMessage,
    Outcome,
)
from recoup.processors.gateways.wire_amounts import IsoAmounts
from recoup_lab.simulate.clock import SimClocks, run_out_of_patience
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.faults import NEVER_ARRIVES, NOBODY_SAYS, Faults, drawn

_UNKNOWN: Final = Outcome("unknown", text="no answer in time")
_NOT_SENT: Final = Outcome("not_sent", text="connection refused")
_LATE_BY: Final = timedelta(seconds=0.5)
SENDS: Final = (
    "id",
    "order_id",
    "merchant_id",
    "card_mac",
    "scheme",
    "units",
    "currency",
    "initiator",
    "acceptor_id",
    "capture",
    "sent_at",
    "decided_at",
    "decision",
    "scheme_code",
    "known_from",
    "hidden_inquiries",
)
REVERSALS: Final = (
    "id",
    "charge_id",
    "kind",
    "units",
    "currency",
    "sent_at",
    "decided_at",
    "decision",
    "why",
)


@dataclass(slots=True)
class Sent:
    """A charge that arrived, and what became of it. `name`: the merchant's own id of the order."""

    name: str
    units: int
    currency: str
    capture: bool
    approved: bool
    code: str
    known_from: datetime | None
    hidden: int
    captured: int = 0
    voided: int = 0
    refunded: int = 0

    @property
    def taken(self) -> int:
        """The amount that the card holder has paid by it and not got back."""
        return (
            self.units - self.refunded if (self.capture or self.captured) and not self.voided else 0
        )


@dataclass(slots=True)
class Case:
    """A card holder's dispute. `booked`: its notice was taken; `believed`: the state of the last
    notice."""

    case_id: str
    charge_id: UUID
    shop: int
    kind: str
    units: int
    opened_at: datetime
    respond_by: datetime
    fee: int
    status: str = "open"
    booked: bool = False
    believed: str = "open"


@lru_cache(maxsize=4096)
def _storm(seed: int, share: float, hour: datetime) -> bool:
    return dice(seed, "weather", hour.isoformat()).random() < share


def away(seed: int, faults: Faults, now: datetime) -> bool:
    """True when no counterpart can be reached at all, this hour."""
    return _storm(seed, faults.outage, now.replace(minute=0, second=0, microsecond=0))


@dataclass
class SimIssuer(IsoAmounts):
    """Implements `processors.gateways.port.Processor`."""

    seed: int
    clocks: SimClocks
    faults: Faults
    name: str = "sandbox"
    acceptor_id: str = "sandbox"
    kind: str = "sandbox"
    asks: Asks = "by_our_key"
    takes: frozenset[CredentialKind] = frozenset({"card"})
    idempotency_window: timedelta = timedelta(days=30)
    settled_after: timedelta = timedelta(seconds=1)
    unprocessed_codes: frozenset[str] = frozenset({"not_processed"})
    takes_files: bool = False
    authenticates: Authenticates = "at_hand"
    multicapture: bool = False
    keeps_rest: bool = False
    sends: dict[UUID, Sent] = field(default_factory=dict)
    reversals: dict[UUID, tuple[UUID, str, int, bool]] = field(
        default_factory=dict
    )  # charge, kind, units, approved
    counts: Counter[str] = field(default_factory=Counter)  # what was done to messages
    paid: dict[str, UUID] = field(default_factory=dict)  # order -> its approved charge
    approved: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))  # by order
    touched: set[str] = field(
        default_factory=set
    )  # orders about which something was booked since somebody looked
    cases: dict[str, Case] = field(default_factory=dict)  # by order
    knocks: Counter[str] = field(
        default_factory=Counter
    )  # order -> charges that were tried to be sent
    messages: Counter[str] = field(
        default_factory=Counter
    )  # order -> charges that left for the issuer
    declines: Counter[str] = field(default_factory=Counter)
    tries: Counter[UUID] = field(default_factory=Counter)
    new_sends: list[tuple[Any, ...]] = field(default_factory=list)
    new_reversals: list[tuple[Any, ...]] = field(default_factory=list)

    def brought_back(self, query: Mapping[str, str]) -> str | None:
        return None

    async def charge(self, charge: Charge) -> Outcome:
        name, now = str(charge.agreement), self.clocks.wall()
        fault = self._fault("charge", name, self.knocks[name], now)
        self.knocks[name] += 1
        self.counts["charge sent"] += 1
        if fault in ("outage", "refused"):
            return _NOT_SENT
        before = self.messages[name]
        self.messages[name] += 1
        if charge.id not in self.sends and fault not in ("lost", "unprocessed"):
            self._decide(charge, name, fault, before, now)
        if fault == "unprocessed":
            return Outcome("not_sent", processor_code=our_code("not_processed"))
        if fault == "lost" or fault in NOBODY_SAYS:
            run_out_of_patience()
            return _UNKNOWN
        return self._said(charge.id)

    def _decide(
        self, charge: Charge, name: str, fault: str | None, before: int, now: datetime
    ) -> None:
        """Decides once for its id, however often it arrives."""
        said = answer(
            charge.card.pan,
            units=charge.units,
            by_customer=charge.initiator == "customer",
            phone=charge.phone,
            cvv_given=charge.card.cvv is not None,
            sends_before=before,
            declines_before=self.declines[name],
            capture=charge.capture,
        )
        assert said is not None
        known_from = (
            now + timedelta(seconds=charge.timeout_seconds) + _LATE_BY if fault == "late" else None
        )
        sent = Sent(
            name,
            charge.units,
            charge.currency,
            charge.capture,
            said.approved,
            said.code,
            known_from,
            1 if fault == "hidden" else 0,
        )
        self.sends[charge.id] = sent
        self.declines[name] += not said.approved
        if said.approved:
            self.paid[name] = charge.id
            self.approved[name].append(sent)
            self.touched.add(name)
        decision = "approved" if said.approved else "declined"
        self.counts[f"charge {decision}"] += 1
        self.new_sends.append(
            (
                charge.id,
                charge.order_id,
                charge.merchant_id,
                sha256(charge.card.pan.encode()).digest(),
                charge.card.scheme,
                charge.units,
                charge.currency,
                charge.initiator,
                charge.acceptor_id,
                charge.capture,
                charge.sent_at,
                now,
                decision,
                said.code,
                known_from,
                sent.hidden,
            )
        )

    async def modify(self, message: ModificationMessage) -> Outcome:
        one, now = message, self.clocks.wall()
        charged = self.sends.get(one.charge_id)
        name = f"{charged.name if charged else ''}/{one.kind}/{one.units}"
        fault = self._fault("reverse", name, self.tries[one.id], now)
        self.tries[one.id] += 1
        self.counts[f"{one.kind} sent"] += 1
        if fault in NEVER_ARRIVES:
            run_out_of_patience()
            return _UNKNOWN if fault == "lost" else _NOT_SENT
        if one.id not in self.reversals:
            self._reverse(one, charged, now)
        if fault in NOBODY_SAYS:
            run_out_of_patience()
            return _UNKNOWN
        return self._reversed(one.id)

    def _reverse(self, one: ModificationMessage, charged: Sent | None, now: datetime) -> None:
        why = _refusal(one, charged, now)
        if charged is not None and why is None:
            charged.refunded += one.units if one.kind == "refund" else 0
            charged.voided += one.kind == "void"
            charged.captured += one.kind == "capture"
            self.touched.add(charged.name)
        self.reversals[one.id] = (one.charge_id, one.kind, one.units, why is None)
        self.new_reversals.append(
            (
                one.id,
                one.charge_id,
                one.kind,
                one.units,
                one.currency,
                one.sent_at,
                now,
                "declined" if why else "approved",
                why,
            )
        )

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        id = inquiry.id
        now = self.clocks.wall()
        self.counts["inquiries"] += 1
        if away(self.seed, self.faults, now):
            return _UNKNOWN
        sent = self.sends.get(id)
        if sent is None:
            return self._reversed(id) if id in self.reversals else Outcome("not_found")
        if sent.hidden or (sent.known_from is not None and sent.known_from > now):
            sent.hidden = 0
            return Outcome("not_found")
        return self._said(id)

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        return Outcome("approved", f"sim_{answer.id.hex[:8]}")

    def _said(self, id: UUID) -> Outcome:
        sent = self.sends[id]
        if not sent.approved:
            return Outcome(
                "declined", f"sim_{id.hex[:8]}", sent.code, processor_code=our_code("declined")
            )
        return Outcome(
            "approved", f"sim_{id.hex[:8]}", sent.code, network_transaction_id=str(id.int)[:15]
        )

    def _reversed(self, id: UUID) -> Outcome:
        approved = self.reversals[id][3]
        return Outcome(
            "approved" if approved else "declined", f"sim_{id.hex[:8]}", "00" if approved else "12"
        )

    def _fault(self, what: str, name: str, number: int, now: datetime) -> str | None:
        """Draws at most one fault, for this message alone."""
        if away(self.seed, self.faults, now):
            self.counts["fault outage"] += 1
            return "outage"
        fault = drawn(self.faults, dice(self.seed, what, name, number).random())
        if fault:
            self.counts[f"fault {fault}"] += 1
        return fault


def _refusal(one: ModificationMessage, charged: Sent | None, now: datetime) -> str | None:
    """The refusal of a message, as the sandbox's issuer words it."""
    if (
        charged is None
        or not charged.approved
        or (charged.known_from is not None and charged.known_from > now)
    ):
        return "no_such_charge"
    if one.currency != charged.currency:
        return "wrong_currency"
    if charged.voided:
        return "already_voided"
    captured = charged.capture or charged.captured > 0
    if one.kind == "refund":
        if not captured:
            return "not_captured"
        return "over_charge" if charged.refunded + one.units > charged.units else None
    if one.units != charged.units:
        return "not_the_full_amount"
    if one.kind == "capture":
        return "already_captured" if captured else None
    return "already_refunded" if charged.refunded else None

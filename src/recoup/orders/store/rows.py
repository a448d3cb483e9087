"""The rows that a transaction writes beside what orders have: `changes` writes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from recoup.db.statement import MERCHANT, Row, Tx
from recoup.db.table import Hex, Mutable, insert_of, stored
from recoup.orders.rules.decision import Alternative, Verdict
from recoup.orders.rules.kinds import Door
from recoup.orders.rules.lifecycle import Stage
from recoup.processors.rules.checks import RiskLevel


@stored("order_log")
class LogLine(Row, frozen=True):
    merchant_id: UUID
    order_id: UUID
    seq: int
    happening: str
    src: str
    dst: str
    fact_kind: str | None
    fact_id: UUID | None
    body: dict[str, Any]
    actor: str
    request_id: str
    business_at: datetime
    recorded_at: datetime
    decision_id: UUID | None


@stored("order_words")
class OrderWords(Row, frozen=True):
    """Words that somebody typed; beside the log, which is never changed."""

    merchant_id: UUID
    order_id: UUID
    seq: int
    text: str


@stored("order_states")
class OrderState(Row, frozen=True):
    """Where its log says that an order is."""

    merchant_id: UUID
    order_id: UUID
    stage: Stage
    version: int


class OrderChange(Row, frozen=True, kw_only=True, omit_defaults=True):
    """Amendments of an order; None: as it was."""

    merchant_id: UUID
    order_id: UUID
    token_id: UUID | None = None
    card_id: UUID | None = None
    pan_id: UUID | None = None
    expires_at: datetime | None = None
    cards_before: Sequence[UUID] | None = None
    do_not_retry: bool | None = None
    metadata: dict[str, str] | None = None


class ListedOrder(Row):
    """An order as every list names it."""

    order_id: UUID
    external_id: str
    placed_at: datetime
    units: int
    asset: str


class CardFace(Row):
    """A card as people are shown it."""

    scheme: str
    bin: str
    last4: str
    exp_month: int
    exp_year: int


class ModificationState(Row):
    """What people are told of a refund or reversal. `message`: its reason."""

    order_id: UUID
    business_at: datetime
    message: str
    units: int
    asset: str


class HeadChange(Row, frozen=True):
    """All of a head that may change."""

    merchant_id: UUID
    order_id: UUID
    created_at: datetime | None
    status: int
    units: int
    refunded_units: int
    disputed: bool
    attempts: int
    next_attempt_at: datetime | None
    reason: str | None
    attention: str | None
    expires_at: datetime | None


@stored("order_heads")
class OrderHead(HeadChange, frozen=True):
    """Head of an order, as lists show it."""

    placed_at: datetime
    order_type: str
    source: str
    door: Door
    site_id: UUID
    asset: str
    descriptor: str
    campaign_id: UUID | None
    decline_code: str
    decline_source: str
    card_scheme: str
    card_bin: str


# Of the status of a head.
RESCUED: Final = "status IN (6, 7, 8)"
OPEN: Final = "status IN (0, 1, 3, 4, 5)"


class MadeDecision(Row):
    """A decision as it is computed again to prove it."""

    decision_id: UUID
    order_id: UUID
    verdict: Verdict
    features: dict[str, Any]
    plan: Sequence[str]
    rules: Sequence[str]
    versions: Mapping[str, str | None]
    taken: str | None


@stored("decisions")
class DecisionRow(Row, frozen=True):
    """`arm`: of an order that has one, whose decision it is."""

    merchant_id: UUID
    decision_id: UUID
    order_id: UUID
    at: datetime
    verdict: Verdict
    features: dict[str, Any]
    plan: Sequence[str]
    reasons: Sequence[str]
    rules: Sequence[str]
    alternatives: Sequence[Alternative]
    versions: Mapping[str, str | None]
    taken: str | None
    arm: dict[str, Any] | None


@stored("outbox")
class OutboxEvent(Row, frozen=True):
    merchant_id: UUID
    subject_id: UUID
    seq: int
    subject_kind: str
    event_id: UUID
    event: str
    body: dict[str, Any]
    business_at: datetime
    recorded_at: datetime


DueKind = Literal[
    "admit",
    "retry",
    "inquire",
    "expire",
    "last_word",
    "unresolved",
    "challenge",
    "capture_window",
    "release",
    "collect",
    "write_off",
    "allot",
    "modification",
    "refund_request",
    "transmission",
    "settle",
    "cycle",
    "cycle_ended",
    "mail",
    "dispute_deadline",
    "dispute_reminder",
    "dispute_answer",
    "dispute_notices",
    "processor_notice",
    "processor_invoice",
    "missed_notices",
    "card_update",
    "cardholder",
    "payout",
    "reconciliation",
    "settlement",
    "reserve",
    "register_merchant",
    "alert",
    "orders_alert",
    "replay",
    "upload",
    "import",
    "export",
    "bulk",
    "bank_payout",
    "certificate",
    "advance_bounds",
    "backtest",
]


@stored("due_work", "merchant_id", "kind", "subject_id")
class DueWork(Row, frozen=True):
    """`due_at`: business time, unless `wall`."""

    merchant_id: UUID
    kind: str
    subject_id: UUID
    due_at: Mutable[datetime]
    wall: Mutable[bool]


class DueKey(Row, frozen=True):
    """Key of due work: one of a kind for each subject. As a row: it is done."""

    merchant_id: UUID
    kind: str
    subject_id: UUID

    def at(self, due_at: datetime, *, wall: bool) -> DueWork:
        return DueWork(self.merchant_id, self.kind, self.subject_id, due_at, wall)


@stored("mails")
class OwedMail(Row, frozen=True):
    """Mail that is due. `about`: the order or what happened to it; `units`: the amount in the
    mail."""

    merchant_id: UUID
    mail_id: UUID
    order_id: UUID
    notice: str
    about: UUID
    state: Literal["owed"]
    units: int
    tries: int
    why: str
    business_at: datetime
    created_at: datetime


@stored("alerts")
class NewAlert(Row, frozen=True):
    """`user_id`: nobody else hears of it; None: all who may."""

    merchant_id: UUID
    alert_id: UUID
    kind: str
    about: UUID
    step: int
    facts: dict[str, Any]
    user_id: UUID | None
    created_at: datetime


@stored("dispute_notices", "merchant_id", "route", "notice_id")
class KeptNotice(Row, frozen=True):
    """A processor's dispute notice. `why`: of an unmatched one."""

    merchant_id: UUID
    route: str
    notice_id: str
    state: Mutable[str]
    why: Mutable[str]
    content: dict[str, Any]
    content_hash: Hex
    received_at: datetime


@stored("requests")
class AnsweredKey(Row, frozen=True):
    """A key that must be new: a race for it undoes the whole transaction."""

    merchant_id: UUID
    operation: str
    key: str
    input_mac: Hex
    subject_id: UUID
    state: Literal["answered"]
    answer: dict[str, Any]
    created_at: datetime


class UsedCode(Row, frozen=True):
    """A card code, gone with the first send."""

    merchant_id: UUID
    token_id: UUID


@stored("card_blocks", "card_id", "block_id")
class CardBlock(Row, frozen=True):
    card_id: UUID
    block_id: UUID
    acceptor_id: str | None
    merchant_id: UUID | None
    reason: str
    until: Mutable[datetime | None]
    actor: str
    at: datetime


@stored("network_sends", "card_id", "send_id")
class NetworkSend(Row):
    """Send to a network, to be counted. `at`: the latest time that is given. `lasting`: its answer
    binds longer than any window. `claimed`: only the merchant says that it was sent.
    `network_attempts`: how many sends it cost. `known_at`, `answered_at`: wall time since when it
    counts, and its answer: the latest and the first that are given. `imported`: claimed by a file
    of past attempts, whose import is in the place of the order. `region`: whose rules held; None:
    the merchant's."""

    card_id: UUID
    send_id: UUID
    merchant_id: UUID
    order_id: UUID
    units: int
    currency: str
    acceptor_id: str
    scheme: str
    initiator: str
    at: Mutable[datetime]
    state: Mutable[str] = "reserved"
    declined: Mutable[bool | None] = None
    scheme_code: Mutable[str | None] = None
    advice_code: Mutable[str | None] = None
    visa_category: Mutable[int | None] = None
    klass: Mutable[str | None] = None
    lasting: Mutable[bool] = False
    claimed: bool = False
    network_attempts: Mutable[int] = 1
    known_at: Mutable[datetime | None] = None
    answered_at: Mutable[datetime | None] = None
    imported: bool = False
    region: str | None = None


@stored("card_results", "merchant_id", "pan_id")
class CardResult(Row, frozen=True, kw_only=True):
    """Result that a single answer adds to what is known of a card: `approvals` are added, the first
    consent stays, of the rest the newest counts. `first_at` and `first_network_id`: of an approval
    that its customer started."""

    merchant_id: UUID
    pan_id: UUID
    approvals: int = 0
    first_network_id: str | None = None
    first_at: datetime | None = None
    latest_network_id: str | None = None
    latest_at: datetime | None = None
    risk_score: int | None = None
    risk_level: RiskLevel | None = None
    risk_at: datetime | None = None


class PostingSource(Row):
    """Source of a posting: a recipe books it once."""

    posting_id: UUID
    source_kind: str
    source_id: UUID
    recipe: str
    business_at: datetime


class LedgerLine(PostingSource):
    """Line `line_no` of a posting, with its order as it came in."""

    order_id: UUID | None
    line_no: int
    units: int
    external_id: str | None
    placed_at: datetime | None
    site_id: UUID | None
    descriptor: str | None


class PostingRow(NamedTuple):
    """Posting, in the order of the insert's columns."""

    merchant_id: UUID
    posting_id: UUID
    source_kind: str
    source_id: UUID
    recipe: str
    order_id: UUID | None
    content_hash: bytes
    business_at: datetime
    recorded_at: datetime


class EntryRow(NamedTuple):
    """Entry, in the order of the insert's columns."""

    merchant_id: UUID
    posting_id: UUID
    line_no: int
    account: str
    asset: str
    place: str
    units: int
    available_at: datetime


@stored("processor_ids")
class ProcessorId(Row, frozen=True):
    """Id that a processor has for an attempt or modification, beside its `reference`."""

    merchant_id: UUID
    movement_id: UUID
    id: str


@MERCHANT.statement(f"{insert_of(ProcessorId)} ON CONFLICT DO NOTHING")
async def keep_ids(db: Tx, rows: Sequence[ProcessorId]) -> None: ...


@MERCHANT.statement(
    "UPDATE orders SET facts = facts || $3 WHERE merchant_id = $1 AND order_id = $2"
)
async def add_facts(db: Tx, merchant_id: UUID, order_id: UUID, facts: dict[str, Any]) -> None:
    """Adds facts to an order, under its lock."""

"""Everything that a transaction changes about its locked orders: log, stage, heads, attempts,
modifications, sends, ledger, outbox, due work, decisions and the gate's answers. Only moves import
it.

What belongs to merchants is written by one function, what is counted over them by statements of its
own behind it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

from recoup.db.statement import HUB, MERCHANT, Row, Tx
from recoup.db.table import upsert_of
from recoup.orders.store.rows import (
    AnsweredKey,
    CardBlock,
    CardResult,
    DecisionRow,
    DueKey,
    DueWork,
    EntryRow,
    HeadChange,
    KeptNotice,
    LogLine,
    NetworkSend,
    NewAlert,
    OrderChange,
    OrderHead,
    OrderState,
    OrderWords,
    OutboxEvent,
    OwedMail,
    PostingRow,
    UsedCode,
)

if TYPE_CHECKING:
    from recoup.orders.rules.disputed import Dispute
    from recoup.orders.rules.refund_limits import RefundApproval
    from recoup.orders.rules.snapshot import Advance, Attempt, Challenge, Modification, Settlement

T = TypeVar("T")
Writer = Callable[[Tx, Sequence[Any]], Awaitable[None]]


class Owned(NamedTuple, Generic[T]):
    """Value that an order has, and whose it is."""

    merchant_id: UUID
    value: T


@dataclass(slots=True)
class Rows:
    """The rows of one write, by table."""

    order_log: list[LogLine] = field(default_factory=list)
    order_words: list[OrderWords] = field(default_factory=list)
    order_states: list[OrderState] = field(default_factory=list)
    orders: list[OrderChange] = field(default_factory=list)
    order_heads: list[HeadChange] = field(default_factory=list)
    new_heads: list[OrderHead] = field(
        default_factory=list
    )  # of orders that this transaction admits
    new_attempts: list[Owned["Attempt"]] = field(default_factory=list)
    attempts: list[Owned["Attempt"]] = field(default_factory=list)
    new_modifications: list[Owned["Modification"]] = field(default_factory=list)
    modifications: list[Owned["Modification"]] = field(default_factory=list)
    refund_requests: list[Owned["RefundApproval"]] = field(default_factory=list)
    card_results: list[CardResult] = field(default_factory=list)
    challenges: list[Owned["Challenge"]] = field(default_factory=list)
    settlements: list[Owned["Settlement"]] = field(default_factory=list)
    advances: list[Owned["Advance"]] = field(default_factory=list)
    disputes: list[Owned["Dispute"]] = field(default_factory=list)
    dispute_notices: list[KeptNotice] = field(default_factory=list)
    card_blocks: list[CardBlock] = field(default_factory=list)
    network_sends: list[NetworkSend] = field(default_factory=list)
    postings: list[PostingRow] = field(default_factory=list)
    entries: list[EntryRow] = field(default_factory=list)
    mails: list[OwedMail] = field(default_factory=list)
    alerts: list[NewAlert] = field(default_factory=list)
    outbox: list[OutboxEvent] = field(default_factory=list)
    due_work: list[DueWork] = field(default_factory=list)
    due_done: list[DueKey] = field(default_factory=list)
    decisions: list[DecisionRow] = field(default_factory=list)
    requests: list[AnsweredKey] = field(
        default_factory=list
    )  # new keys; a known one raises UniqueViolationError

    codes_used: list[UsedCode] = field(default_factory=list)  # card codes, gone with the first send
    beside: list[tuple[Writer, Row]] = field(
        default_factory=list
    )  # of features, each with what writes such rows

    def extend(self, other: "Rows") -> None:
        for name, part in zip(_PARTS, _every_part(other), strict=True):
            if part:
                getattr(self, name).extend(part)


_PARTS: Final = tuple(field.name for field in fields(Rows))
_every_part = attrgetter(*_PARTS)
_APART: Final = frozenset({"postings", "entries", "network_sends", "card_blocks", "beside"})
_JSON: Final = tuple(name for name in _PARTS if name not in _APART)
_OWNED: Final = frozenset(
    {
        "new_attempts",
        "attempts",
        "new_modifications",
        "modifications",
        "refund_requests",
        "challenges",
        "settlements",
        "advances",
        "disputes",
    }
)


@MERCHANT.statement(
    "SELECT write_changes($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, "
    "$17, $18)"
)
async def _write(
    db: Tx,
    changed: dict[str, Any],
    posting_merchants: Sequence[UUID] | None,
    posting_ids: Sequence[UUID] | None,
    source_kinds: Sequence[str] | None,
    source_ids: Sequence[UUID] | None,
    recipes: Sequence[str] | None,
    posting_orders: Sequence[UUID | None] | None,
    content_hashes: Sequence[bytes] | None,
    business_times: Sequence[datetime] | None,
    recorded_times: Sequence[datetime] | None,
    entry_merchants: Sequence[UUID] | None,
    entry_postings: Sequence[UUID] | None,
    line_nos: Sequence[int] | None,
    accounts: Sequence[str] | None,
    assets: Sequence[str] | None,
    places: Sequence[str] | None,
    amounts: Sequence[int] | None,
    available_times: Sequence[datetime] | None,
) -> None:
    """Rows by their table; the columns of postings and of entries, None without any."""


@HUB.statement(upsert_of(CardBlock))
async def _block_cards(db: Tx, rows: Sequence[CardBlock]) -> None: ...


@HUB.statement(
    upsert_of(
        NetworkSend,
        at="greatest(before.at, EXCLUDED.at)",
        known_at="coalesce(EXCLUDED.known_at, before.known_at)",
        answered_at="coalesce(before.answered_at, EXCLUDED.answered_at)",
    )
)
async def _note_sends(db: Tx, rows: Sequence[NetworkSend]) -> None: ...


async def write(db: Tx, rows: Rows) -> None:
    """Writes all of it or, by raising, nothing. The caller holds the locks of the orders and cards
    concerned."""
    changed = {
        name: [_flat(row) for row in part] if name in _OWNED else part
        for name in _JSON
        if (part := getattr(rows, name))
    }
    if changed or rows.postings:
        await _write(
            db, changed, *_columns(PostingRow, rows.postings), *_columns(EntryRow, rows.entries)
        )
    for writer in dict.fromkeys(writer for writer, _ in rows.beside):
        await writer(db, [row for by, row in rows.beside if by is writer])
    if rows.card_blocks:
        await _block_cards(db, rows.card_blocks)
    if rows.network_sends:
        await _note_sends(db, rows.network_sends)


def _flat(owned: Owned[Any]) -> dict[str, Any]:
    """Its columns by name, without those that are null; not copied deeply as `asdict` would, for
    nobody changes them any more."""
    names, values, _ = _fields_of(owned.value.__class__)
    return {"merchant_id": owned.merchant_id} | {
        name: _short(value) if is_dataclass(value) else value
        for name, value in zip(names, values(owned.value), strict=True)
        if value is not None
    }


def _short(value: Any) -> dict[str, Any]:
    """Its fields by name, without those that whoever reads it fills in."""
    names, values, defaults = _fields_of(value.__class__)
    return {
        name: part
        for name, part, default in zip(names, values(value), defaults, strict=True)
        if part != default
    }


@cache
def _fields_of(cls: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]], list[Any]]:
    names = tuple(field.name for field in fields(cls))
    return names, attrgetter(*names), [field.default for field in fields(cls)]


def _columns(
    kind: type[PostingRow] | type[EntryRow], rows: Sequence[tuple[Any, ...]]
) -> Sequence[Any]:
    return tuple(zip(*rows, strict=True)) if rows else (None,) * len(kind._fields)

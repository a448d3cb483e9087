"""Records of what the watcher has read of a chain, where an order's payer pays, and merchants' own
wallets. Values are base units of a token."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from recoup.db.statement import CHAIN, MERCHANT, Read, Row, Tx, Written, columns_of
from recoup.db.table import Hex, insert_of, stored
from recoup.stablecoin.rules.addresses import Kind

LogState = Literal["seen", "confirmed", "orphaned"]
WalletState = Literal["entered", "waiting", "holding", "replaced", "withdrawn"]


class DepositAddress(Row):
    """`due`: what its payer is to send, in base units of the channel's token; `enough`: with which
    it is paid. `expires_at`: business time; `watched_until`: wall time; `refund_to`: where a refund
    goes that names no address, by whose word."""

    address: bytes
    kind: Literal["evm", "tron"]
    merchant_id: UUID
    order_id: UUID
    attempt_id: UUID
    channel: str
    terms: dict[str, Any]
    due: Decimal
    enough: Decimal
    expires_at: datetime
    watched_until: datetime
    refund_to: bytes | None = None
    refund_by: Literal["payer", "merchant"] | None = None


_ADDRESS = columns_of(DepositAddress)


@MERCHANT.statement(f"""
SELECT {_ADDRESS} FROM deposit_addresses WHERE kind = $1 AND watched_until > $2 AND address > $3
ORDER BY address LIMIT $4
""")
async def watched(
    db: Read, kind: str, now: datetime, after: bytes, limit: int
) -> list[DepositAddress]:
    """The addresses behind that one to which money may still come."""


@MERCHANT.statement(
    "SELECT address FROM deposit_addresses WHERE kind = $1 AND watched_until > $2 LIMIT $3"
)
async def watched_addresses(db: Read, kind: str, now: datetime, limit: int) -> list[bytes]:
    """Addresses that are watched, at most the limit: there may be more."""


@MERCHANT.statement("""
SELECT merchant_id FROM deposit_addresses WHERE kind = $1 AND watched_until > $2
  ORDER BY merchant_id LIMIT 1
""")
async def waiting_merchant(db: Read, kind: str, now: datetime) -> UUID | None:
    """The first merchant to whose orders money may still come."""


@MERCHANT.statement(
    f"SELECT {_ADDRESS} FROM deposit_addresses WHERE kind = $1 AND address = ANY($2)"
)
async def orders_at(db: Read, kind: str, addresses: Sequence[bytes]) -> list[DepositAddress]:
    """Addresses among these that are our orders', watched or not any more."""


@MERCHANT.statement(
    f"SELECT {_ADDRESS} FROM deposit_addresses WHERE merchant_id = $1 AND order_id = $2"
)
async def address_of_order(db: Read, merchant_id: UUID, order_id: UUID) -> DepositAddress | None:
    """The address where the order's payer pays; None for an order of another channel."""


@MERCHANT.statement(f"SELECT {_ADDRESS} FROM deposit_addresses WHERE attempt_id = $1")
async def address_of_attempt(db: Read, attempt_id: UUID) -> DepositAddress | None:
    """The address by the payment's own id; None for another channel."""


@MERCHANT.statement(f"""
SELECT {columns_of(DepositAddress, "d")} FROM attempts a
  JOIN deposit_addresses d USING (merchant_id, order_id)
WHERE a.merchant_id = $1 AND a.attempt_id = $2
""")
async def address_of_charge(db: Read, merchant_id: UUID, attempt_id: UUID) -> DepositAddress | None:
    """The address of the order, by its payment or by a row of money that paid nothing; None for
    another channel."""


@MERCHANT.statement("""
UPDATE attempts SET route = $4
WHERE merchant_id = $1 AND order_id = $2 AND attempt_id = $3 AND route IS NULL AND state = 'planned'
""")
async def pick(
    db: Tx, merchant_id: UUID, order_id: UUID, attempt_id: UUID, channel: str
) -> Written:
    """Sets the channel, unless one is picked already. Under the order's lock."""


@MERCHANT.statement("""
INSERT INTO deposit_addresses (address, kind, merchant_id, order_id, attempt_id, channel, terms,
  due, enough,
  expires_at, watched_until)
SELECT decode(c ->> 'raw', 'hex'), c ->> 'kind', $1, $2, $3, $4, c -> 'terms',
  (c ->> 'due')::numeric,
  (c ->> 'enough')::numeric, (c ->> 'expires_at')::timestamptz, (c ->> 'watched_until')::timestamptz
FROM (SELECT $5::jsonb AS c) t RETURNING 1
""")
async def add_address(
    db: Tx, merchant_id: UUID, order_id: UUID, attempt_id: UUID, channel: str, chain: dict[str, Any]
) -> None:
    """Writes the row that intake writes for a charge that names its channel."""


class BookedAddress(DepositAddress):
    """An address with the booked amounts of its order, in book units: what came, and what
    settled."""

    stage: str = ""
    came: int = 0
    settled: int = 0


@MERCHANT.statement(f"""
SELECT {columns_of(DepositAddress, "d")}, o.stage, coalesce(b.came, 0)::bigint AS came,
  coalesce(b.settled, 0)::bigint AS settled
FROM deposit_addresses d
JOIN current_orders o ON o.merchant_id = d.merchant_id AND o.order_id = d.order_id
LEFT JOIN LATERAL (
  SELECT sum(e.units) FILTER (WHERE p.recipe IN ('charge', 'late_approval', 'overpaid')
      OR p.recipe = 'by_hand' AND m.message = $3) AS came,
    -sum(e.units) FILTER (WHERE p.recipe = 'settled') AS settled
  FROM postings p JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id
  LEFT JOIN modifications m ON m.merchant_id = p.merchant_id AND m.modification_id = p.source_id
  WHERE p.merchant_id = d.merchant_id AND p.order_id = d.order_id AND e.account = 'clearing'
) b ON true
WHERE (d.merchant_id, d.order_id) > ($1, $2) ORDER BY d.merchant_id, d.order_id LIMIT $4
""")
async def booked_addresses(
    db: Read, merchant_id: UUID, order_id: UUID, applied: str, limit: int
) -> list[BookedAddress]:
    """Addresses of all merchants, behind that order's. `applied`: the note of money that paid its
    order after all."""


@CHAIN.statement("""
SELECT coalesce((SELECT sum(l.value) FROM logs l WHERE l.chain = $1 AND l.token = $2
  AND l.kind = 'sweep'
    AND l.state = 'confirmed' AND l.address = ANY($4)), 0)
  - coalesce((SELECT sum(s.value) FROM sends s WHERE s.chain = $1 AND s.channel = $3
    AND s.kind = 'transfer'
    AND s.state IN ('signed', 'done')), 0)
""")
async def gathered(
    db: Read, chain: int, token: bytes, channel: str, addresses: Sequence[bytes]
) -> Decimal:
    """The amount that the custody wallet got of these orders, less what was sent out of it. Base
    units."""


class Cursor(Row):
    """Cursor of how far a chain was read. `agreed_at`: time of the newest block that two nodes
    agree on; `polled_at`: wall time. `halted`: why nothing is credited. `mark`: a block that was
    read; another one in its place is a reorganisation. `compared_at`: wall time of the last
    comparison of all balances with the logs."""

    block: int
    agreed_at: datetime
    head: int
    final: int
    final_hash: bytes | None
    polled_at: datetime
    halted: str | None
    halted_at: datetime | None
    mark: int
    mark_hash: bytes | None
    compared_at: datetime | None


@CHAIN.statement(f"SELECT {columns_of(Cursor)} FROM cursors WHERE chain = $1")
async def cursor_of(db: Read, chain: int) -> Cursor | None:
    """The cursor of a chain; None before the first poll."""


@CHAIN.statement("UPDATE cursors SET mark = $2, mark_hash = $3 WHERE chain = $1")
async def move_mark(db: Tx, chain: int, block: int, block_hash: bytes) -> None:
    """Moves the mark; both nodes agree about all that is below."""


@CHAIN.statement("UPDATE cursors SET compared_at = $2 WHERE chain = $1")
async def keep_all_compared(db: Tx, chain: int, at: datetime) -> None:
    """The next time is a day later."""


@CHAIN.statement("""
INSERT INTO cursors (chain, block, agreed_at, head, final, final_hash, polled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (chain) DO UPDATE SET block = greatest(cursors.block, excluded.block),
  agreed_at = least(greatest(cursors.agreed_at, excluded.agreed_at), excluded.polled_at),
    head = excluded.head,
  final = greatest(cursors.final, excluded.final),
  final_hash = CASE WHEN excluded.final >= cursors.final THEN excluded.final_hash
    ELSE cursors.final_hash END,
  polled_at = excluded.polled_at
""")
async def move_cursor(
    db: Tx,
    chain: int,
    block: int,
    agreed_at: datetime,
    head: int,
    final: int,
    final_hash: bytes | None,
    polled_at: datetime,
) -> None:
    """Moves the cursor, never back, whichever of two watchers comes last; its time not behind the
    wall clock."""


@CHAIN.statement("""
INSERT INTO cursors (chain, block, agreed_at, head, final, polled_at, halted, halted_at)
VALUES ($1, 0, 'epoch', 0, 0, $3, $2, $3)
ON CONFLICT (chain) DO UPDATE SET halted = $2, halted_at = $3 WHERE cursors.halted IS NULL
""")
async def halt(db: Tx, chain: int, why: str, at: datetime) -> None:
    """Halts a chain: from here on nothing of it is credited, until a person lifts it. What halted
    it first stays."""


# What was final may be another block now: it is read anew from there.
@CHAIN.statement("""
UPDATE cursors SET halted = NULL, halted_at = NULL, final = 0, final_hash = NULL, mark_hash = NULL,
  block = CASE WHEN final > 0 THEN least(block, final) ELSE block END
WHERE chain = $1 AND halted_at = $2
""")
async def lift(db: Tx, chain: int, halted_at: datetime) -> None:
    """A person has looked at it."""


class Comparison(Row):
    """`compared_at`: the time of the block whose balances were read; None: they are still to be.
    `missing`: base units by token that no log explains."""

    address: bytes
    compared_at: datetime | None
    missing: str


@CHAIN.statement("""
INSERT INTO comparisons AS c (chain, address, wanted_at) VALUES ($1, $2, $3)
ON CONFLICT (chain, address) DO UPDATE SET wanted_at = coalesce(c.wanted_at, excluded.wanted_at)
""")
async def want_comparison(db: Tx, chain: int, address: bytes, now: datetime) -> None:
    """The watcher does it with its next poll."""


@CHAIN.statement("""
SELECT address FROM comparisons WHERE chain = $1 AND wanted_at IS NOT NULL ORDER BY wanted_at
  LIMIT $2
""")
async def wanted_comparisons(db: Read, chain: int, limit: int) -> list[bytes]:
    """The oldest first."""


@CHAIN.statement(
    "SELECT address, compared_at, missing FROM comparisons WHERE chain = $1 AND address = ANY($2)"
)
async def comparisons_of(db: Read, chain: int, addresses: Sequence[bytes]) -> list[Comparison]:
    """Comparisons of these addresses; none of one that was never compared."""


@CHAIN.statement("""
INSERT INTO comparisons AS c (chain, address, compared_at, missing) SELECT $1, a, $3, m
FROM unnest($2::bytea[], $4::text[]) AS x (a, m)
ON CONFLICT (chain, address) DO UPDATE SET wanted_at = NULL, compared_at = excluded.compared_at,
  missing = excluded.missing
""")
async def keep_comparisons(
    db: Tx, chain: int, addresses: Sequence[bytes], compared_at: datetime, missing: Sequence[str]
) -> None:
    """The newest counts."""


class ChainLog(Row):
    """A token that came to an order's address, or what the factory paid out of it. Of a sweep
    `value` went to the merchant and `fee` to the treasury; of a deposit `sender` is shown, never
    used."""

    chain: int
    tx: bytes
    log_index: int
    kind: Literal["deposit", "sweep"]
    address: bytes
    token: bytes
    value: Decimal
    fee: Decimal
    sender: bytes | None
    block: int
    block_hash: bytes
    block_at: datetime
    business_at: datetime
    state: LogState
    followed: bool


_LOG = columns_of(ChainLog)


@stored("logs")
class NewLog(Row):
    """Values are decimal text: JSON's numbers end before a token's do."""

    chain: int
    tx: Hex
    log_index: int
    kind: Literal["deposit", "sweep"]
    address: Hex
    token: Hex
    value: str
    fee: str
    sender: Hex | None
    block: int
    block_hash: Hex
    block_at: datetime
    business_at: datetime
    state: LogState
    seen_at: datetime


# One that came back to the block that it had left is open again.
@CHAIN.statement(f"""
{insert_of(NewLog)}
ON CONFLICT (chain, tx, log_index, block_hash) DO UPDATE SET state = 'seen', followed = false
WHERE logs.state = 'orphaned'
""")
async def keep_logs(db: Tx, rows: Sequence[NewLog]) -> None:
    """Stores each log once, however often it is reported."""


@CHAIN.statement(f"SELECT {_LOG} FROM logs WHERE chain = $1 AND tx = ANY($2)")
async def logs_in(db: Read, chain: int, txs: Sequence[bytes]) -> list[ChainLog]:
    """Stored logs of these transactions, in whatever block."""


_PAGE = (
    "(block, tx, log_index, block_hash) > ($2, $3, $4, $5) ORDER BY block, tx, log_index, "
    "block_hash LIMIT $6"
)
LogPlace = tuple[int, bytes, int, bytes]


@CHAIN.statement(f"SELECT {_LOG} FROM logs WHERE chain = $1 AND state = 'seen' AND {_PAGE}")
async def open_logs(
    db: Read, chain: int, block: int, tx: bytes, log_index: int, block_hash: bytes, limit: int
) -> list[ChainLog]:
    """Logs behind that one which are not deep enough yet, the oldest first."""


@CHAIN.statement(f"SELECT {_LOG} FROM logs WHERE chain = $1 AND state = 'confirmed' AND {_PAGE}")
async def confirmed_logs(
    db: Read, chain: int, block: int, tx: bytes, log_index: int, block_hash: bytes, limit: int
) -> list[ChainLog]:
    """Logs behind that one which a deep reorganisation could still take back, the oldest first."""


@CHAIN.statement(
    f"SELECT {_LOG} FROM logs WHERE address = ANY($1) ORDER BY address, block, log_index, tx"
)
async def logs_at(db: Read, addresses: Sequence[bytes]) -> list[ChainLog]:
    """All logs of these addresses, on whatever chain, orphaned ones too."""


class Verdict(Row):
    """The state of a log in the block in which it was seen."""

    chain: int
    tx: Hex
    log_index: int
    block_hash: Hex
    state: LogState


@CHAIN.statement("""
UPDATE logs l SET state = i.state, followed = false
FROM jsonb_to_recordset($1) AS i (chain bigint, tx bytea, log_index int, block_hash bytea,
  state text)
WHERE l.chain = i.chain AND l.tx = i.tx AND l.log_index = i.log_index
  AND l.block_hash = i.block_hash
  AND (l.state = 'seen' OR l.state = 'confirmed' AND i.state = 'orphaned')
""")
async def judge_logs(db: Tx, rows: Sequence[Verdict]) -> None:
    """Stores verdicts on logs. What is orphaned comes back only when it is read again."""


@CHAIN.statement("""
SELECT DISTINCT address FROM logs WHERE chain = $1 AND NOT followed AND address > $2
  ORDER BY address LIMIT $3
""")
async def unfollowed(db: Read, chain: int, after: bytes, limit: int) -> list[bytes]:
    """The addresses behind that one of which an order does not know yet what happened there."""


@CHAIN.statement("""
UPDATE logs l SET followed = true
FROM jsonb_to_recordset($1) AS i (chain bigint, tx bytea, log_index int, block_hash bytea,
  state text)
WHERE l.chain = i.chain AND l.tx = i.tx AND l.log_index = i.log_index
  AND l.block_hash = i.block_hash
  AND l.state = i.state
""")
async def mark_followed(db: Tx, rows: Sequence[Verdict]) -> None:
    """Their orders know of them, as long as they stand as they did then."""


class SettlementAddress(Row):
    """`holds_from`: since its approval, when orders begin to settle to it."""

    merchant_id: UUID
    kind: Kind
    address_id: UUID
    address: str
    set_by: str
    set_at: datetime
    holds_from: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    withdrawn_at: datetime | None

    def holds(self, now: datetime) -> bool:
        """True when it has taken effect; a later one may have replaced it."""
        return self.withdrawn_at is None and self.holds_from is not None and self.holds_from <= now


_WALLET = columns_of(SettlementAddress)


@MERCHANT.statement(
    f"SELECT {_WALLET} FROM settlement_addresses WHERE merchant_id = $1 ORDER BY set_at DESC"
)
async def list_addresses(db: Read, merchant_id: UUID) -> list[SettlementAddress]:
    """The newest first, of all kinds."""


@MERCHANT.statement("""
INSERT INTO settlement_addresses (merchant_id, kind, address_id, address, set_by, set_at)
VALUES ($1, $2, $3, $4, $5, $6)
""")
async def add_wallet(
    db: Tx,
    merchant_id: UUID,
    kind: str,
    address_id: UUID,
    address: str,
    set_by: str,
    set_at: datetime,
) -> None: ...


@MERCHANT.statement("""
UPDATE settlement_addresses SET approved_by = $4, approved_at = $5, holds_from = $6
WHERE merchant_id = $1 AND kind = $2 AND address_id = $3
""")
async def approve_address(
    db: Tx,
    merchant_id: UUID,
    kind: str,
    address_id: UUID,
    by: str,
    at: datetime,
    holds_from: datetime,
) -> None: ...


@MERCHANT.statement("""
UPDATE settlement_addresses SET withdrawn_at = $3
WHERE merchant_id = $1 AND address_id = ANY($2) AND withdrawn_at IS NULL
""")
async def withdraw_addresses(
    db: Tx, merchant_id: UUID, address_ids: list[UUID], at: datetime
) -> None: ...


@MERCHANT.statement("SELECT true FROM deposit_addresses WHERE address = $1 AND kind = $2")
async def is_deposit_address(db: Read, address: bytes, kind: str) -> bool | None:
    """True when it is the deposit address of any order; None if it is not."""


@MERCHANT.statement("SELECT basis_points FROM shortfall_tolerances WHERE merchant_id = $1")
async def tolerance_of(db: Read, merchant_id: UUID) -> int | None:
    """The tolerance by which an order may be paid less than its amount; None: nothing was ever
    set."""


@MERCHANT.statement("""
INSERT INTO shortfall_tolerances (merchant_id, basis_points) VALUES ($1, $2)
ON CONFLICT (merchant_id) DO UPDATE SET basis_points = excluded.basis_points
""")
async def keep_tolerance(db: Tx, merchant_id: UUID, basis_points: int) -> None:
    """Keeps the tolerance for orders from here on."""


@MERCHANT.statement("""
SELECT address FROM settlement_addresses
WHERE merchant_id = $1 AND kind = $2 AND holds_from <= $3 AND approved_at IS NOT NULL
  AND withdrawn_at IS NULL
ORDER BY holds_from DESC LIMIT 1
""")
async def settles_to(db: Read, merchant_id: UUID, kind: str, now: datetime) -> str | None:
    """The merchant's own wallet, as wallets show it; None before one holds."""


class Gate(Row):
    """Gate to a factory's channels: they may take payments while `wrong` is empty, `proved_at`
    (wall time) not long ago, and the chain is read."""

    wrong: str
    proved_at: datetime
    halted: str | None
    agreed_at: datetime | None


@CHAIN.statement("""
SELECT p.wrong, p.proved_at, c.halted, c.agreed_at FROM proofs p
  LEFT JOIN cursors c ON c.chain = p.chain
WHERE p.chain = $1 AND p.factory = $2
""")
async def gate_of(db: Read, chain: int, factory: bytes) -> Gate | None:
    """The gate of a factory; None before the first proof."""


@CHAIN.statement("""
INSERT INTO proofs (chain, factory, wrong, proved_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (chain, factory) DO UPDATE SET wrong = excluded.wrong, proved_at = excluded.proved_at
""")
async def keep_proof(db: Tx, chain: int, factory: bytes, wrong: str, proved_at: datetime) -> None:
    """The newest counts."""

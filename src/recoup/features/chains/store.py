"""What the watcher has read of a chain, and where an order's payer pays. Values are base units of a token."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

from recoup.store.homes import CHAIN, MERCHANT
from recoup.store.statement import Read, Row, Tx, Written, columns_of
from recoup.store.table import Hex, insert_of, stored

LogState = Literal["seen", "confirmed", "orphaned"]
SubjectKind = Literal["settlement", "custody", "refund", "payout"]


class DepositAddress(Row, frozen=True):
    """`due`: what its payer is to send, in base units of the channel's token. `expires_at`: business time;
    `watched_until`: wall time; `refund_to`: what the payer gave on their page."""

    address: bytes
    kind: Literal["evm", "tron"]
    merchant_id: UUID
    order_id: UUID
    attempt_id: UUID
    channel: str
    terms: dict[str, Any]
    due: Decimal
    expires_at: datetime
    watched_until: datetime
    refund_to: bytes | None = None


_ADDRESS = columns_of(DepositAddress)


@MERCHANT.statement(f"SELECT {_ADDRESS} FROM deposit_addresses WHERE kind = $1 AND watched_until > $2")
async def watched(db: Read, kind: str, now: datetime) -> list[DepositAddress]:
    """The addresses to which money may still come."""


@MERCHANT.statement(f"SELECT {_ADDRESS} FROM deposit_addresses WHERE merchant_id = $1 AND order_id = $2")
async def address_of_order(db: Read, merchant_id: UUID, order_id: UUID) -> DepositAddress | None:
    """Where the order's payer pays; None for an order of another channel."""


@MERCHANT.statement(f"SELECT {_ADDRESS} FROM deposit_addresses WHERE attempt_id = $1")
async def address_of_attempt(db: Read, attempt_id: UUID) -> DepositAddress | None:
    """Of the payment's own id."""


# As intake writes it for a charge that names its channel.
@MERCHANT.statement("""
WITH picked AS (
  UPDATE attempts SET route = $4 WHERE merchant_id = $1 AND attempt_id = $3 AND order_id = $2 AND route IS NULL
    AND state = 'planned' RETURNING order_id),
written AS (
  UPDATE orders SET facts = facts || $5 WHERE merchant_id = $1 AND order_id = (SELECT order_id FROM picked))
INSERT INTO deposit_addresses (address, kind, merchant_id, order_id, attempt_id, channel, terms, due, expires_at,
  watched_until)
SELECT decode(c ->> 'raw', 'hex'), c ->> 'kind', $1, $2, $3, $4, c -> 'terms', (c ->> 'due')::numeric,
  (c ->> 'expires_at')::timestamptz, (c ->> 'watched_until')::timestamptz
FROM picked CROSS JOIN (SELECT $5::jsonb -> 'chain' AS c) t
""")
async def pick(
    db: Tx, merchant_id: UUID, order_id: UUID, attempt_id: UUID, channel: str, facts: dict[str, Any]
) -> None:
    """Nothing where something is picked already. Under the order's lock."""


class BookedAddress(DepositAddress, frozen=True):
    """With what the book has of its order, in book units: what came, and what settled."""

    stage: str = ""
    came: int = 0
    settled: int = 0


@MERCHANT.statement(f"""
SELECT {", ".join(f"d.{name.strip()}" for name in _ADDRESS.split(","))}, o.stage, coalesce(b.came, 0)::bigint AS came,
  coalesce(b.settled, 0)::bigint AS settled
FROM deposit_addresses d JOIN orders o ON o.merchant_id = d.merchant_id AND o.order_id = d.order_id
LEFT JOIN LATERAL (
  SELECT sum(e.units) FILTER (WHERE p.recipe IN ('charge', 'late_approval', 'overpaid')
      OR p.recipe = 'by_hand' AND m.message = $3) AS came,
    -sum(e.units) FILTER (WHERE p.recipe = 'settled') AS settled
  FROM postings p JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id
  LEFT JOIN modifications m ON m.merchant_id = p.merchant_id AND m.modification_id = p.source_id
  WHERE p.merchant_id = d.merchant_id AND p.order_id = d.order_id AND e.account = 'clearing'
) b ON true
WHERE d.order_id > $1 ORDER BY d.order_id LIMIT $2
""")
async def booked_addresses(db: Read, after: UUID, limit: int, applied: str) -> list[BookedAddress]:
    """Of all merchants, by order. `applied`: the note of money that paid its order after all."""


@CHAIN.statement("""
SELECT coalesce((SELECT sum(l.value) FROM logs l WHERE l.chain = $1 AND l.token = $2 AND l.kind = 'sweep'
    AND l.state = 'confirmed' AND l.address = ANY($4)), 0)
  - coalesce((SELECT sum(s.value) FROM sends s WHERE s.chain = $1 AND s.channel = $3 AND s.kind = 'transfer'
    AND s.state IN ('signed', 'done')), 0)
""")
async def gathered(db: Read, chain: int, token: bytes, channel: str, addresses: Sequence[bytes]) -> Decimal:
    """What the custody wallet has of these orders, less what was sent out of it. Base units."""


class Cursor(Row, frozen=True):
    """How far a chain was read. `agreed_at`: time of the newest block that two nodes agree on; `polled_at`: wall time.
    `halted`: why nothing is credited. `mark`: a block that was read; another one in its place is a reorganisation."""

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


@CHAIN.statement("""
SELECT block, agreed_at, head, final, final_hash, polled_at, halted, halted_at, mark, mark_hash FROM cursors
WHERE chain = $1
""")
async def cursor_of(db: Read, chain: int) -> Cursor | None:
    """None before the first poll."""


@CHAIN.statement("UPDATE cursors SET mark = $2, mark_hash = $3 WHERE chain = $1")
async def move_mark(db: Tx, chain: int, block: int, block_hash: bytes) -> None:
    """Both nodes agree about all that is below."""


@CHAIN.statement("SELECT compared_at FROM cursors WHERE chain = $1")
async def all_compared_at(db: Read, chain: int) -> datetime | None:
    """When the balances of all addresses were last compared with the logs. Wall time."""


@CHAIN.statement("UPDATE cursors SET compared_at = $2 WHERE chain = $1")
async def keep_all_compared(db: Tx, chain: int, at: datetime) -> None:
    """The next time is a day later."""


@CHAIN.statement("""
INSERT INTO cursors (chain, block, agreed_at, head, final, final_hash, polled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (chain) DO UPDATE SET block = greatest(cursors.block, excluded.block),
  agreed_at = greatest(cursors.agreed_at, excluded.agreed_at), head = excluded.head,
  final = greatest(cursors.final, excluded.final),
  final_hash = CASE WHEN excluded.final >= cursors.final THEN excluded.final_hash ELSE cursors.final_hash END,
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
    """Never back, whichever of two watchers comes last."""


@CHAIN.statement("""
INSERT INTO cursors (chain, block, agreed_at, head, final, polled_at, halted, halted_at)
VALUES ($1, 0, 'epoch', 0, 0, $3, $2, $3)
ON CONFLICT (chain) DO UPDATE SET halted = $2, halted_at = $3 WHERE cursors.halted IS NULL
RETURNING true
""")
async def halt(db: Tx, chain: int, why: str, at: datetime) -> bool:
    """From here on nothing of the chain is credited, until a person lifts it. False: it was halted before."""


@CHAIN.statement("INSERT INTO halts (chain, halted_at, why) VALUES ($1, $2, $3)")
async def add_halt(db: Tx, chain: int, at: datetime, why: str) -> None:
    """With the halt."""


# What was final may be another block now: it is read anew from there.
@CHAIN.statement("""
UPDATE cursors SET halted = NULL, halted_at = NULL, final = 0, final_hash = NULL, mark_hash = NULL,
  block = CASE WHEN final > 0 THEN least(block, final) ELSE block END
WHERE chain = $1 AND halted_at = $2
""")
async def lift(db: Tx, chain: int, halted_at: datetime) -> None:
    """A person has looked at it."""


@CHAIN.statement("UPDATE halts SET lifted_at = $3, lifted_by = $4, note = $5 WHERE chain = $1 AND halted_at = $2")
async def note_lift(db: Tx, chain: int, halted_at: datetime, at: datetime, by: str, note: str) -> None:
    """With the lift."""


class Comparison(Row, frozen=True):
    """`compared_at`: the time of the block whose balances were read; None: they are still to be. `missing`: base units
    by token that no log explains."""

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
SELECT address FROM comparisons WHERE chain = $1 AND wanted_at IS NOT NULL ORDER BY wanted_at LIMIT $2
""")
async def wanted_comparisons(db: Read, chain: int, limit: int) -> list[bytes]:
    """The oldest first."""


@CHAIN.statement("SELECT address, compared_at, missing FROM comparisons WHERE chain = $1 AND address = ANY($2)")
async def comparisons_of(db: Read, chain: int, addresses: Sequence[bytes]) -> list[Comparison]:
    """None of an address that was never compared."""


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


class ChainLog(Row, frozen=True):
    """A token that came to an order's address, or what the factory paid out of it. Of a sweep `value` went to the
    merchant and `fee` to the treasury; of a deposit `sender` is shown, never used."""

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
class NewLog(Row, frozen=True):
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
    """Once, however often they are told."""


@CHAIN.statement(f"SELECT {_LOG} FROM logs WHERE chain = $1 AND tx = ANY($2)")
async def logs_in(db: Read, chain: int, txs: Sequence[bytes]) -> list[ChainLog]:
    """What is known of these transactions, in whatever block."""


@CHAIN.statement(f"SELECT {_LOG} FROM logs WHERE chain = $1 AND state = 'seen' ORDER BY block LIMIT $2")
async def open_logs(db: Read, chain: int, limit: int) -> list[ChainLog]:
    """Those that no depth has made certain yet, the oldest first."""


@CHAIN.statement(f"""
SELECT {_LOG} FROM logs WHERE chain = $1 AND block > $2 AND state = 'confirmed' ORDER BY block DESC LIMIT $3
""")
async def confirmed_logs(db: Read, chain: int, above: int, limit: int) -> list[ChainLog]:
    """Those that a deep reorganisation could still take back; the newest first."""


@CHAIN.statement(f"SELECT {_LOG} FROM logs WHERE address = ANY($1) ORDER BY address, block, log_index, tx")
async def logs_at(db: Read, addresses: Sequence[bytes]) -> list[ChainLog]:
    """All that ever happened at these, on whatever chain, orphaned ones too."""


class Verdict(Row, frozen=True):
    """What became of a log in the block in which it was seen."""

    chain: int
    tx: Hex
    log_index: int
    block_hash: Hex
    state: LogState


@CHAIN.statement("""
UPDATE logs l SET state = i.state, followed = false
FROM jsonb_to_recordset($1) AS i (chain bigint, tx bytea, log_index int, block_hash bytea, state text)
WHERE l.chain = i.chain AND l.tx = i.tx AND l.log_index = i.log_index AND l.block_hash = i.block_hash
  AND (l.state = 'seen' OR l.state = 'confirmed' AND i.state = 'orphaned')
""")
async def judge_logs(db: Tx, rows: Sequence[Verdict]) -> None:
    """What is orphaned comes back only when it is read again."""


@CHAIN.statement("""
SELECT address FROM logs WHERE chain = $1 AND NOT followed GROUP BY address ORDER BY min(block) LIMIT $2
""")
async def unfollowed(db: Read, chain: int, limit: int) -> list[bytes]:
    """The addresses of which an order does not know yet what happened there; the oldest first."""


@CHAIN.statement("""
UPDATE logs l SET followed = true
FROM jsonb_to_recordset($1) AS i (chain bigint, tx bytea, log_index int, block_hash bytea, state text)
WHERE l.chain = i.chain AND l.tx = i.tx AND l.log_index = i.log_index AND l.block_hash = i.block_hash
  AND l.state = i.state
""")
async def mark_followed(db: Tx, rows: Sequence[Verdict]) -> None:
    """Their orders know of them, as long as they stand as they did then."""


@MERCHANT.statement("""
SELECT address FROM settlement_addresses
WHERE merchant_id = $1 AND kind = $2 AND holds_from <= $3 AND approved_at IS NOT NULL AND withdrawn_at IS NULL
ORDER BY holds_from DESC LIMIT 1
""")
async def settles_to(db: Read, merchant_id: UUID, kind: str, now: datetime) -> str | None:
    """The merchant's own wallet, as wallets show it; None before one holds."""


class NewSend(NamedTuple):
    """A sweep by its `terms`, or a transfer of `value` from the custody wallet `source` to `receiver`, and whose money
    it is. `send_id`: of the message that wants it; `subject_id`: the settlement, order, refund or payout."""

    send_id: UUID
    chain: int
    kind: Literal["sweep", "transfer"]
    channel: str
    token: bytes
    terms: dict[str, Any] | None
    source: bytes | None
    receiver: bytes | None
    value: Decimal | None
    merchant_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID


class ChainSend(Row, frozen=True):
    """As it stands. `hash`: of the transaction that it is in; `why`: it failed, or is held until a person says whether
    it went."""

    send_id: UUID
    chain: int
    kind: Literal["sweep", "transfer"]
    channel: str
    token: bytes
    terms: dict[str, Any] | None
    source: bytes | None
    receiver: bytes | None
    value: Decimal | None
    merchant_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    state: Literal["wanted", "signed", "held", "done", "failed"]
    hash: bytes | None
    why: str | None


_SEND = columns_of(ChainSend)


@CHAIN.statement(f"""
INSERT INTO sends (send_id, chain, kind, channel, token, terms, source, receiver, value, merchant_id, subject_kind,
  subject_id, wanted_at, state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'wanted')
ON CONFLICT (send_id) DO UPDATE SET state = sends.state
RETURNING {_SEND}
""")
async def want(db: Tx, send: NewSend, now: datetime) -> ChainSend:
    """As it stands now: a repeat wants nothing more."""


@CHAIN.statement(f"SELECT {_SEND} FROM sends WHERE send_id = $1")
async def send_of(db: Read, send_id: UUID) -> ChainSend | None:
    """None for what was never wanted."""


@CHAIN.statement(f"""
(SELECT {_SEND} FROM sends WHERE chain = $1 AND state = 'wanted' AND source = $2 ORDER BY wanted_at LIMIT $4)
UNION ALL
(SELECT {_SEND} FROM sends WHERE chain = $1 AND state = 'wanted' AND kind = 'sweep' AND $3 ORDER BY wanted_at LIMIT $4)
""")
async def wanted(db: Read, chain: int, source: bytes, sweeps: bool, limit: int) -> list[ChainSend]:  # noqa: FBT001
    """Transfers out of this wallet and, where that is wanted, sweeps; the oldest of each first."""


@CHAIN.statement(f"SELECT {_SEND} FROM sends WHERE hash = ANY($1) ORDER BY send_id")
async def sends_in(db: Read, hashes: Sequence[bytes]) -> list[ChainSend]:
    """What these transactions send, in the order in which they carry it."""


@CHAIN.statement(
    f"SELECT {_SEND} FROM sends WHERE chain = $1 AND state IN ('done', 'failed') AND NOT reported ORDER BY send_id LIMIT $2"
)
async def unreported(db: Read, chain: int, limit: int) -> list[ChainSend]:
    """Those whose end has not reached what wants them."""


@CHAIN.statement("UPDATE sends SET reported = true WHERE send_id = $1")
async def mark_reported(db: Tx, send_id: UUID) -> None: ...


@CHAIN.statement(f"SELECT {_SEND} FROM sends WHERE state IN ('failed', 'held') ORDER BY wanted_at DESC LIMIT $1")
async def stuck(db: Read, limit: int) -> list[ChainSend]:
    """The newest first, of all chains."""


@CHAIN.statement(
    "UPDATE sends SET state = 'signed', hash = $2 WHERE send_id = ANY($1) AND state IN ('wanted', 'signed')"
)
async def mark_signed(db: Tx, send_ids: Sequence[UUID], hash: bytes) -> Written:
    """They are in that transaction from here on."""


@CHAIN.statement("UPDATE sends SET state = 'done', hash = $2 WHERE send_id = ANY($1) AND state IN ('signed', 'held')")
async def mark_done(db: Tx, send_ids: Sequence[UUID], hash: bytes) -> None:
    """`hash`: of the transaction that is mined at depth, whichever of its number it is."""


@CHAIN.statement("""
UPDATE sends SET state = 'held', why = $4
WHERE kind = 'transfer' AND (chain = $1 AND source = $2 AND state = 'wanted' OR hash = ANY($3) AND state = 'signed')
""")
async def hold_transfers(db: Tx, chain: int, source: bytes, lost: Sequence[bytes], why: str) -> Written:
    """What an unknown transaction of this wallet may have sent already."""


@CHAIN.statement("UPDATE sends SET state = 'wanted', hash = NULL WHERE hash = ANY($1) AND state = 'signed'")
async def want_lost(db: Tx, lost: Sequence[bytes]) -> None:
    """What went by none of these transactions, and sweeps: one that went already moves nothing."""


@CHAIN.statement("SELECT true FROM sends WHERE hash = $1 LIMIT 1")
async def is_known(db: Read, hash: bytes) -> bool:
    """Whether that transaction is one of ours."""


@CHAIN.statement("""
UPDATE sends SET state = 'failed', why = $2, hash = coalesce($3, hash)
WHERE send_id = ANY($1) AND state IN ('wanted', 'signed')
""")
async def mark_failed(db: Tx, send_ids: Sequence[UUID], why: str, hash: bytes | None) -> None:
    """For good, under this id."""


@CHAIN.statement("""
UPDATE sends SET state = 'wanted', hash = NULL, why = NULL, reported = false
WHERE send_id = $1 AND state IN ('failed', 'held')
""")
async def want_again(db: Tx, send_id: UUID) -> None:
    """A person has looked: it did not go."""


@CHAIN.statement("""
SELECT coalesce(sum(s.value), 0) FROM transactions t JOIN sends s ON s.hash = t.hash
WHERE t.chain = $1 AND t.signed_at > $3 AND s.channel = $2 AND s.kind = 'transfer' AND s.state IN ('signed', 'done')
""")
async def sent_since(db: Read, chain: int, channel: str, since: datetime) -> Decimal:
    """What left the custody wallet by this channel, or is on its way."""


@stored("transactions")
class ChainTransaction(Row, frozen=True):
    """A signed transaction. `number`: the sender's nonce; fees in the coin's base units. `lost`: a transaction that we
    do not know took its number."""

    chain: int
    sender: bytes
    number: int
    hash: bytes
    raw: bytes
    fee_per_gas: Decimal
    tip_per_gas: Decimal
    gas: int
    signed_at: datetime
    signed_block: int
    state: Literal["signed", "mined", "reverted", "replaced", "lost"]


_TRANSACTION = columns_of(ChainTransaction)


class NewTransaction(NamedTuple):
    """One that is signed and has not left."""

    chain: int
    sender: bytes
    number: int
    hash: bytes
    raw: bytes
    fee_per_gas: Decimal
    tip_per_gas: Decimal
    gas: int
    signed_at: datetime
    signed_block: int


@CHAIN.statement(f"""
INSERT INTO transactions ({_TRANSACTION}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'signed')
""")
async def keep_transaction(db: Tx, transaction: NewTransaction) -> None:
    """Before it leaves."""


@CHAIN.statement(f"""
SELECT {_TRANSACTION} FROM transactions WHERE chain = $1 AND sender = $2 AND state = 'signed' ORDER BY number, signed_at
""")
async def open_transactions(db: Read, chain: int, sender: bytes) -> list[ChainTransaction]:
    """Those that no depth has decided, the lowest number first."""


class Numbers(Row, frozen=True):
    """The last that was signed, and the last that is mined for good; None before the first."""

    last: int | None
    mined: int | None


@CHAIN.statement("""
SELECT max(number) AS last, max(number) FILTER (WHERE state IN ('mined', 'reverted')) AS mined
FROM transactions WHERE chain = $1 AND sender = $2
""")
async def numbers_of(db: Read, chain: int, sender: bytes) -> Numbers:
    """A key's."""


@CHAIN.statement("""
UPDATE transactions SET state = CASE WHEN hash = $4 THEN $5 ELSE 'replaced' END,
  paid = CASE WHEN hash = $4 THEN $6::numeric END
WHERE chain = $1 AND sender = $2 AND number = $3 AND state = 'signed'
""")
async def close_number(db: Tx, chain: int, sender: bytes, number: int, hash: bytes, state: str, paid: Decimal) -> None:
    """One of the transactions of this number is mined at depth, the others never can be. `paid`: for its gas."""


@CHAIN.statement("""
UPDATE transactions SET state = 'lost' WHERE chain = $1 AND sender = $2 AND number < $3 AND state = 'signed'
RETURNING hash
""")
async def lose_numbers(db: Tx, chain: int, sender: bytes, below: int) -> list[bytes]:
    """Transactions that we do not know took them."""


@CHAIN.statement("UPDATE transactions SET state = 'replaced' WHERE chain = $1 AND hash = $2 AND state = 'signed'")
async def expire_transaction(db: Tx, chain: int, hash: bytes) -> None:
    """No block can take it any more."""


@CHAIN.statement("SELECT hash FROM transactions WHERE chain = $1 AND hash = ANY($2)")
async def known_transactions(db: Read, chain: int, hashes: Sequence[bytes]) -> list[bytes]:
    """Those of them that were signed here."""


@CHAIN.statement("SELECT max(signed_block) FROM transactions WHERE chain = $1 AND sender = $2")
async def last_signed_block(db: Read, chain: int, sender: bytes) -> int | None:
    """The head of the chain when the key last signed; None before the first."""


@CHAIN.statement("""
SELECT count(*) FROM transactions WHERE chain = $1 AND sender = $2 AND state = 'reverted' AND signed_at > $3
""")
async def reverted_since(db: Read, chain: int, sender: bytes, since: datetime) -> int:
    """How many of the key's transactions moved nothing and cost their fee."""


class ChainSender(Row, frozen=True):
    """A key. `begins`: whatever the chain has of lower numbers, a person has accounted for. `halted`: why it signs
    nothing; `trouble`: what keeps it from sending, or soon will; `gas`: what its transactions cost so far, in the
    chain's coin."""

    chain: int
    sender: bytes
    begins: int
    halted: str | None
    trouble: str | None
    troubled_at: datetime | None
    gas: Decimal


_SENDER = """
SELECT chain, sender, begins, halted, trouble, troubled_at, (SELECT coalesce(sum(t.paid), 0) FROM transactions t
  WHERE t.chain = s.chain AND t.sender = s.sender) AS gas
FROM senders s
"""


@CHAIN.statement(f"{_SENDER} WHERE chain = $1 AND sender = $2")
async def sender_of(db: Read, chain: int, sender: bytes) -> ChainSender | None:
    """None before it has begun."""


@CHAIN.statement(f"{_SENDER} ORDER BY chain, sender")
async def senders(db: Read) -> list[ChainSender]:
    """All keys, of all chains."""


@CHAIN.statement("UPDATE senders SET halted = NULL WHERE chain = $1 AND sender = $2")
async def lift_sender(db: Tx, chain: int, sender: bytes) -> None:
    """A person has looked."""


@CHAIN.statement("""
INSERT INTO senders (chain, sender, begins) VALUES ($1, $2, $3)
ON CONFLICT (chain, sender) DO UPDATE SET begins = greatest(senders.begins, excluded.begins)
""")
async def begin_sender(db: Tx, chain: int, sender: bytes, begins: int) -> None:
    """From this number on its transactions are ours: a person says so, or the chain has none of it."""


@CHAIN.statement("""
INSERT INTO senders (chain, sender, begins, halted) VALUES ($1, $2, 0, $3)
ON CONFLICT (chain, sender) DO UPDATE SET halted = excluded.halted
""")
async def halt_sender(db: Tx, chain: int, sender: bytes, why: str) -> None:
    """It signs nothing before a person has looked."""


@CHAIN.statement("""
UPDATE senders SET trouble = $3, troubled_at = $4 WHERE chain = $1 AND sender = $2 AND trouble IS DISTINCT FROM $3
""")
async def note_trouble(db: Tx, chain: int, sender: bytes, trouble: str | None, at: datetime) -> Written:
    """Whether it is another than before. None: there is none any more."""


@CHAIN.statement("SELECT pg_try_advisory_lock(hashtextextended($1, 38))")
async def lock_sender(db: Tx, name: str) -> bool:
    """For the life of the connection: another process may not have the same."""


@MERCHANT.statement("UPDATE deposit_addresses SET refund_to = $3 WHERE merchant_id = $1 AND order_id = $2")
async def name_refund_address(db: Tx, merchant_id: UUID, order_id: UUID, address: bytes) -> None:
    """The payer's word; a refund that goes elsewhere already stays as it is."""


@stored("refund_destinations")
class RefundDestination(Row, frozen=True):
    """Fixed with the refund. `given_by`: whose word it is."""

    merchant_id: UUID
    modification_id: UUID
    order_id: UUID
    address: Hex
    given_by: Literal["merchant", "payer"]


@MERCHANT.statement(insert_of(RefundDestination))
async def add_destinations(db: Tx, rows: Sequence[RefundDestination]) -> None:
    """With their refunds."""


class RefundWay(Row, frozen=True):
    """A refund by the id under which it is sent, and where it goes; None: nobody has said."""

    merchant_id: UUID
    modification_id: UUID
    address: bytes | None


@MERCHANT.statement("""
SELECT m.merchant_id, m.modification_id, d.address
FROM modifications m LEFT JOIN refund_destinations d USING (merchant_id, modification_id)
WHERE m.merchant_id = $1 AND m.order_id = $2 AND coalesce(m.send_id, m.modification_id) = $3
""")
async def refund_way(db: Read, merchant_id: UUID, order_id: UUID, wire_id: UUID) -> RefundWay | None:
    """None for what is no refund of this order."""


class Proof(Row, frozen=True):
    """Whether a factory's channels may take payments: `wrong` is empty, and `proved_at` (wall time) not long ago."""

    wrong: str
    proved_at: datetime


@CHAIN.statement("SELECT wrong, proved_at FROM proofs WHERE chain = $1 AND factory = $2")
async def proof_of(db: Read, chain: int, factory: bytes) -> Proof | None:
    """None before the first."""


class Gate(Row, frozen=True):
    """A proof, with how the chain is read."""

    wrong: str
    proved_at: datetime
    halted: str | None
    agreed_at: datetime | None


@CHAIN.statement("""
SELECT p.wrong, p.proved_at, c.halted, c.agreed_at FROM proofs p LEFT JOIN cursors c ON c.chain = p.chain
WHERE p.chain = $1 AND p.factory = $2
""")
async def gate_of(db: Read, chain: int, factory: bytes) -> Gate | None:
    """Whether payments may be taken; None before the first proof."""


@CHAIN.statement("""
INSERT INTO proofs (chain, factory, wrong, proved_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (chain, factory) DO UPDATE SET wrong = excluded.wrong, proved_at = excluded.proved_at
""")
async def keep_proof(db: Tx, chain: int, factory: bytes, wrong: str, proved_at: datetime) -> None:
    """The newest counts."""

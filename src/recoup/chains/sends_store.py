"""Sends on chains, their keys, and where refunds go. Values are base units of a token."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import asyncpg

from recoup.db.statement import CHAIN, MERCHANT, Read, Row, Tx, Written, columns_of
from recoup.db.table import Hex, insert_of, stored
from recoup.stablecoin.rules.addresses import Kind

WITHDRAWN: Final = "the address is withdrawn"  # why a payout fails
SubjectKind = Literal["settlement", "custody", "stray", "refund", "payout"]


class ChainSend(NamedTuple):
    """A sweep by its `terms`, or a transfer of `value` from the custody wallet `source` to
    `receiver`, and whose money it is. `send_id`: of the message that wants it; `subject_id`: the
    settlement, order, refund or payout; a `stray` is another token, or a coin, at an order's
    address. `hash`: of the transaction that it is in; `why`: it failed, or is held until a person
    says whether it went."""

    send_id: UUID
    merchant_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    kind: Literal["sweep", "transfer"]
    chain: int
    channel: str
    token: bytes
    terms: dict[str, Any] | None = None
    source: bytes | None = None
    receiver: bytes | None = None
    value: Decimal | None = None
    state: Literal["wanted", "signed", "held", "done", "failed"] = "wanted"
    hash: bytes | None = None
    why: str | None = None


_SEND = columns_of(ChainSend)


@CHAIN.statement(f"""
INSERT INTO sends ({_SEND}, wanted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
  $13, $14, $15, $16)
ON CONFLICT (send_id) DO UPDATE SET state = sends.state
RETURNING {_SEND}
""")
async def want(db: Tx, send: ChainSend, now: datetime) -> ChainSend:
    """Adds a send and returns its present state; a repeat adds nothing."""


@CHAIN.statement(f"SELECT {_SEND} FROM sends WHERE send_id = $1")
async def send_of(db: Read, send_id: UUID) -> ChainSend | None:
    """The send of that id; None for what was never wanted."""


@CHAIN.statement(f"""
SELECT {_SEND} FROM sends WHERE chain = $1 AND state = 'wanted' AND (source = $2 OR kind = 'sweep'
  AND $3)
  AND ($4::uuid IS NULL OR (wanted_at, send_id) > (SELECT b.wanted_at, b.send_id FROM sends b
    WHERE b.send_id = $4))
ORDER BY wanted_at, send_id LIMIT $5
""")
async def wanted(
    db: Read, chain: int, source: bytes, sweeps: bool, after: UUID | None, limit: int
) -> list[ChainSend]:  # noqa: FBT001
    """Transfers out of this wallet and, where that is wanted, sweeps: the oldest behind that
    one."""


@CHAIN.statement(f"""
SELECT {_SEND} FROM sends WHERE merchant_id = $1 AND subject_id = $2 AND subject_kind = 'stray'
  ORDER BY wanted_at
""")
async def strays_of(db: Read, merchant_id: UUID, order_id: UUID) -> list[ChainSend]:
    """Sweeps of other tokens and coins that somebody wanted, the oldest first."""


@CHAIN.statement(f"SELECT {_SEND} FROM sends WHERE hash = ANY($1) ORDER BY send_id")
async def sends_in(db: Read, hashes: Sequence[bytes]) -> list[ChainSend]:
    """The sends in these transactions, in the order in which they are carried."""


@CHAIN.statement(f"""
SELECT {_SEND} FROM sends WHERE chain = $1 AND state IN ('done', 'failed') AND NOT reported
  AND send_id > $2
ORDER BY send_id LIMIT $3
""")
async def unreported(db: Read, chain: int, after: UUID, limit: int) -> list[ChainSend]:
    """Finished sends behind that one which have not been reported yet."""


@CHAIN.statement("UPDATE sends SET reported = true WHERE send_id = $1")
async def mark_reported(db: Tx, send_id: UUID) -> None: ...


@CHAIN.statement(
    f"SELECT {_SEND} FROM sends WHERE state IN ('failed', 'held') ORDER BY wanted_at DESC LIMIT $1"
)
async def stuck(db: Read, limit: int) -> list[ChainSend]:
    """The newest first, of all chains."""


@CHAIN.statement(
    "UPDATE sends SET state = 'signed', hash = $2 WHERE send_id = ANY($1) AND state IN ('wanted', "
    "'signed')"
)
async def mark_signed(db: Tx, send_ids: Sequence[UUID], hash: bytes) -> Written:
    """Marks the sends as being in that transaction from here on."""


@CHAIN.statement(
    "UPDATE sends SET state = 'done', hash = $2 WHERE send_id = ANY($1) AND state IN ('signed', "
    "'held')"
)
async def mark_done(db: Tx, send_ids: Sequence[UUID], hash: bytes) -> None:
    """`hash`: of the transaction that is mined at depth, whichever of its number it is."""


@CHAIN.statement(
    "UPDATE sends SET state = 'done', hash = $2, went_at = $3 WHERE send_id = $1 AND state = 'held'"
)
async def mark_went(db: Tx, send_id: UUID, hash: bytes, now: datetime) -> None:
    """A person says that a held one went by this transaction."""


@CHAIN.statement("""
UPDATE sends SET state = 'held', why = $4
WHERE kind = 'transfer' AND (chain = $1 AND source = $2 AND state = 'wanted' OR hash = ANY($3)
  AND state = 'signed')
""")
async def hold_transfers(
    db: Tx, chain: int, source: bytes, lost: Sequence[bytes], why: str
) -> Written:
    """Holds transfers that an unknown transaction of this wallet may have sent already."""


@CHAIN.statement(
    "UPDATE sends SET state = 'wanted', hash = NULL WHERE hash = ANY($1) AND state = 'signed'"
)
async def want_lost(db: Tx, lost: Sequence[bytes]) -> None:
    """Wants again what went by none of these transactions, and sweeps: one that went already moves
    nothing."""


@CHAIN.statement("""
UPDATE sends SET state = 'failed', why = $2, hash = coalesce($3, hash)
WHERE send_id = ANY($1) AND state IN ('wanted', 'signed')
""")
async def mark_failed(db: Tx, send_ids: Sequence[UUID], why: str, hash: bytes | None) -> None:
    """Marks sends as failed for good, under their ids."""


@CHAIN.statement("""
UPDATE sends SET state = 'wanted', hash = NULL, why = NULL, reported = false
WHERE send_id = $1 AND state IN ('failed', 'held')
""")
async def want_again(db: Tx, send_id: UUID) -> None:
    """A person has looked: it did not go."""


@CHAIN.statement("""
SELECT (SELECT coalesce(sum(s.value), 0) FROM transactions t JOIN sends s ON s.hash = t.hash
    WHERE t.chain = $1 AND t.signed_at > $3 AND s.channel = $2 AND s.kind = 'transfer'
      AND s.state IN ('signed', 'done') AND s.went_at IS NULL)
  + (SELECT coalesce(sum(value), 0) FROM sends
    WHERE chain = $1 AND channel = $2 AND (state = 'held' OR went_at > $3))
""")
async def sent_since(db: Read, chain: int, channel: str, since: datetime) -> Decimal:
    """The amount that left the custody wallet by this channel, is on its way, or may have gone.
    What went by a transaction that is not ours counts from when a person said so."""


class ChainTransaction(NamedTuple):
    """A signed transaction. `number`: the sender's nonce; fees in the coin's base units. `lost`: a
    transaction that we do not know took its number. `block`: in which it was mined or reverted."""

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
    state: Literal["signed", "mined", "reverted", "replaced", "lost"] = "signed"
    block: int | None = None


_TRANSACTION = columns_of(ChainTransaction)


@CHAIN.statement(f"""
INSERT INTO transactions ({_TRANSACTION}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
""")
async def keep_transaction(db: Tx, transaction: ChainTransaction) -> None:
    """Stores a transaction before it is broadcast."""


@CHAIN.statement(f"""
SELECT {_TRANSACTION} FROM transactions WHERE chain = $1 AND sender = $2 AND state = 'signed'
  ORDER BY number, signed_at
""")
async def open_transactions(db: Read, chain: int, sender: bytes) -> list[ChainTransaction]:
    """Undecided transactions, the lowest nonce first."""


@CHAIN.statement(f"""
SELECT {_TRANSACTION} FROM transactions
WHERE chain = $1 AND sender = $2 AND number >= $3 AND state IN ('mined', 'reverted', 'replaced')
ORDER BY number, signed_at LIMIT $4
""")
async def closed_transactions(
    db: Read, chain: int, sender: bytes, first: int, limit: int
) -> list[ChainTransaction]:
    """Decided transactions from this nonce on."""


@CHAIN.statement("""
UPDATE transactions SET state = CASE WHEN hash = $4 THEN $5 ELSE 'replaced' END,
  paid = CASE WHEN hash = $4 THEN $6::numeric END, block = CASE WHEN hash = $4 THEN $7::bigint END
WHERE chain = $1 AND sender = $2 AND number = $3 AND state = 'signed'
""")
async def close_number(
    db: Tx,
    chain: int,
    sender: bytes,
    number: int,
    hash: bytes,
    state: str,
    paid: Decimal,
    block: int,
) -> None:
    """Closes a number: one of its transactions is mined at depth, the others never can be. `paid`:
    for its gas."""


@CHAIN.statement("""
UPDATE transactions SET state = 'signed', paid = NULL, block = NULL, signed_block = $4
WHERE chain = $1 AND sender = $2 AND hash = ANY($3) AND state IN ('mined', 'reverted', 'replaced')
""")
async def open_again(db: Tx, chain: int, sender: bytes, hashes: Sequence[bytes], head: int) -> None:
    """Opens transactions that are in no block any more. They wait from here on, before one is
    replaced by a dearer one."""


@CHAIN.statement("""
UPDATE sends SET state = 'signed', why = NULL, reported = false
WHERE hash = ANY($1) AND (state = 'done' AND went_at IS NULL OR state = 'failed' AND kind = 'sweep')
""")
async def take_back(db: Tx, hashes: Sequence[bytes]) -> None:
    """Puts what these transactions sent on its way again. A transfer that failed may have been
    wanted again: it does not come here."""


@CHAIN.statement("""
UPDATE transactions SET state = 'lost' WHERE chain = $1 AND sender = $2 AND number < $3
  AND state = 'signed'
RETURNING hash
""")
async def lose_numbers(db: Tx, chain: int, sender: bytes, below: int) -> list[bytes]:
    """Transactions that we do not know took them."""


@CHAIN.statement(
    "UPDATE transactions SET state = 'replaced' WHERE chain = $1 AND hash = $2 AND state = 'signed'"
)
async def expire_transaction(db: Tx, chain: int, hash: bytes) -> None:
    """Expires a transaction that no block can take any more."""


@CHAIN.statement("SELECT hash FROM transactions WHERE chain = $1 AND hash = ANY($2)")
async def known_transactions(db: Read, chain: int, hashes: Sequence[bytes]) -> list[bytes]:
    """The hashes that were signed here."""


@CHAIN.statement("""
SELECT count(*) FROM transactions WHERE chain = $1 AND sender = $2 AND state = 'reverted'
  AND signed_at > $3
""")
async def reverted_since(db: Read, chain: int, sender: bytes, since: datetime) -> int:
    """Counts the key's transactions that moved nothing and cost their fee."""


class ChainSender(NamedTuple):
    """A key. `begins`: whatever the chain has of lower numbers, a person has accounted for.
    `halted`: why it signs nothing; `trouble`: what keeps it from sending, or soon will; `last`,
    `mined`: the numbers of the last that was signed, and that is mined for good; `signed_block`:
    the head when it last signed."""

    chain: int
    sender: bytes
    begins: int
    halted: str | None
    trouble: str | None
    troubled_at: datetime | None
    last: int | None
    mined: int | None
    signed_block: int | None


_SENDER = """
SELECT s.chain, s.sender, begins, halted, trouble, troubled_at, t.number AS last,
  (SELECT max(number) FROM transactions m
    WHERE m.chain = s.chain AND m.sender = s.sender AND m.state IN ('mined', 'reverted')) AS mined,
      t.signed_block
FROM senders s LEFT JOIN LATERAL (
  SELECT number, signed_block FROM transactions t WHERE t.chain = s.chain AND t.sender = s.sender
  ORDER BY number DESC, signed_at DESC LIMIT 1) t ON true
"""


@CHAIN.statement(f"{_SENDER} WHERE s.chain = $1 AND s.sender = $2")
async def sender_of(db: Read, chain: int, sender: bytes) -> ChainSender | None:
    """The sender of a chain and key; None before it has begun."""


@CHAIN.statement(f"{_SENDER} ORDER BY s.chain, s.sender")
async def senders(db: Read) -> list[ChainSender]:
    """All keys, of all chains."""


@CHAIN.statement("SELECT coalesce(sum(paid), 0) FROM transactions WHERE chain = $1 AND sender = $2")
async def gas_of(db: Read, chain: int, sender: bytes) -> Decimal:
    """The cost so far of a key's transactions, in the chain's coin. It reads all of them."""


@CHAIN.statement("""
INSERT INTO senders (chain, sender, begins) VALUES ($1, $2, $3)
ON CONFLICT (chain, sender) DO UPDATE SET begins = greatest(senders.begins, excluded.begins),
  halted = CASE WHEN $4 THEN NULL ELSE senders.halted END
""")
async def begin_sender(db: Tx, chain: int, sender: bytes, begins: int, lift: bool = False) -> None:
    """Begins a sender whose transactions are ours from this number on: a person says so, or the
    chain has none of it. `lift`: a person has looked at what halted it."""


@CHAIN.statement("""
INSERT INTO senders (chain, sender, begins, halted) VALUES ($1, $2, 0, $3)
ON CONFLICT (chain, sender) DO UPDATE SET halted = excluded.halted
""")
async def halt_sender(db: Tx, chain: int, sender: bytes, why: str) -> None:
    """Halts a key: it signs nothing before a person has looked."""


@CHAIN.statement("""
UPDATE senders SET trouble = $3, troubled_at = $4 WHERE chain = $1 AND sender = $2
  AND trouble IS DISTINCT FROM $3
""")
async def note_trouble(
    db: Tx, chain: int, sender: bytes, trouble: str | None, at: datetime
) -> Written:
    """Stores the trouble; None clears it. Returns whether it changed."""


@CHAIN.statement("SELECT pg_try_advisory_lock(hashtextextended($1, 38))")
async def lock_sender(db: Tx, name: str) -> bool:
    """Takes the lock for the life of the connection, unless another process has it."""


async def take_sender(db: Tx, chain: int, sender: bytes, holder: UUID, at: datetime) -> bool:
    """Takes the key, unless another process of this server has the lock."""
    is_ours = await lock_sender(db, f"sender {chain} {sender.hex()}")
    if is_ours:
        await hold_sender(db, chain, sender, holder, at)
    return is_ours


async def check_held(tx: Tx, chain: int, sender: bytes, holder: UUID) -> None:
    """Raises: InterfaceError, as for a lock that was lost, where another process took the key."""
    if not await holds_sender(tx, chain, sender, holder):
        raise asyncpg.InterfaceError("another process took the key")


@CHAIN.statement("""
INSERT INTO sender_holders (chain, sender, holder, since) VALUES ($1, $2, $3, $4)
ON CONFLICT (chain, sender) DO UPDATE SET holder = EXCLUDED.holder, since = EXCLUDED.since
""")
async def hold_sender(db: Tx, chain: int, sender: bytes, holder: UUID, at: datetime) -> None:
    """Takes the key, from whom has it: waits for what that one is just signing."""


@CHAIN.statement("""
SELECT true FROM sender_holders WHERE chain = $1 AND sender = $2 AND holder = $3 FOR UPDATE
""")
async def holds_sender(db: Tx, chain: int, sender: bytes, holder: UUID) -> bool:
    """True for who took it last, until the transaction ends."""


@CHAIN.statement("SELECT pg_advisory_unlock_all()")
async def unlock_senders(db: Tx) -> None:
    """Gives up what the connection holds, at once: a server notices a closed one a moment later."""


@MERCHANT.statement("""
UPDATE deposit_addresses SET refund_to = $3, refund_by = $4
WHERE merchant_id = $1 AND order_id = $2 AND ($4 = 'merchant' OR refund_by IS DISTINCT
  FROM 'merchant')
  AND NOT EXISTS (SELECT FROM refund_requests q WHERE q.merchant_id = $1 AND q.order_id = $2
    AND q.state = 'waiting')
""")
async def name_refund_address(
    db: Tx, merchant_id: UUID, order_id: UUID, address: bytes, by: str
) -> Written:
    """A refund that goes elsewhere already stays as it is. Nothing where the payer's word would
    replace the merchant's, nor while a refund waits for a second person."""


@stored("refund_destinations")
class RefundDestination(Row):
    """Fixed with the refund, or with the request that becomes it. `given_by`: whose word it is."""

    merchant_id: UUID
    modification_id: UUID
    order_id: UUID
    address: Hex
    given_by: Literal["merchant", "payer"]


@MERCHANT.statement(insert_of(RefundDestination) + "RETURNING 1")
async def add_destinations(db: Tx, rows: Sequence[RefundDestination]) -> None:
    """Stored together with their refunds."""


class WaitingDestination(Row):
    request_id: UUID
    address: bytes
    kind: Kind


@MERCHANT.statement("""
SELECT q.request_id, d.address, a.kind FROM refund_requests q
JOIN refund_destinations d ON d.merchant_id = q.merchant_id AND d.modification_id = q.request_id
JOIN deposit_addresses a ON a.merchant_id = q.merchant_id AND a.order_id = q.order_id
WHERE q.merchant_id = $1 AND q.order_id = ANY($2) AND q.state = 'waiting'
""")
async def waiting_destinations(
    db: Read, merchant_id: UUID, order_ids: Sequence[UUID]
) -> list[WaitingDestination]:
    """Destinations of these orders' refunds that wait for a second person."""


class RefundWay(Row):
    """A refund by the id under which it is sent, and where it goes; None: nobody has said."""

    merchant_id: UUID
    modification_id: UUID
    address: bytes | None


@MERCHANT.statement("""
SELECT m.merchant_id, m.modification_id, d.address
FROM modifications m LEFT JOIN refund_destinations d ON d.merchant_id = m.merchant_id
  AND d.modification_id = coalesce(m.piece_of, m.modification_id)
WHERE m.merchant_id = $1 AND m.order_id = $2 AND coalesce(m.send_id, m.modification_id) = $3
""")
async def refund_way(
    db: Read, merchant_id: UUID, order_id: UUID, wire_id: UUID
) -> RefundWay | None:
    """The way of a refund; None for what is no refund of this order."""

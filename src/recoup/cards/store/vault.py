"""Cards into the vault: prints, sealed numbers, codes that live for an hour. Set-based, inserts
only."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.db.operation import rekeying
from recoup.db.statement import HUB, MERCHANT, Read, Row, Tx, Written
from recoup.db.table import Hex, stored
from recoup.kernel.feature import Place
from recoup.outside.keys.sealing import Sealed

CVV_KEPT = timedelta(hours=1)
NUMBERS_KEPT: Final = timedelta(days=760)  # longer than networks and disputes look back
# SQL: a row of the vault (v) is kept for something else than orders.
KEPT_FOR: Final = Place[str]("kept_for")

Print = tuple[str, bytes]


# Of all prints of a number (keys rotate) the one that is known decides which card it is; a new
# number takes the id offered. A race for the same new number is settled by reading again.
async def find_prints(db: Read, prints: Sequence[Print]) -> dict[Print, UUID]:
    """Finds the fingerprints that are known, each with its card."""
    rows = await _find_prints(db, [p[0] for p in prints], [p[1] for p in prints])
    return {(row.key_id, row.print): row.card_id for row in rows}


class _KnownPrint(Row, frozen=True):
    key_id: str
    print: bytes
    card_id: UUID


@HUB.statement("""
SELECT key_id, print, card_id FROM card_prints
WHERE (key_id, print) IN (SELECT * FROM unnest($1::text[], $2::bytea[]))
""")
async def _find_prints(
    db: Read, key_ids: Collection[str], prints: Collection[bytes]
) -> list[_KnownPrint]:
    """Pairs of key and print."""


async def add_prints(db: Tx, prints: Sequence[tuple[str, bytes, UUID]]) -> None:
    """Adds fingerprints. What is known already stays as it is."""
    await _add_prints(db, [p[0] for p in prints], [p[1] for p in prints], [p[2] for p in prints])


@HUB.statement("""
INSERT INTO card_prints (key_id, print, card_id)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::uuid[]) ORDER BY 1, 2
ON CONFLICT DO NOTHING
""")
async def _add_prints(
    db: Tx, key_ids: Collection[str], prints: Collection[bytes], cards: Collection[UUID]
) -> None:
    """Key, print and card of each."""


@stored("vault")
class StoredCard(Row, frozen=True):
    """Card stored in the vault. Nothing is sealed of one that its processor keeps."""

    merchant_id: UUID
    token_id: UUID
    pan_id: UUID
    magic: str | None
    scheme: str
    bin: str
    last4: str
    exp_month: int
    exp_year: int
    kek_id: str | None
    wrapped_dek: Hex | None
    nonce: Hex | None
    ciphertext: Hex | None
    created_at: datetime
    issuer_digits: str


@stored("cvv_once")
class StoredCode(Row, frozen=True):
    merchant_id: UUID
    token_id: UUID
    kek_id: str
    wrapped_dek: Hex
    nonce: Hex
    ciphertext: Hex
    created_at: datetime


@MERCHANT.statement("SELECT store_cards($1, $2)")
async def store_cards(db: Tx, cards: Sequence[StoredCard], codes: Sequence[StoredCode]) -> None: ...


@MERCHANT.statement("""
SELECT kek_id, wrapped_dek, nonce, ciphertext FROM cvv_once WHERE merchant_id = $1 AND token_id = $2
""")
async def find_code(db: Read, merchant_id: UUID, token_id: UUID) -> Sealed | None:
    """A card's security code; None when it was used, or is over."""


async def note_issuers(db: Tx, cards: Sequence[tuple[UUID, UUID, str]]) -> None:
    """The issuer's digits of cards that came before these were kept: merchant, token, digits."""
    if cards:
        merchants, tokens, digits = zip(*cards, strict=True)
        await _note_issuers(db, merchants, tokens, digits)


@MERCHANT.statement("""
UPDATE vault v SET issuer_digits = k.digits
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS k (merchant_id, token_id, digits)
WHERE v.merchant_id = k.merchant_id AND v.token_id = k.token_id AND v.issuer_digits = ''
  AND k.token_id = ANY (ARRAY[k.token_id])  -- true; see `write_changes`
""")
async def _note_issuers(
    db: Tx, merchants: Collection[UUID], tokens: Collection[UUID], digits: Collection[str]
) -> None:
    """Notes the issuers' digits where none are kept."""


@MERCHANT.statement("DELETE FROM cvv_once WHERE created_at < $1")
async def forget_codes(db: Tx, before: datetime) -> None:
    """Whosever they are."""


@MERCHANT.statement("""
UPDATE vault SET exp_month = $3, exp_year = $4, last4 = coalesce(nullif($5, ''), last4)
WHERE merchant_id = $1 AND token_id = $2
""")
async def renew_card(
    db: Tx, merchant_id: UUID, token_id: UUID, exp_month: int, exp_year: int, last4: str
) -> None:
    """Renews a card as the network's updater says."""


class CardExpiry(Row, frozen=True):
    """`pan_id`: which card it is."""

    pan_id: UUID
    exp_month: int
    exp_year: int


@MERCHANT.statement(
    "SELECT pan_id, exp_month, exp_year FROM vault WHERE merchant_id = $1 AND token_id = $2"
)
async def expiry_of_card(db: Read, merchant_id: UUID, token_id: UUID) -> CardExpiry | None: ...


class WrappedCard(Sealed):
    merchant_id: UUID
    token_id: UUID
    pan_id: UUID
    issuer_digits: str


@MERCHANT.statement("""
SELECT kek_id, wrapped_dek, nonce, ciphertext, merchant_id, token_id, pan_id, issuer_digits
  FROM vault
WHERE (merchant_id, token_id) > ($1, $2) AND kek_id IS NOT NULL ORDER BY merchant_id, token_id
  LIMIT $3
""")
async def _cards(
    db: Read, after_merchant: UUID, after_token: UUID, limit: int
) -> list[WrappedCard]: ...


async def card_page(db: Read, after: tuple[UUID, UUID]) -> list[WrappedCard]:
    return await _cards(db, *after, rekeying.PAGE)


@MERCHANT.statement("""
UPDATE vault v SET kek_id = $1, wrapped_dek = n.wrapped_dek
FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bytea[]) AS n(merchant_id, token_id, kek_id,
  wrapped_dek)
WHERE v.merchant_id = n.merchant_id AND v.token_id = n.token_id AND v.kek_id = n.kek_id
""")
async def _rewrap(
    db: Tx,
    current: str,
    merchant_ids: Sequence[UUID],
    token_ids: Sequence[UUID],
    kek_ids: Sequence[str],
    wrapped: Sequence[bytes],
) -> None: ...


async def rewrap_cards(db: Tx, current: str, cards: Sequence[tuple[WrappedCard, bytes]]) -> None:
    """`cards`: each as it was found, and its key wrapped by the current one."""
    await _rewrap(
        db,
        current,
        [card.merchant_id for card, _ in cards],
        [card.token_id for card, _ in cards],
        [card.kek_id for card, _ in cards],
        [wrapped for _, wrapped in cards],
    )


_GONE: Final = "kek_id = NULL, wrapped_dek = NULL, nonce = NULL, ciphertext = NULL"
_ENDED: Final = "ARRAY['completed', 'declined', 'cancelled', 'expired']"
_NEEDED: Final = f"""EXISTS (
  SELECT FROM current_orders o LEFT JOIN advances x USING (merchant_id, order_id)
  WHERE o.merchant_id = v.merchant_id AND o.pan_id::text = v.pan_id::text
    AND (o.stage <> ALL({_ENDED}) OR x.state = 'due'{{more}}))
"""
# A run looks at a share of the vault, another each day.
SHARES: Final = 16


def _forget_sql() -> str:
    kept = "".join(f" AND NOT {condition}" for condition in KEPT_FOR)
    return f"""
UPDATE vault SET {_GONE} WHERE ctid IN (
  SELECT v.ctid FROM vault v WHERE v.kek_id IS NOT NULL AND v.created_at < $1
    AND get_byte(uuid_send(v.token_id), 15) % {SHARES}
      = extract(epoch FROM $1::timestamptz)::bigint / 86400 % {SHARES}
    AND NOT {_NEEDED.format(more=" OR o.placed_at >= $1")}{kept}
  LIMIT $2)
"""


@MERCHANT.statement(_forget_sql)
async def forget_numbers(db: Tx, before: datetime, limit: int) -> Written:
    """Numbers of cards that no order had since, of the day's share of them; who a card is, and its
    last digits, stay."""


@MERCHANT.statement(f"""
UPDATE vault v SET {_GONE}
WHERE v.merchant_id = $1 AND v.kek_id IS NOT NULL
  AND v.pan_id = ANY(ARRAY(SELECT unnest(cards_of_nobody_else($1, $2))))
  AND NOT {_NEEDED.format(more="")}
  AND NOT EXISTS (SELECT FROM current_orders o WHERE o.merchant_id = $1
    AND o.order_id = ANY($2::uuid[]) AND o.stage <> ALL({_ENDED})
    AND v.pan_id = ANY(o.cards_before))
""")
async def erase_numbers(db: Tx, merchant_id: UUID, order_ids: Sequence[UUID]) -> None:
    """Numbers of the cards that these orders have or had, by whichever token, that nobody else's
    order has, unless one is still to be charged."""


@MERCHANT.statement("SELECT count(*) FROM vault WHERE kek_id IS NOT NULL")
async def count_cards(db: Read) -> int: ...

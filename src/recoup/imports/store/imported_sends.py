"""Past attempts that name cards: which cards they are, and as what they count in the networks'
limits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from recoup.cards.store.joined_cards import SAME_CARDS
from recoup.db.statement import HUB, MERCHANT, Read, Row, Tx, columns_of
from recoup.kit.proofs.walk import STATEMENT_SECONDS
from recoup.rescue.store.evidence import CLAIMS_READ, SENDS_READ


class HeldCard(Row, frozen=True):
    """`magic`: of the sandbox, where each order has a card of its own."""

    token_id: UUID
    pan_id: UUID
    scheme: str
    magic: str | None


@MERCHANT.statement(
    "SELECT token_id, pan_id, scheme, magic FROM vault WHERE merchant_id = $1 AND token_id = "
    "ANY($2::uuid[])"
)
async def held_cards_named(
    db: Read, merchant_id: UUID, token_ids: Sequence[UUID]
) -> list[HeldCard]:
    """Cards of those of these tokens that are this merchant's; stored methods are among them."""


class WaitingSend(Row, frozen=True):
    """An attempt that was taken over and is not counted yet. `card_id` None: its customer was
    erased since. `known_as`: the send that it was taken for."""

    import_id: UUID
    provider: str
    ref: str
    card_id: UUID | None
    send_id: UUID
    acceptor_id: str
    initiator: Literal["merchant", "customer"]
    scheme: str
    at: datetime
    units: int
    asset: str
    state: str
    source: str
    scheme_code: str
    advice_code: str
    processor_code: str
    phrase: str
    known_as: UUID | None


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT {columns_of(WaitingSend)}
FROM imported_attempts WHERE merchant_id = $1 AND import_id = $2 AND counted = 'waits'
ORDER BY provider, ref LIMIT $3
""")
async def waiting_sends(
    db: Read, merchant_id: UUID, import_id: UUID, limit: int
) -> list[WaitingSend]:
    """Attempts that wait to be counted. Under the import's lock."""


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT {columns_of(WaitingSend)}
FROM imported_attempts WHERE merchant_id = $1 AND known_as = ANY($2::uuid[]) ORDER BY known_as
""")
async def taken_for(db: Read, merchant_id: UUID, send_ids: Sequence[UUID]) -> list[WaitingSend]:
    """Attempts that each of these sends was taken for. Under the lock of the only import that is
    taken over."""


@MERCHANT.within(STATEMENT_SECONDS).statement(
    "UPDATE imported_attempts SET known_as = NULL WHERE merchant_id = $1 AND known_as = "
    "ANY($2::uuid[])"
)
async def release_sends(db: Tx, merchant_id: UUID, send_ids: Sequence[UUID]) -> None:
    """Frees these sends before others are taken for them."""


@MERCHANT.within(STATEMENT_SECONDS).statement("""
UPDATE imported_attempts a SET counted = k.counted, known_as = k.known_as
FROM unnest($2::text[], $3::text[], $4::text[], $5::uuid[]) AS k (provider, ref, counted, known_as)
WHERE a.merchant_id = $1 AND a.provider = k.provider AND a.ref = k.ref
""")
async def mark_counted(
    db: Tx,
    merchant_id: UUID,
    providers: Sequence[str],
    refs: Sequence[str],
    counted: Sequence[str],
    known_as: Sequence[UUID | None],
) -> None:
    """`known_as`: the sends that they are."""


@MERCHANT.statement(
    "UPDATE imports SET counted_count = counted_count + $3 WHERE merchant_id = $1 AND import_id = "
    "$2"
)
async def add_counted(db: Tx, merchant_id: UUID, import_id: UUID, sends: int) -> None: ...


class MerchantSend(Row, frozen=True):
    """`named`: the card by which it was looked for."""

    named: UUID
    send_id: UUID
    at: datetime
    units: int
    currency: str
    imported: bool


@HUB.within(STATEMENT_SECONDS).statement(f"""
SELECT k.card_id AS named, s.send_id, s.at, s.units, s.currency, s.imported
  FROM unnest($1::uuid[]) AS k (card_id)
CROSS JOIN LATERAL {SAME_CARDS.format("k.card_id")} same
  CROSS JOIN unnest(same.cards) AS c (card_id)
CROSS JOIN LATERAL (
  (SELECT send_id, at, units, currency, imported FROM network_sends WHERE card_id = c.card_id
    AND NOT claimed
    AND merchant_id = $2 AND state <> 'not_sent' AND at > $3 ORDER BY at DESC LIMIT {SENDS_READ})
  UNION ALL (SELECT send_id, at, units, currency, imported FROM network_sends
    WHERE card_id = c.card_id AND claimed
    AND merchant_id = $2 AND state <> 'not_sent' AND at > $3 ORDER BY at DESC
      LIMIT {CLAIMS_READ})) s
""")
async def merchant_sends(
    db: Read, cards: Sequence[UUID], merchant_id: UUID, since: datetime
) -> list[MerchantSend]:
    """The merchant's sends of these cards, sent here or reported. Under the cards' locks."""

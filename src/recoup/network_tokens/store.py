"""Network tokens of cards: one for each card of a merchant, its number sealed in the vault."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.cards.store.vault import renew_card
from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.kernel.facet import Facet
from recoup.network_tokens.rules import TokenFacts, TokenStanding
from recoup.outside.keys.sealing import Sealed
from recoup.processors.rules.credential import TokenState

# An empty object where the merchant uses tokens and the card has none.
OF_CARD: Final[Facet[TokenFacts | None]] = Facet(
    "network_tokens",
    sql="""
  CASE WHEN v.kek_id IS NOT NULL AND EXISTS (SELECT FROM notice_settings n
      WHERE n.merchant_id = o.merchant_id AND n.notice = 'network_tokens' AND n.enabled)
    THEN coalesce((
    SELECT to_jsonb(t) || coalesce((SELECT to_jsonb(w) - '{merchant_id,token_id,pan_id}'::text[]
      FROM vault w
      WHERE w.merchant_id = t.merchant_id AND w.token_id = t.network_token_id), '{}')
    FROM network_tokens t WHERE t.merchant_id = o.merchant_id AND t.pan_id = o.pan_id), '{}')
  END""",
    row=TokenFacts,
    none=None,
    needs=frozenset({"cards", "tokens"}),
)


# A token is no card number: it lives as long as its service says.
IN_VAULT: Final = """EXISTS (SELECT FROM network_tokens n WHERE n.merchant_id = v.merchant_id
  AND n.network_token_id = v.token_id)"""


class NetworkTokenRow(Row, frozen=True):
    pan_id: UUID
    network_token_id: UUID
    token_id: UUID
    service: str
    state: TokenStanding
    requested_at: datetime
    deletion_owed: bool


class CardOfToken(Sealed):
    """A card of the vault that a token may be made for, with what is known of its merchant.
    `wants`: the merchant uses network tokens."""

    pan_id: UUID
    scheme: str
    magic: str | None
    exp_month: int
    exp_year: int
    issuer_digits: str
    acceptor_id: str
    offset_us: int
    wants: bool


@MERCHANT.statement("""
SELECT v.kek_id, v.wrapped_dek, v.nonce, v.ciphertext, v.pan_id, v.scheme, v.magic, v.exp_month,
  v.exp_year,
  v.issuer_digits, m.acceptor_id, m.offset_us,
  EXISTS (SELECT FROM notice_settings n WHERE n.merchant_id = v.merchant_id
    AND n.notice = 'network_tokens'
    AND n.enabled) AS wants
FROM vault v JOIN merchants m USING (merchant_id)
WHERE v.merchant_id = $1 AND v.token_id = $2 AND v.kek_id IS NOT NULL
""")
async def card_of_token(db: Read, merchant_id: UUID, token_id: UUID) -> CardOfToken | None:
    """The card that a network token is made for; None for a card that its processor keeps."""


@MERCHANT.statement("""
SELECT t.pan_id, t.network_token_id, t.token_id, t.service, t.state, t.requested_at, t.deletion_owed
FROM orders o JOIN network_tokens t ON t.merchant_id = o.merchant_id AND t.pan_id = o.pan_id
WHERE o.merchant_id = $1 AND o.order_id = $2 AND NOT t.deletion_owed
""")
async def token_of_order(db: Read, merchant_id: UUID, order_id: UUID) -> NetworkTokenRow | None:
    """The network token of the order's card."""


@MERCHANT.statement("""
SELECT pan_id, network_token_id, token_id, service, state, requested_at, deletion_owed
  FROM network_tokens
WHERE merchant_id = $1 AND network_token_id = $2
""")
async def find_network_token(
    db: Read, merchant_id: UUID, network_token_id: UUID
) -> NetworkTokenRow | None: ...


@MERCHANT.statement("""
INSERT INTO network_tokens AS t (merchant_id, pan_id, token_id, network_token_id, service, state,
  requested_at,
  changed_at)
VALUES ($1, $2, $3, $4, $5, 'requested', $6, $6)
ON CONFLICT (merchant_id, pan_id) DO UPDATE SET requested_at = excluded.requested_at,
  service = excluded.service
WHERE t.state = 'requested'
RETURNING pan_id, network_token_id, token_id, service, state, requested_at, deletion_owed
""")
async def claim_network_token(
    db: Tx,
    merchant_id: UUID,
    pan_id: UUID,
    token_id: UUID,
    network_token_id: UUID,
    service: str,
    now: datetime,
) -> NetworkTokenRow | None:
    """The card's one; None where the service has answered. Of one that is requested its id stays.
    Wall time."""


@MERCHANT.statement("""
UPDATE network_tokens SET state = $3, requestor_id = $4, changed_at = $5
WHERE merchant_id = $1 AND network_token_id = $2 AND state = 'requested'
RETURNING network_token_id
""")
async def keep_network_token(
    db: Tx,
    merchant_id: UUID,
    network_token_id: UUID,
    state: TokenStanding,
    requestor_id: str | None,
    now: datetime,
) -> UUID | None:
    """Stores the service's answer, once. None where it is not waited for any more: the card's
    customer was erased. Wall time."""


# Of two erasures of one card the second waits here, and sees then what the first has erased.
@MERCHANT.statement("""
SELECT FROM network_tokens WHERE merchant_id = $1 AND pan_id = ANY (ARRAY(
  SELECT pan_id FROM orders WHERE merchant_id = $1 AND order_id = ANY($2::uuid[])))
ORDER BY pan_id FOR UPDATE
""")
async def _lock_tokens(db: Tx, merchant_id: UUID, order_ids: Sequence[UUID]) -> None: ...


@MERCHANT.statement("""
UPDATE network_tokens SET deletion_owed = true
WHERE merchant_id = $1 AND state IN ('requested', 'active', 'suspended')
  AND pan_id = ANY (cards_of_nobody_else($1, $2::uuid[]))
RETURNING network_token_id
""")
async def _owe_deletions(db: Tx, merchant_id: UUID, order_ids: Sequence[UUID]) -> list[UUID]: ...


async def owe_deletions(db: Tx, merchant_id: UUID, order_ids: Sequence[UUID]) -> list[UUID]:
    """Marks the tokens of these orders' cards for deletion, before the orders are erased, and
    returns their ids. A card that another order has, too, whose customer is not erased, keeps its
    token."""
    await _lock_tokens(db, merchant_id, order_ids)
    return await _owe_deletions(db, merchant_id, order_ids)


@MERCHANT.statement("SELECT erase_tokens($1, $2)")
async def erase_tokens(db: Tx, merchant_id: UUID, order_ids: Sequence[UUID]) -> None: ...


@MERCHANT.statement("""
UPDATE network_tokens SET deletion_owed = true
WHERE merchant_id = $1 AND network_token_id = $2 AND state = 'deleted'
""")
async def owe_deletion(db: Tx, merchant_id: UUID, network_token_id: UUID) -> None:
    """Marks for deletion a token that its service made after its customer was erased."""


@MERCHANT.statement("""
UPDATE network_tokens SET deletion_owed = $4, deletion_answer = $3 WHERE merchant_id = $1
  AND network_token_id = $2
""")
async def keep_deletion(
    db: Tx, merchant_id: UUID, network_token_id: UUID, answer: str, still_owed: bool
) -> None: ...


@MERCHANT.statement(
    "SELECT count(*) FROM network_tokens WHERE deletion_owed AND deletion_answer IS NOT NULL"
)
async def count_undeleted(db: Read) -> int:
    """Counts the undeleted tokens of all merchants whose service did not answer for so long that it
    is not asked any more."""


async def set_standing(
    db: Tx,
    merchant_id: UUID,
    network_token_id: UUID,
    state: TokenState | None,
    expiry: tuple[int, int] | None,
    now: datetime,
) -> None:
    """Sets the token's state and expiry, as its service or a processor reports them; None: not
    reported. A deleted token stays deleted. Wall time."""
    if state is not None:
        await _set_state(db, merchant_id, network_token_id, state, now)
    if expiry is not None and await _stands(db, merchant_id, network_token_id):
        await renew_card(db, merchant_id, network_token_id, *expiry, "")


@MERCHANT.statement("""
SELECT true FROM network_tokens
WHERE merchant_id = $1 AND network_token_id = $2 AND state IN ('active', 'suspended')
""")
async def _stands(db: Tx, merchant_id: UUID, network_token_id: UUID) -> bool:
    """True when the token is not deleted."""


@MERCHANT.statement("""
UPDATE network_tokens SET state = $3, changed_at = $4
WHERE merchant_id = $1 AND network_token_id = $2 AND state IN ('active', 'suspended')
  AND state <> $3
""")
async def _set_state(
    db: Tx, merchant_id: UUID, network_token_id: UUID, state: TokenState, now: datetime
) -> None: ...

"""The sandbox's network tokens: its token service with a book of its own, and what the issuer is
sent for one. Test cards select how a token behaves; the book never holds a number."""

import hashlib
import hmac
from typing import Any, Final, Literal
from uuid import UUID

from recoup.networks.magic_tokens import REQUESTOR, behaviour_of, card_number, token_number
from recoup.processors.gateways.credential import Card, CredentialNews, Token
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.sandbox.connections import LOST, Connect, Connections
from recoup.processors.gateways.sandbox.methods import account_reference_of
from recoup.processors.gateways.token_service import (
    UNKNOWN,
    CryptogramRequest,
    Deletion,
    TokenAnswer,
    TokenInquiry,
    TokenRequest,
)
from recoup.processors.rules.credential import TokenState

YEARS: Final = 4  # of a token's expiry after the card's, and of each refresh
TokenChange = Literal["suspend", "resume", "delete", "refresh"]
_STATES: Final[dict[str, TokenState]] = {
    "suspend": "suspended",
    "resume": "active",
    "delete": "deleted",
}
_NUMBER_INVALID: Final = "14"


class SandboxTokens:
    """Implements `token_service.TokenService`. `mac_key` makes the book's identities."""

    name = "sandbox"
    acceptor_id = ""

    def __init__(self, source: str | Connect, mac_key: bytes) -> None:
        self._connections, self._mac_key = Connections(source, 2), mac_key

    async def close(self) -> None:
        await self._connections.close()

    async def make_token(self, request: TokenRequest) -> TokenAnswer:
        card, behaviour = request.card, behaviour_of(request.card.pan)
        number = token_number(card.pan)
        if behaviour.made != "active" or number is None:
            return TokenAnswer(behaviour.made)
        year = card.exp_year + YEARS
        later = year + behaviour.more_years
        try:
            async with self._connections.one() as connection:
                await connection.execute(
                    "INSERT INTO issuer.tokens (id, merchant_id, token_mac, state, exp_month, "
                    "exp_year,"
                    " gives_cryptogram) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                    *(
                        request.id,
                        request.merchant_id,
                        mac_of(self._mac_key, number),
                        behaviour.now,
                    ),
                    *(card.exp_month, later, behaviour.gives_cryptogram),
                )
        except LOST:
            return UNKNOWN
        return TokenAnswer(
            "active", number, card.exp_month, year, REQUESTOR, account_reference_of(card.pan)
        )

    async def standing_of(self, inquiry: TokenInquiry) -> TokenAnswer:
        row = await self._row(inquiry.id)
        if row is None:
            return UNKNOWN
        return TokenAnswer(row["state"], None, row["exp_month"], row["exp_year"], REQUESTOR)

    async def delete_token(self, inquiry: TokenInquiry) -> Deletion:
        try:
            async with self._connections.one() as connection:
                done = await connection.execute(
                    "UPDATE issuer.tokens SET state = 'deleted' WHERE id = $1 AND merchant_id = $2",
                    *(inquiry.id, inquiry.merchant_id),
                )
        except LOST:
            return "unknown"
        return "deleted" if str(done) == "UPDATE 1" else "not_known"

    async def cryptogram(self, request: CryptogramRequest) -> str | None:
        row = await self._row(request.token_id)
        if row is None or not row["gives_cryptogram"] or row["state"] != "active":
            return None
        return hashlib.sha256(f"{request.id}/{request.send}".encode()).hexdigest()[:28]

    async def change(self, token_id: UUID, change: TokenChange) -> bool:
        """Changes a token as the network does: False where there is none, or it is deleted."""
        async with self._connections.one() as connection:
            done = await connection.execute(
                "UPDATE issuer.tokens SET state = $2, exp_year = exp_year + $3 WHERE id = $1 AND "
                "state <> 'deleted'",
                *(token_id, _STATES.get(change, "active"), YEARS if change == "refresh" else 0),
            )
        return str(done) == "UPDATE 1"

    async def _row(self, token_id: UUID) -> Any:
        try:
            async with self._connections.one() as connection:
                return await connection.fetchrow(
                    "SELECT * FROM issuer.tokens WHERE id = $1", token_id
                )
        except LOST:
            return None


def mac_of(mac_key: bytes, number: str) -> bytes:
    return hmac.digest(mac_key, b"token" + number.encode(), hashlib.sha256)


async def card_of(
    connection: Any, mac_key: bytes, merchant_id: UUID, token: Token
) -> Card | Outcome:
    """The card that the issuer is sent for a token, with the token's own expiry. Where the token is
    not in use, what comes back instead: a suspended one is stopped before the issuer, a deleted one
    is no number any more."""
    number = card_number(token.number)
    state = await connection.fetchval(
        "SELECT state FROM issuer.tokens WHERE merchant_id = $1 AND token_mac = $2",
        *(merchant_id, mac_of(mac_key, token.number)),
    )
    if number is None or state is None:
        return Outcome("not_sent", text="no such network token", fault="credential")
    if state == "suspended":
        news = CredentialNews(standing="suspended")
        return Outcome(
            "not_sent",
            text="the network token is suspended",
            fault="credential",
            credential_news=news,
        )
    if state == "deleted":
        news = CredentialNews(standing="deleted")
        return Outcome(
            "declined", scheme_code=_NUMBER_INVALID, text="no such number", credential_news=news
        )
    return Card(number, token.exp_month, token.exp_year, token.scheme)

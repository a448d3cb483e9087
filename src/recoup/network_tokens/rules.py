"""Choice of the number that an attempt is sent with, the card's or its network token's, and what
follows where the token is not valid any more. Pure.

A token is made for a card and counts as that card in every limit. It goes to each route that takes
network tokens, until it fails for reasons of its own: then the order goes on by the card's number.
"""

from collections.abc import Mapping
from dataclasses import asdict, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kernel.time import BusinessTime
from recoup.networks.card import is_expired
from recoup.networks.challenge import PURPOSE
from recoup.networks.codes import Reading
from recoup.networks.tables import KNOWLEDGE_VERSION
from recoup.orders.rules.card_facts import sealed_of
from recoup.orders.rules.decision import Alternative, Decision
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.policies.rules.policy import group_of
from recoup.processors.rules.credential import UNUSABLE
from recoup.rescue.rules.sentences import last_answer

BY_NUMBER_VERSION: Final = "network_token-1"
FAILED: Final = "token_failed"
INQUIRY_EVERY: Final = timedelta(days=1)  # where the service does not answer
_REQUIREMENTS: Final = "04"  # Mastercard's advice: token requirements not fulfilled
# What an issuer says of a number alone: wrong, not there, over or, of a token, suspended. Of a
# token that is gone it says nothing of the card. By Visa's 46 the issuer has ended the token since
# the account is closed, lost or misused.
_OF_THE_NUMBER: Final = frozenset({"14", "15", "54", "78"})
Gone = Literal["suspended", "deleted"]
TokenStanding = Literal["requested", "active", "suspended", "deleted", "refused"]


@frozen
class TokenFacts:
    """A network token of the card, made by the service of that name. `bin` and `last4` are its own
    number's; 0 and empty until it is made, and so is what the vault keeps. `state` None: the card
    has none yet."""

    network_token_id: UUID | None = None
    service: str = ""
    state: TokenStanding | None = None
    requested_at: datetime | None = None
    requestor_id: str | None = None
    bin: str = ""
    last4: str = ""
    exp_month: int = 0
    exp_year: int = 0
    kek_id: str | None = None
    wrapped_dek: str | None = field(default=None, repr=False)
    nonce: str | None = field(default=None, repr=False)
    ciphertext: str | None = field(default=None, repr=False)

    @property
    def sealed(self) -> tuple[str, bytes, bytes, bytes] | None:
        return sealed_of(self.kek_id, self.wrapped_dek, self.nonce, self.ciphertext)


def failed_by_token(attempt: Attempt) -> bool:
    """True when the attempt was sent with a network token, and that was why it did not pay."""
    if attempt.by_token is None:
        return False
    return (
        attempt.processor_code == UNUSABLE
        or attempt.state == "declined"
        and attempt.advice_code == _REQUIREMENTS
    )


def token_for(
    token: TokenFacts | None, order: Order, attempt: Attempt, now: datetime
) -> UUID | None:
    """The token by which the attempt goes, where its route takes tokens; None: by the card's
    number. An authentication was made for the number, so what it confirms goes by that."""
    if token is None or token.state != "active" or token.sealed is None:
        return None
    if is_expired(token.exp_month, token.exp_year, now) or any(
        failed_by_token(attempt) for attempt in order.attempts
    ):
        return None
    by_customer = attempt.initiator == "customer"
    if attempt.ladder == PURPOSE or attempt.authentication is not None:
        return None
    if by_customer and (order.kind != "cit_web" or order.facts.get("three_d_secure")):
        return None
    return token.network_token_id


def is_wanted(token: TokenFacts | None, wall: datetime) -> bool:
    """True when the token service is to be asked for a token: it never was, or it was long ago and
    did not answer. None: the merchant uses no tokens."""
    if token is None or token.state not in (None, "requested"):
        return False
    return token.requested_at is None or token.requested_at <= wall - INQUIRY_EVERY


def speaks_of_token(reading: Reading) -> bool:
    """True when the decline of a token that is gone says nothing of its card."""
    return reading.code is None or reading.code in _OF_THE_NUMBER


@frozen
class TokenInput:
    """The inputs of one decision: a decline that speaks of a network token which is `gone`."""

    reading: Reading
    gone: Gone
    now: datetime
    knowledge: str = KNOWLEDGE_VERSION

    def features(self) -> dict[str, Any]:
        """JSON-able, without personal data; `from_dict` gives the same back."""
        return asdict(self) | {"now": self.now.isoformat()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "TokenInput":
        now = datetime.fromisoformat(plain["now"])
        return cls(**dict(plain) | {"now": now, "reading": Reading(**plain["reading"])})


def decide_token(given: TokenInput) -> Decision:
    """The card's own number is tried at once."""
    plan = (BusinessTime(given.now.astimezone(UTC)),)
    reasons = (
        _WORDS[given.gone],
        last_answer(given.reading.reason, given.reading.code, given.reading.advice),
        "The card itself is tried: a token that is not valid says nothing of its card.",
    )
    versions = {
        "decider": BY_NUMBER_VERSION,
        "policy": None,
        "knowledge": given.knowledge,
        "model": None,
    }
    alternatives = (Alternative("as_declined", None, "What the decline itself says."),)
    return Decision(
        "attempt_now", plan, group_of(given.reading), reasons, (FAILED,), versions, alternatives
    )


_WORDS: Final[Mapping[Gone, str]] = {
    "suspended": "The card’s network token is suspended.",
    "deleted": "The card’s network token is deleted.",
}

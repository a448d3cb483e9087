"""Means of a charge: a card, what a processor stores of one, or a network token in its place."""

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args
from uuid import UUID

CredentialKind = Literal["card", "stored", "network_token"]
KINDS: Final[frozenset[CredentialKind]] = frozenset(get_args(CredentialKind))
TOKEN: Final = "network_token"  # noqa: S105
TOKEN_ON_WIRE: Final = "networkToken"  # noqa: S105
UNUSABLE: Final = (
    "token_unusable"  # as the processor's code of an attempt that was not sent for its token
)
TokenState = Literal["active", "suspended", "deleted"]


@dataclass(slots=True, kw_only=True)
class SentBy:
    """The means by which an attempt is sent: a network token, or else the card itself."""

    network_token_id: UUID | None = None

    @property
    def by_token(self) -> UUID | None:
        return self.network_token_id

    @by_token.setter
    def by_token(self, token_id: UUID | None) -> None:
        self.network_token_id = token_id

    def credential(self) -> dict[str, Any]:
        """The credential for the log and events, where it was not the card itself."""
        return {"credential": TOKEN} if self.network_token_id is not None else {}

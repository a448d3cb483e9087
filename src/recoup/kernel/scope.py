"""Scopes on whose behalf a flow runs: every read and write takes one, so that nothing reaches
another merchant."""

from typing import Final
from uuid import UUID

from recoup.kernel.frozen import frozen

_BY: Final = " by operator:"


@frozen
class Actor:
    """The author of an act, as the log and the portal show it: `api`, `partner`, `user`, `worker`
    or `operator`. `behind`: the user id of the operator's person who acted as them, empty when they
    did it themselves."""

    kind: str
    id: str
    behind: str = ""

    def text(self) -> str:
        return f"{self.kind}:{self.id}" + (f"{_BY}{self.behind}" if self.behind else "")

    @property
    def name(self) -> str:
        """The actor, without an impersonator behind them."""
        return f"{self.kind}:{self.id}"

    @property
    def people(self) -> frozenset[str]:
        """The ids of who acted: of two acts that share one nobody else decided the second."""
        return frozenset(id for id in (self.id, self.behind) if id)

    @staticmethod
    def of(text: str) -> "Actor":
        """The actor that `text` names."""
        who, _, behind = text.partition(_BY)
        kind, _, id = who.partition(":")
        return Actor(kind, id, behind)


@frozen
class Scope:
    """`role`: as what one of the merchant's people acts, so that the role's limits hold; None: a
    system, or the operator."""

    merchant_id: UUID
    actor: Actor
    request_id: str
    role: str | None = None


@frozen
class PartnerScope:
    """Scope of a partner: it reaches its own merchants only. `role`: as what one of its people
    acts."""

    partner_id: UUID
    actor: Actor
    request_id: str
    role: str | None = None


WORKER = Actor("worker", "clock")

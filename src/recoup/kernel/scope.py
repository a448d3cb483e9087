"""On whose behalf a flow runs: every read and write takes one, so that nothing reaches another merchant."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, as the log and the portal show it: `api`, `partner`, `user`, `worker` or `operator`."""

    kind: str
    id: str

    def text(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Scope:
    merchant_id: UUID
    actor: Actor
    request_id: str


@dataclass(frozen=True, slots=True)
class PartnerScope:
    """On behalf of a partner: it reaches its own merchants only."""

    partner_id: UUID
    actor: Actor
    request_id: str


WORKER = Actor("worker", "clock")

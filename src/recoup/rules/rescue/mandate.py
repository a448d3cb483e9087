"""What becomes of an order whose mandate its customer has revoked: it ends, and nothing is sent. Pure.

Another way of deciding is another version in another file; this one then stays for replays.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.kernel.sentence import noted
from recoup.rules.network.tables import KNOWLEDGE_VERSION
from recoup.rules.order.mandates import MandateChange, Scope
from recoup.rules.rescue.evidence import Decision
from recoup.rules.rescue.verdict import Alternative

MANDATE_VERSION: Final = "mandate-1"
RULE: Final = "mandate_revoked"


@dataclass(frozen=True, slots=True)
class MandateInput:
    """The inputs of one decision. `change_id`: by which the revocation is kept. `same_named`: the payment names the
    agreement that was revoked; else the two cannot be told apart, or all were revoked. Times are business time."""

    now: datetime
    change_id: UUID
    scope: Scope
    code: str
    revoked_at: datetime
    same_named: bool
    knowledge: str = KNOWLEDGE_VERSION

    @classmethod
    def of(cls, revoked: MandateChange, now: datetime, *, same_named: bool) -> "MandateInput":
        assert revoked.scope is not None
        return cls(now, revoked.change_id, revoked.scope, revoked.code or "", revoked.at, same_named)

    def features(self) -> dict[str, Any]:
        """JSON-able, without personal data; `from_dict` gives the same back."""
        times = {"now": self.now.isoformat(), "revoked_at": self.revoked_at.isoformat()}
        return asdict(self) | times | {"change_id": str(self.change_id)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "MandateInput":
        times = {name: datetime.fromisoformat(plain[name]) for name in ("now", "revoked_at")}
        return cls(**dict(plain) | times | {"change_id": UUID(plain["change_id"])})


def decide_by_mandate(given: MandateInput) -> Decision:
    """Always `decline_at_once`: whether the mandate stands was seen before."""
    versions = {"decider": MANDATE_VERSION, "policy": None, "knowledge": given.knowledge, "model": None}
    reasons = (
        "The rescue ends now.",
        _SAID[given.scope],
        f"The bank said so on {noted(given.revoked_at)} (code {given.code}).",
        *(() if given.same_named or given.scope == "all" else (_NOT_TOLD_APART,)),
        "A new agreement that the customer starts would open it again.",
    )
    other = (Alternative("new_mandate", None, "A new agreement, started by the customer."),)
    return Decision("decline_at_once", (), None, reasons, (RULE,), versions, other)


_SAID: Final[Mapping[Scope, str]] = {
    "payment": "The customer has stopped a payment of this agreement at the bank.",
    "agreement": "The customer has revoked this agreement at the bank.",
    "all": "The customer has revoked all agreements with this merchant at the bank.",
}
_NOT_TOLD_APART: Final = "The payment names no agreement that would tell it apart from the one that was revoked."

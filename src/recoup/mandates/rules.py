"""Payments that a revoked mandate stops, and the new mandate that opens them again. Pure.

A customer tells the bank to stop one payment (R0), one agreement (R1, advice 21) or all payments
without them (R3). So R0 stops its order, R1 what belongs to the same agreement and card, R3
whatever the merchant starts with that card; that it binds other merchants too is the gate's to see.
What names no agreement cannot be told apart from the one that was revoked, and is stopped too.

Source: Visa Stop Payment Service, how-to (R0, R1, R3); TabaPay, Visa response code updates,
2026-05-31; Mastercard merchant advice code 21.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import noted
from recoup.networks.codes import Reading
from recoup.networks.reasons import REVOKED
from recoup.networks.tables import KNOWLEDGE_VERSION
from recoup.orders.rules.decision import Alternative, Decision
from recoup.processors.rules.agreement import Agreement

Scope = Literal["payment", "agreement", "all"]
STOP_CODES: Final[Mapping[str, Scope]] = {"R0": "payment", "R1": "agreement", "R3": "all"}
STOP_ADVICE: Final[Mapping[str, Scope]] = {"21": "agreement"}


@frozen
class MandateChange:
    """A customer has revoked a mandate, or given a new one. `change_id`: of the attempt, order or
    transmission that said so. `scope` and `code`: of a revocation. `at`: business time. `holds`:
    False once its own source was corrected."""

    change_id: UUID
    kind: Literal["revoked", "renewed"]
    at: datetime
    order_id: UUID | None = None
    scope: Scope | None = None
    code: str | None = None
    subscription: str | None = None
    network_id: str | None = None
    holds: bool = True

    @property
    def agreement(self) -> Agreement:
        return Agreement(self.subscription, self.network_id)


def scope_of(reading: Reading) -> Scope | None:
    """Scope that a decline revokes; None for one that revokes nothing."""
    advised = STOP_ADVICE.get(reading.advice or "") if reading.reason == REVOKED else None
    return advised or STOP_CODES.get(reading.code or "")


def code_of(reading: Reading) -> str:
    """The code by which the bank revoked: the response code, or `MAC` with Mastercard's advice."""
    code = reading.code or ""
    return code if code in STOP_CODES else f"MAC {reading.advice}"


def reaches(revoked: MandateChange, agreement: Agreement, order_id: UUID) -> bool:
    """True when a revocation is about this order, which is under that agreement."""
    if revoked.scope == "payment":
        return revoked.order_id == order_id
    return revoked.scope == "all" or _may_be_same(revoked.agreement, agreement)


def covers(renewed: MandateChange, revoked: MandateChange, agreement: Agreement) -> bool:
    """True when a new mandate, given after the revocation, is one for this agreement. A payment
    that names the consent that was revoked, or another than the new one, is not made under the new
    one."""
    if renewed.at <= revoked.at:
        return False
    named, new = agreement.network_id, renewed.network_id
    if named is not None and named != new and (new is not None or named == revoked.network_id):
        return False
    return _may_be_same(Agreement(renewed.subscription), Agreement(agreement.subscription))


def stopped_by(
    agreement: Agreement, changes: Iterable[MandateChange], order_id: UUID
) -> MandateChange | None:
    """The newest revocation that stops this order, of that agreement and card; None: it may be
    sent."""
    standing = [change for change in changes if change.holds]
    renewals = [change for change in standing if change.kind == "renewed"]
    revocations = [
        change
        for change in standing
        if change.kind == "revoked"
        and reaches(change, agreement, order_id)
        and not any(covers(new, change, agreement) for new in renewals)
    ]
    return max(revocations, key=lambda change: (change.at, change.change_id), default=None)


def _may_be_same(agreement: Agreement, other: Agreement) -> bool:
    """Different only where both say so by the same name."""
    if agreement.subscription is not None and other.subscription is not None:
        return agreement.subscription == other.subscription
    if agreement.network_id is not None and other.network_id is not None:
        return agreement.network_id == other.network_id
    return True


MANDATE_VERSION: Final = "mandate-1"
RULE: Final = "mandate_revoked"


@frozen
class MandateInput:
    """The inputs of one decision. `change_id`: by which the revocation is kept. `same_named`: the
    payment names the agreement that was revoked; else the two cannot be told apart, or all were
    revoked. Times are business time."""

    now: datetime
    change_id: UUID
    scope: Scope
    code: str
    revoked_at: datetime
    same_named: bool
    knowledge: str = KNOWLEDGE_VERSION

    @classmethod
    def of(cls, revoked: MandateChange, agreement: Agreement, now: datetime) -> "MandateInput":
        """Input for a payment under `agreement`, which the revocation stops."""
        assert revoked.scope is not None
        named = revoked.scope == "payment" or _is_named(agreement, revoked.agreement)
        return cls(now, revoked.change_id, revoked.scope, revoked.code or "", revoked.at, named)

    def features(self) -> dict[str, Any]:
        """JSON-able, without personal data; `from_dict` gives the same back."""
        times = {"now": self.now.isoformat(), "revoked_at": self.revoked_at.isoformat()}
        return asdict(self) | times | {"change_id": str(self.change_id)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "MandateInput":
        times = {name: datetime.fromisoformat(plain[name]) for name in ("now", "revoked_at")}
        return cls(**dict(plain) | times | {"change_id": UUID(plain["change_id"])})


def _is_named(agreement: Agreement, other: Agreement) -> bool:
    if agreement.subscription is not None and other.subscription is not None:
        return True
    return agreement.network_id is not None and agreement.network_id == other.network_id


def decide_by_mandate(given: MandateInput) -> Decision:
    """Always `decline_at_once`: whether the mandate stands was seen before."""
    versions = {
        "decider": MANDATE_VERSION,
        "policy": None,
        "knowledge": given.knowledge,
        "model": None,
    }
    reasons = (
        "The rescue ends now.",
        SAID[given.scope],
        f"The bank said so on {noted(given.revoked_at)} (code {given.code}).",
        *(() if given.same_named or given.scope == "all" else (_AMBIGUOUS,)),
        "A new agreement that the customer starts would open it again.",
    )
    other = (Alternative("new_mandate", None, "A new agreement, started by the customer."),)
    return Decision("decline_at_once", (), None, reasons, (RULE,), versions, other)


SAID: Final[Mapping[str, str]] = {
    "payment": "The customer has stopped a payment of this agreement at the bank.",
    "agreement": "The customer has revoked this agreement at the bank.",
    "all": "The customer has revoked all agreements with this merchant at the bank.",
}
_AMBIGUOUS: Final = (
    "The payment names no agreement that would tell it apart from the one that was revoked."
)

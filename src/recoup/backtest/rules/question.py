"""Question of a back-test, as it is kept: which payments, who decides, within which policy. The
same question has the same hash, so it is answered once. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from recoup.kernel.encode import encode_sorted
from recoup.kernel.problem import Sentence
from recoup.policies.rules.terms import ScopeKind

DAYS: Final = 90
DAYS_MIN: Final = 14
DAYS_MAX: Final = 730
WINDOW_DAYS: Final = 30
WINDOW_DAYS_MAX: Final = 60
Basis = Literal["orders", "import"]
Purpose = Literal["request", "draft", "bounds", "floor"]


class Question(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`purpose`: somebody asked, or a policy is about to be saved, or bounds of several merchants
    are: what comes of these is for whoever sets them; or the floor under the engine asks. `lines`:
    the policy within which `decider` is asked; None: those that held when each decision was made.
    `scope`, `subject`: where the policy holds. `number`: the version that the lines are, or would
    be. `wider`: names of the policies around it, of bounds of all others that hold at the merchant.
    `days`: how far back, of a merchant's own orders; `window_days`: how long a payment of an import
    may be rescued."""

    purpose: Purpose = "request"
    basis: Basis = "orders"
    import_id: UUID | None = None
    decider: str
    lines: dict[str, Any] | None = None
    scope: ScopeKind = "merchant"
    subject: UUID
    number: int = 0
    wider: str = ""
    days: int = DAYS
    window_days: int = WINDOW_DAYS

    def plain(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)  # type: ignore[no-any-return]

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(encode_sorted(self.plain())).digest()


def question_of(plain: Mapping[str, Any]) -> Question:
    """Raises: msgspec.ValidationError for what none of ours wrote."""
    return msgspec.convert(plain, Question)


def name_of_policy(question: Question) -> Sentence:
    """Name of the decider and of the policy within which it was asked."""
    who = (
        Sentence("Rescue engine")
        if question.decider == "engine"
        else Sentence("Schedule {0}", question.decider)
    )
    if question.lines is None:
        return Sentence("{0}, within the policies that held at the time", who)
    if question.purpose == "draft":
        return Sentence("{0}, within the policy before it became version {1}", who, question.number)
    return Sentence("{0}, within version {1} of the policy", who, question.number)


def name_of_payments(question: Question) -> Sentence:
    """Name of the payments it was asked of."""
    if question.basis == "import":
        return Sentence("Imported payments")
    return Sentence("Payments of {0} days", question.days)

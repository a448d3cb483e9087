"""States of a payout to a bank, and of the account that it goes to.

Source: design §5; decision 0023.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Protocol
from uuid import UUID

from recoup.kernel.problem import Problem, Sentence
from recoup.terms.rules.settlement import check_second

# state -> those that it may become
STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "created": ("approved",), "approved": ("sent", "returned", "created"),
    "sent": ("paid", "returned"),
    "paid": ("returned",), "returned": (),
}  # fmt: skip
# state -> the event's word
WORDS: Final[Mapping[str, str]] = {
    "created": "pending", "approved": "pending", "sent": "pending", "paid": "completed",
    "returned": "failed",
}  # fmt: skip

# state -> the word that pages, answers and reports have for it; without a payout it is carried
SHOWN: Final[Mapping[str, str]] = {
    "created": "scheduled", "approved": "approved", "sent": "sent", "paid": "confirmed",
    "returned": "returned",
}  # fmt: skip


def shown_state(state: str | None) -> str:
    """The state shown of a settlement's payout."""
    return SHOWN[state] if state else "carried"


def reference_of(merchant_id: UUID, asset: str, period_to: datetime, payout_no: int) -> str:
    """The reference that the bank statement shows: 14 characters, as the narrowest of the files
    takes them. The same for the same settlement and attempt to pay it, also by a database that has
    forgotten them."""
    named = f"{asset}|{int(period_to.timestamp())}|{payout_no}"
    return "RC" + sha256(merchant_id.bytes + named.encode()).hexdigest()[:12].upper()


def file_context(payout_id: UUID) -> str:
    """The context that the bank's file is sealed for."""
    return f"bank-file:{payout_id}"


def word_of(state: str, before: str) -> str:
    """The event's status: what came back after it was paid is reversed."""
    return "reversed" if (before, state) == ("paid", "returned") else WORDS[state]


def check_step(state: str, to: str) -> None:
    """Raises: Problem(wrong_state)."""
    if to not in STEPS[state]:
        raise Problem(
            "wrong_state",
            Sentence("This payout is {0}; it cannot become {1}.", state, to),
            "Reload the page: somebody may have acted first.",
        )


class Payout(Protocol):
    """Fields of a payout that its approval depends on."""

    @property
    def state(self) -> str: ...
    @property
    def asset(self) -> str: ...
    @property
    def requested_by(self) -> str: ...


class Account(Protocol):
    """Fields of an active account that an approval depends on."""

    @property
    def added_by(self) -> str: ...
    @property
    def active_at(self) -> datetime: ...


def check_approval(
    payout: Payout, account: Account | None, approver: str, now: datetime, delay_days: int
) -> None:
    """`account`: the active one of the payout's currency.

    Raises: Problem(wrong_state) for a payout that is approved already, without an account, or with
    one that changed less than `delay_days` ago; Problem(forbidden) for the person who requested the
    payout or entered the account.
    """
    check_step(payout.state, "approved")
    if account is None:
        message = Sentence("The merchant has no active bank account for {0}.", payout.asset)
        raise Problem("wrong_state", message, "Add one, prove it, and have it approved.")
    check_second(payout.requested_by, approver, "A payout")
    check_second(account.added_by, approver, "A payout to an account that you entered")
    from_ = account.active_at + timedelta(days=delay_days)
    if now < from_:
        message = Sentence(
            "The bank account changed on {0}; it takes payouts {1} days later, from {2} on.",
            account.active_at,
            delay_days,
            from_,
        )
        raise Problem(
            "wrong_state",
            message,
            "Make sure that the merchant made the change, and wait.",
            detail="account_changed",
        )

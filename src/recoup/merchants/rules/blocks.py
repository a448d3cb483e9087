"""Customers and cards that a merchant sells no more to. Pure."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from recoup.kernel.problem import Problem, Sentence, invalid

KINDS: Final[Mapping[str, str]] = {"customer": "This customer", "card": "This card"}
# What somebody chooses from; anything else is a note.
REASONS: Final[Mapping[str, str]] = {
    "fraud": "fraud is suspected",
    "abuse": "refunds or disputes are abused",
    "asked": "they asked not to be charged any more",
    "other": "another reason, given in a note",
}
STANDING_MAX: Final = 2_000


def check_block(kind: str, reason: str) -> None:
    """Raises: Problem(invalid)."""
    if kind not in KINDS:
        raise invalid("A customer or a card can be blocked.", "kind", "Choose one of them.")
    if reason not in REASONS:
        raise invalid("Say why it is blocked.", "reason", "Choose one of the reasons.")


def check_not_blocked(blocked: Mapping[UUID, str], *subjects: UUID | None) -> None:
    """`blocked`: subject -> kind, as the merchant's settings say.

    Raises: Problem(blocked).
    """
    for subject in subjects:
        kind = blocked.get(subject) if subject is not None else None
        if kind is not None:
            raise Problem(
                "blocked",
                Sentence("{0} is blocked by the merchant.", KINDS[kind]),
                cure="Nothing was taken. Unblock it in the portal, or ask the customer for another "
                "payment method.",
                blocked=kind,
            )

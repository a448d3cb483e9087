"""What the outcomes of a comparison are called, and what each means."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Outcome:
    """`tone` and `icon` as the sheet knows them; `meaning` is shown beside it."""

    word: str
    tone: str
    icon: str
    meaning: str


OUTCOMES: Final = {
    "matched": Outcome("Matched", "ok", "check", "The same id or reference, type, amount and currency on both sides."),
    "missing_here": Outcome("Missing here", "bad", "problem", "In the file, and not in the ledger."),
    "missing_there": Outcome("Missing there", "warn", "problem", "In the ledger in this period, and not in the file."),
    "amount_differs": Outcome("Amount differs", "bad", "problem", "The same movement with another amount."),
    "duplicate": Outcome("Duplicate", "warn", "info", "It says again what another line of the file says."),
    "refused": Outcome("Not taken", "warn", "problem", "A line that could not be read; nothing comes of it."),
}
KINDS: Final = {"processor": "Processor", "bank": "Bank", "chain": "Channel or chain"}
RECIPES: Final = {
    "funded": "Book as paid to the bank", "processing_cost": "Book as cost of the processor",
    "suspended": "Book into suspense",
}  # fmt: skip

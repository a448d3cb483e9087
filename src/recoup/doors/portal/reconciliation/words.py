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
    "missing_here": Outcome("Missing here", "prob", "problem", "In the file, and not in the ledger."),
    "missing_there": Outcome("Missing there", "hold", "problem", "In the ledger in this period, and not in the file."),
    "amount_differs": Outcome("Amount differs", "prob", "problem", "The same movement with another amount."),
    "duplicate": Outcome("Duplicate", "off", "info", "It says again what another line of the file says."),
    "refused": Outcome("Not taken", "off", "problem", "A line that could not be read; nothing comes of it."),
}
REFUSED: Final = {
    "mixed_currencies": "In another currency than the file", "unknown_currency": "Unknown currency",
    "unknown_type": "Unknown type", "unknown_route": "Unknown route", "bad_amount": "No amount of its currency",
    "bad_date": "No date", "other_period": "Outside the period", "no_id": "Neither id nor reference",
    "broken": "Broken", "wrong_encoding": "Wrong encoding", "too_long": "Too long",
    "too_many_lines": "Beyond the largest file",
}  # fmt: skip
KINDS: Final = {"processor": "Processor", "bank": "Bank", "chain": "Channel or chain"}
RECIPES: Final = {
    "funded": "book as paid to the bank", "processing_cost": "book as cost of the processor",
    "suspended": "book into suspense",
}  # fmt: skip

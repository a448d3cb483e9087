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
    "missing_here": Outcome("Missing here", "prob", "problem", "In the file, but not in the ledger."),
    "missing_there": Outcome("Missing there", "hold", "problem", "In the ledger for this period, but not in the file."),
    "amount_differs": Outcome("Amount differs", "prob", "problem", "Same movement, different amount."),
    "duplicate": Outcome("Duplicate", "off", "info", "Repeats another line of the file."),
    "refused": Outcome("Not readable", "off", "problem", "The line could not be read and is ignored."),
}
REFUSED: Final = {
    "mixed_currencies": "Different currency from the file", "unknown_currency": "Unknown currency",
    "unknown_type": "Unknown type", "unknown_route": "Unknown route", "bad_amount": "No valid amount in its currency",
    "bad_date": "No date", "other_period": "Outside the period", "no_id": "No id and no reference",
    "broken": "Malformed", "wrong_encoding": "Wrong encoding", "too_long": "Too long",
    "too_many_lines": "Beyond the maximum file size",
}  # fmt: skip
KINDS: Final = {"processor": "Processor", "bank": "Bank", "chain": "Channel or chain"}
RECIPES: Final = {
    "funded": "book as paid to the bank", "funding_returned": "book as taken back by the bank",
    "processing_cost": "book as processor cost",
    "suspended": "book to suspense",
}  # fmt: skip

"""An order's fee proved from the log: taken by its term, given back as the term says, to the unit."""

from typing import Any

from recoup.rules.money.fees import KEEP, Tariff, fee_units, returned_units
from recoup.store.insight.proofs.ledger import MoneyLine

Wrong = tuple[str, Any, Any]  # field, expected, found


class FeeOfOrder:
    """Goes along the money lines of one order."""

    def __init__(self) -> None:
        self._fee, self._units, self._policy, self._refunded = 0, 1, KEEP, 0

    def wrong(self, line: MoneyLine) -> Wrong | None:
        match line.happening:
            case "collected" | "captured" | "capture_ended" | "parts_kept" | "advanced":
                self._fee, self._units = line.fee or 0, line.units
                self._policy = line.fee_refund or KEEP
                return _taken(line)
            case "refund_owed":
                return self._moved(line, line.units, "fee_returned")
            case "refund_refused":
                return self._moved(line, -line.units, "fee_taken_back")
        return None

    def _moved(self, line: MoneyLine, units: int, name: str) -> Wrong | None:
        before = returned_units(self._fee, self._policy, self._refunded, self._units)
        self._refunded += units
        expected = abs(returned_units(self._fee, self._policy, self._refunded, self._units) - before)
        found = getattr(line, name) or 0
        return None if expected == found else (f"{name} of log line {line.seq}", expected, found)


def _taken(line: MoneyLine) -> Wrong | None:
    """Lines without a term are of orders whose merchant had none."""
    if line.fee_term is None:
        return None
    where, term = f"log line {line.seq}", line.term
    if term is None:
        return f"fee term of {where}", "a term", None
    if term.valid_from > line.business_at:
        return f"date of the fee term of {where}", f"at most {line.business_at}", term.valid_from
    expected = fee_units(line.units, Tariff(term.basis_points, term.fixed_units, term.minimum_units))
    if line.fee != expected:
        return f"fee of {where}", expected, line.fee
    return None if term.refund == line.fee_refund else (f"refund of the fee of {where}", term.refund, line.fee_refund)

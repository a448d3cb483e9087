"""The book proved from the log: each happening that books something has exactly its postings, entry
by entry."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from recoup.disputes.moves.case import (
    dispute_fee,
    dispute_fee_charged,
    dispute_fee_returned,
    dispute_won,
    disputed,
)
from recoup.insight.store.proofs.ledger import MoneyLine, Outstanding, StoredPosting
from recoup.orders.moves.postings import content_hash
from recoup.orders.rules import ledger
from recoup.orders.rules.ledger import RECIPES, Entry, Posting
from recoup.orders.rules.lifecycle import APPROVALS, FACTS, STEPS, Fact, Step
from recoup.stablecoin.moves.late_payment import by_hand, kept
from recoup.terms.rules.fees import KEEP, Tariff, fee_units, returned_units

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
        expected = abs(
            returned_units(self._fee, self._policy, self._refunded, self._units) - before
        )
        kept = getattr(line, name) or 0
        return None if expected == kept else (f"{name} of log line {line.seq}", expected, kept)


def _taken(line: MoneyLine) -> Wrong | None:
    """Lines without a term are of orders whose merchant had none."""
    if line.fee_term is None:
        return None
    where, term = f"log line {line.seq}", line.term
    if term is None:
        return f"fee term of {where}", "a term", None
    if term.valid_from > line.business_at:
        return f"date of the fee term of {where}", f"at most {line.business_at}", term.valid_from
    expected = fee_units(
        line.units, Tariff(term.basis_points, term.fixed_units, term.minimum_units)
    )
    if line.fee != expected:
        return f"fee of {where}", expected, line.fee
    return (
        None
        if term.refund == line.fee_refund
        else (f"refund of the fee of {where}", term.refund, line.fee_refund)
    )


Source = tuple[str, UUID | None, str]  # source kind, source, recipe


def money() -> list[str]:
    """The happenings that book something."""
    rows: list[Step | Fact] = [*STEPS, *FACTS.values()]
    return list({row.happening: None for row in rows if row.books is not None})


def all_wrong(
    merchant_id: UUID,
    lines: Iterable[MoneyLine],
    postings: Sequence[StoredPosting],
    outstanding: Mapping[UUID, Outstanding],
) -> Iterator[tuple[UUID | None, Wrong]]:
    """(order, the first thing that is wrong about it) in one window."""
    reported: set[UUID] = set()
    demanded: dict[UUID, dict[Source, Posting]] = defaultdict(dict)
    dates: dict[Source, Any] = {}
    optional: set[Source] = set()
    fees: dict[UUID, FeeOfOrder] = defaultdict(FeeOfOrder)
    parts: dict[UUID, int] = defaultdict(int)
    for line in lines:
        wrong = fees[line.order_id].wrong(line)
        if line.happening in ("part_captured", "part_collected"):
            parts[line.order_id] += line.units
        if not wrong and line.happening in APPROVALS:
            expected = _approved(line, parts[line.order_id])
            wrong = (
                (f"units of log line {line.seq}", expected, line.units)
                if line.units != expected
                else None
            )
        if wrong and line.order_id not in reported:
            reported.add(line.order_id)
            yield line.order_id, wrong
        for source, posting in _demanded(line, optional):
            demanded[line.order_id][source] = posting
            dates[source] = line.business_at
    by_order: dict[UUID, list[StoredPosting]] = defaultdict(list)
    for row in postings:
        if row.order_id is not None:
            by_order[row.order_id].append(row)
    for order_id in sorted((demanded.keys() | by_order.keys() | outstanding.keys()) - reported):
        due = outstanding.get(order_id)
        wrong = _order(merchant_id, demanded[order_id], dates, optional, by_order[order_id], due)
        if wrong:
            yield order_id, wrong


def _approved(line: MoneyLine, before: int) -> int:
    """The worth of an order by this line. `before`: what was captured of it, or collected, in
    parts."""
    if line.happening in ("capture_ended", "parts_kept"):
        return before
    if line.part is None:
        return line.order_units
    return min(before + line.part, line.order_units)


def wrong_posting(merchant_id: UUID, row: StoredPosting) -> Wrong | None:
    """Checks that one posting balances and says what its hash was made from."""
    entries = row.entries or []
    name = _name(row)
    if len(entries) < 2 or [e.line_no for e in entries] != list(range(1, len(entries) + 1)):
        return f"entries of {name}", "lines from 1 on, at least two", [e.line_no for e in entries]
    assets = {e.asset for e in entries}
    for asset in sorted(assets):
        if total := sum(e.units for e in entries if e.asset == asset):
            return f"sum of {name} in {asset}", 0, total
    content = [
        merchant_id,
        row.source_kind,
        row.source_id,
        row.recipe,
        entries[0].asset,
        row.business_at,
        [[e.account, e.place, e.units] for e in entries],
    ]
    hashed = content_hash(content)
    if hashed != row.content_hash.hex():
        return f"content hash of {name}", hashed, row.content_hash.hex()
    return None


def _demanded(line: MoneyLine, optional: set[Source]) -> list[tuple[Source, Posting]]:
    units, route, attempt = line.units, line.route, ("attempt", line.attempt_id)
    order, payable = ("order", line.order_id), ledger.WALLET if line.kind == "stable" else ""
    match line.happening:
        case "dispute_opened" | "dispute_won":
            return [(("dispute", line.round_id, p.recipe), p) for p in _disputed(line, payable)]
        case "part_captured":
            return [
                (("refund", line.fact_id, p.recipe), p)
                for p in ledger.collected(units, route, 0, payable)
            ]
        case "part_collected":
            return [((*attempt, p.recipe), p) for p in ledger.collected(units, route, 0, payable)]
        case "capture_ended" | "parts_kept":
            return [((*attempt, "fee"), ledger.fee(line.fee, payable))] if line.fee else []
        case "collected" | "captured" | "advanced":
            fee, units = line.fee or 0, line.part or units
            ahead = line.happening == "advanced"
            charged = units, route, fee, payable, line.short
            made = ledger.advanced(units, fee, payable) if ahead else ledger.collected(*charged)
            source = order if ahead else attempt
            if line.fee is None:  # an older line, which does not say its fee
                optional.add((*source, "fee"))
            return [((*source, p.recipe), p) for p in made]
    back = _money_back(line, units, route, payable)
    return (
        [(("refund", line.fact_id, p.recipe), p) for p in back]
        if back
        else [_as_booked(line, payable)]
    )


def _as_booked(line: MoneyLine, payable: str) -> tuple[Source, Posting]:
    """What its row of the lifecycle says, of its whole amount."""
    books = FACTS[line.happening].books
    assert books is not None, line.happening
    recipe = RECIPES[books.recipe]
    source = {"attempt": line.attempt_id, "order": line.order_id}.get(books.source, line.fact_id)
    return (books.source, source, recipe.name), recipe(
        line.units, line.route if recipe.is_routed else payable
    )


def _money_back(line: MoneyLine, units: int, route: str, payable: str) -> list[Posting]:
    """What a refund's or reversal's line books beside, or instead of, what its row says."""
    match line.happening:
        case "reversed":
            return [
                ledger.reversal_by_hand(units) if line.by_hand else ledger.reversed_(units, route)
            ]
        case "settled_by_hand":
            return [by_hand(units, route) if line.by_hand else kept(units)]
        case "refund_done":
            return [
                ledger.refund_by_hand(units) if line.by_hand else ledger.refund_done(units, route)
            ]
        case "refund_refused":
            refused = [ledger.refund_refused(units, payable)]
            return refused + (
                [ledger.fee_taken_back(f, payable)] if (f := line.fee_taken_back) else []
            )
        case "refund_owed":
            owed = [ledger.refund_owed(units, payable)]
            return owed + ([ledger.fee_returned(f, payable)] if (f := line.fee_returned) else [])
    return []


def _disputed(line: MoneyLine, payable: str) -> list[Posting]:
    """Postings of a dispute that took its money, or gave it back."""
    money = line.units, line.route, line.liable, payable
    if line.happening == "dispute_won":
        back = dispute_fee_returned
        return [dispute_won(*money)] + (
            [back(line.fee_charged, payable)] if line.fee_charged else []
        )
    postings = [disputed(*money)]
    if line.fee:
        postings.append(dispute_fee(line.fee, line.route))
    if line.fee_charged:
        postings.append(dispute_fee_charged(line.fee_charged, payable))
    return postings


def _order(
    merchant_id: UUID,
    demanded: Mapping[Source, Posting],
    dates: Mapping[Source, Any],
    optional: set[Source],
    rows: Sequence[StoredPosting],
    outstanding: Outstanding | None,
) -> Wrong | None:
    seen: set[Source] = set()
    sums = {"customer_due": 0, "refund_due": 0, "reversal_due": 0}
    for row in rows:
        source = (row.source_kind, row.source_id, row.recipe)
        if source in seen:
            return _name(row), "one for its source and recipe", "several"
        seen.add(source)
        if source not in demanded and source not in optional:
            return _name(row), "none, by the log", "one"
        wrong = _posting(merchant_id, row, demanded.get(source), dates.get(source))
        if wrong:
            return wrong
        for entry in row.entries or ():
            if entry.account in sums:
                sums[entry.account] += entry.units
    missing = next((source for source in demanded if source not in seen), None)
    if missing:
        return f"posting {missing[2]} of {missing[0]} {missing[1]}", "one, by the log", None
    for account, units in sums.items():
        due = -getattr(outstanding, account) if outstanding is not None else 0
        if units != due:
            return f"{account} at the end of the walk", due, units
    return None


def _posting(
    merchant_id: UUID, row: StoredPosting, demanded: Posting | None, date: Any
) -> Wrong | None:
    wrong = wrong_posting(merchant_id, row)
    if wrong:
        return wrong
    if demanded is not None:
        entries = tuple(Entry(e.account, e.place, e.units) for e in row.entries or ())
        if entries != demanded.entries:
            return (
                f"entries of {_name(row)}",
                _entries_text(demanded.entries),
                _entries_text(entries),
            )
        if date != row.business_at:
            return f"date of {_name(row)}", date, row.business_at
    return None


def _name(row: StoredPosting) -> str:
    return f"posting {row.recipe} of {row.source_kind} {row.source_id}"


def _entries_text(entries: Iterable[Entry]) -> str:
    return ", ".join(
        f"{e.account}{'(' + e.place + ')' if e.place else ''} {e.units:+}" for e in entries
    )

"""The book proved from the log: each happening that books something has exactly its postings, entry by entry."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from recoup.moves.book import content_hash
from recoup.rules.money import ledger
from recoup.rules.money.ledger import Entry, Posting

Wrong = tuple[str, Any, Any]  # field, expected, found
Source = tuple[str, UUID | None, str]  # source kind, source, recipe
MONEY: Final = (
    "collected", "captured", "advanced", "refund_owed", "refund_netted", "refund_done", "refund_refused",
    "approved_late", "reversed", "settled_by_hand", "paid_late", "settled",
)  # fmt: skip


def first_wrong(
    merchant_id: UUID, lines: Iterable[Mapping[str, Any]], postings: Sequence[Mapping[str, Any]],
    outstanding: Mapping[UUID, Mapping[str, int]],
) -> tuple[UUID | None, Wrong] | None:  # fmt: skip
    """(order, what is wrong) in one window."""
    demanded: dict[UUID, dict[Source, Posting]] = defaultdict(dict)
    dates: dict[Source, Any] = {}
    optional: set[Source] = set()
    for line in lines:
        if line["happening"] in ("collected", "captured", "advanced") and line["units"] != line["order_units"]:
            return line["order_id"], (f"units of log line {line['seq']}", line["order_units"], line["units"])
        for source, posting in _demanded(line, optional):
            demanded[line["order_id"]][source] = posting
            dates[source] = line["business_at"]
    by_order: dict[UUID, list[Mapping[str, Any]]] = defaultdict(list)
    for row in postings:
        by_order[row["order_id"]].append(row)
    for order_id in sorted(demanded.keys() | by_order.keys() | outstanding.keys()):
        due = outstanding.get(order_id, {})
        wrong = _order(merchant_id, demanded[order_id], dates, optional, by_order[order_id], due)
        if wrong:
            return order_id, wrong
    return None


def wrong_posting(merchant_id: UUID, row: Mapping[str, Any]) -> Wrong | None:
    """Whether one posting balances and says what its hash was made from."""
    entries = row["entries"] or []
    name = _name(row)
    if len(entries) < 2 or [e[0] for e in entries] != list(range(1, len(entries) + 1)):
        return f"entries of {name}", "lines from 1 on, at least two", [e[0] for e in entries]
    assets = {e[2] for e in entries}
    for asset in sorted(assets):
        if total := sum(e[4] for e in entries if e[2] == asset):
            return f"sum of {name} in {asset}", 0, total
    content = [merchant_id, row["source_kind"], row["source_id"], row["recipe"], entries[0][2], row["business_at"],
               [[e[1], e[3], e[4]] for e in entries]]  # fmt: skip
    hashed = content_hash(content)
    if hashed != row["content_hash"].hex():
        return f"content hash of {name}", hashed, row["content_hash"].hex()
    return None


def _demanded(line: Mapping[str, Any], optional: set[Source]) -> list[tuple[Source, Posting]]:
    units, route, attempt = line["units"], line["route"], ("attempt", line["attempt_id"])
    refund, payable = ("refund", line["fact_id"]), ledger.WALLET if line["kind"] == "stable" else ""
    match line["happening"]:
        case "collected" | "captured" | "advanced":
            fee = line["fee"] or 0
            ahead = line["happening"] == "advanced"
            made = ledger.advanced(units, fee, payable) if ahead else ledger.collected(units, route, fee, payable)
            if line["fee"] is None:  # an older line, which does not say its fee
                optional.add((*attempt, "fee"))
            if ahead:
                optional.add((*attempt, "charge"))
            return [((*attempt, p.recipe), p) for p in made]
        case "approved_late" | "paid_late":
            return [((*attempt, "late_approval"), ledger.late_approval(units, route))]
        case "settled":
            return [(("settlement", line["fact_id"], "settled"), ledger.settled(units, route))]
        case "reversed":
            return [((*refund, "reversed"), ledger.reversed_(units, route))]
        case "settled_by_hand":
            return [((*refund, "by_hand"), ledger.by_hand(units, route))]
        case "refund_done":
            return [((*refund, "refund_done"), ledger.refund_done(units, route))]
        case "refund_netted":
            return [((*refund, "refund_netted"), ledger.refund_netted(units))]
        case "refund_refused":
            return [((*refund, "refund_refused"), ledger.refund_refused(units, payable))]
    return [((*refund, "refund_owed"), ledger.refund_owed(units, payable))]


def _order(
    merchant_id: UUID, demanded: Mapping[Source, Posting], dates: Mapping[Source, Any], optional: set[Source],
    rows: Sequence[Mapping[str, Any]], outstanding: Mapping[str, int],
) -> Wrong | None:  # fmt: skip
    seen: set[Source] = set()
    sums = {"customer_due": 0, "refund_due": 0, "reversal_due": 0}
    for row in rows:
        source = (row["source_kind"], row["source_id"], row["recipe"])
        if source in seen:
            return _name(row), "one for its source and recipe", "several"
        seen.add(source)
        if source not in demanded and source not in optional:
            return _name(row), "none, by the log", "one"
        wrong = _posting(merchant_id, row, demanded.get(source), dates.get(source))
        if wrong:
            return wrong
        for entry in row["entries"]:
            if entry[1] in sums:
                sums[entry[1]] += entry[4]
    missing = next((source for source in demanded if source not in seen), None)
    if missing:
        return f"posting {missing[2]} of {missing[0]} {missing[1]}", "one, by the log", None
    for account, found in sums.items():
        due = -outstanding.get(account, 0)
        if found != due and not (account == "customer_due" and any(s[2] == "charge" for s in optional - seen)):
            return f"{account} at the end of the walk", due, found
    return None


def _posting(merchant_id: UUID, row: Mapping[str, Any], demanded: Posting | None, date: Any) -> Wrong | None:
    wrong = wrong_posting(merchant_id, row)
    if wrong:
        return wrong
    if demanded is not None:
        found = tuple(Entry(e[1], e[3], e[4]) for e in row["entries"])
        if found != demanded.entries:
            return f"entries of {_name(row)}", _told(demanded.entries), _told(found)
        if date != row["business_at"]:
            return f"date of {_name(row)}", date, row["business_at"]
    return None


def _name(row: Mapping[str, Any]) -> str:
    return f"posting {row['recipe']} of {row['source_kind']} {row['source_id']}"


def _told(entries: Iterable[Entry]) -> str:
    return ", ".join(f"{e.account}{'(' + e.place + ')' if e.place else ''} {e.units:+}" for e in entries)

"""An exported settlement, proved without a database: what its receiver can hold against us.

JSON Lines: a settlement, the ledger pages from its first to its last, its lines, an end. A line
carries what its posting says; the hash of that stands in its page, at its position; a page's root
is made of the root before, its number, the hashes and its sums; the settlement names the root in
the event `settlement.closed`. Source: design §5; decision 0023.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from recoup.kernel.encode import encode_sorted
from recoup.kit.proved_file import Difference, Wrong, differs, first_wrong, whole
from recoup.orders.rules.ledger import PAYABLE, by_recipe
from recoup.terms.rules.settlement import COLUMNS

FORMAT: Final = "recoup-settlement-1"
# recipe -> the kind of line that its entry on the merchant's account is
KINDS: Final = by_recipe(
    lambda recipe: (
        {recipe.name: recipe.line}
        if PAYABLE in (recipe.debit, recipe.credit) and not recipe.wallet
        else {}
    )
)
_OWN: Final = (
    "settlement_closed",
    "reserve_held",
    "carried",
)  # what a batch books after the pages that it took from


class Proved(NamedTuple):
    settlement_id: str
    asset: str
    payout: int
    lines: int
    pages: int
    root: str


@dataclass(slots=True)
class _Proof:
    settlement: Mapping[str, Any] = field(default_factory=dict)
    roots: dict[int, str] = field(default_factory=dict)
    hashes: dict[int, Sequence[str]] = field(default_factory=dict)
    last_page: int | None = None
    sums: dict[str, int] = field(default_factory=dict)
    carried_on: int = 0
    seen: set[tuple[int, int, int]] = field(default_factory=set)
    ended: bool = False


encoded: Final = encode_sorted  # as the ledger hashes it: no blanks, UTF-8


def page_root(
    previous: str, page: int, hashes: Iterable[str], sums: Iterable[Sequence[Any]]
) -> str:
    """Root of a page, as the ledger's closer makes it. `sums`: [account, asset, place, units], in
    the page's order."""
    sum_lines = "\n".join(
        f"{account}|{asset}|{place}={units}" for account, asset, place, units in sums
    )
    text = (
        bytes.fromhex(previous)
        + str(page).encode()
        + bytes.fromhex("".join(hashes))
        + sum_lines.encode()
    )
    return hashlib.sha256(text).hexdigest()


def prove(
    lines: Iterable[bytes], root: str | None = None, amount: int | None = None
) -> Proved | Wrong:
    """Reads the file once. `root` and `amount`: those of the event; without them the file is held
    against itself alone. The root proves what each line says, the amount that no line was left out:
    what the batch itself booked may stand in a page after the root.

    Memory: 64 bytes a posting of its pages.
    """
    proof = _Proof()
    wrong = first_wrong(
        lines,
        "settlement file",
        lambda part, _, checksum: _part(proof, part, checksum, root),
        lambda: _whole(proof, amount),
    )
    if wrong is not None:
        return wrong
    settlement = proof.settlement
    return Proved(
        settlement["settlementId"],
        settlement["currency"],
        settlement["payout"],
        settlement["lines"],
        len(proof.roots),
        settlement["root"],
    )


def _part(
    proof: _Proof, part: dict[str, Any], checksum: str, root: str | None
) -> Difference | None:
    kind = part["type"]
    if kind == "settlement" and not proof.settlement:
        return _settlement(proof, part, root)
    if not proof.settlement or proof.ended:
        return "type", "end of the file" if proof.ended else "settlement", str(kind)
    if kind == "page" and not proof.seen:
        return _page(proof, part)
    if kind == "line":
        return _line(proof, part)
    if kind == "end":
        proof.ended = True
        return differs("checksum of the lines before", checksum, part["sha256"])
    return "type", "page, line or end, in this order", str(kind)


def _settlement(proof: _Proof, part: dict[str, Any], root: str | None) -> Difference | None:
    proof.settlement = part
    amounts = [part[name] for name in ("payout", "lines", "page")] + [
        part["amounts"][kind] for kind in COLUMNS
    ]
    if any(type(amount) is not int for amount in amounts):
        return "amounts", "whole numbers", "something else"
    return differs("format", FORMAT, part["format"]) or (
        differs("root that the event settlement.closed told", root.lower(), part["root"])
        if root
        else None
    )


def _page(proof: _Proof, part: dict[str, Any]) -> Difference | None:
    number, before = part["page"], proof.last_page
    if before is not None:
        wrong = differs("page", str(before + 1), str(number)) or differs(
            f"root before page {number}", proof.roots[before], part["previousRoot"]
        )
        if wrong:
            return wrong
    root = page_root(part["previousRoot"], number, part["postings"], part["sums"])
    proof.roots[number], proof.hashes[number], proof.last_page = (
        part["root"],
        part["postings"],
        number,
    )
    return differs(f"root of page {number}", root, part["root"]) or (
        differs(
            f"root of page {number}, as the settlement names it",
            proof.settlement["root"],
            part["root"],
        )
        if number == proof.settlement["page"]
        else None
    )


def _line(proof: _Proof, part: dict[str, Any]) -> Difference | None:
    settlement, posting, name = proof.settlement, part["posting"], f"line {part['lineId']}"
    merchant, source_kind, source_id, recipe, asset, _, entries = posting
    page, position, number = part["page"], part["position"], part["entry"]
    place = (page, position, number)
    if place in proof.seen:
        return (
            f"entry of {name}",
            "one that no other line has",
            f"{number} of posting {position} in page {page}",
        )
    proof.seen.add(place)
    hashes = proof.hashes.get(page, ())
    kept = hashes[position - 1] if 1 <= position <= len(hashes) else "none"
    account, where, units = entries[number - 1] if 1 <= number <= len(entries) else ("none", "", 0)
    wrong = (
        differs(
            f"hash of the posting of {name}", kept, hashlib.sha256(encoded(posting)).hexdigest()
        )
        or differs(f"merchant of {name}", settlement["merchantId"], merchant)
        or differs(f"currency of {name}", settlement["currency"], asset)
        or differs(f"account of {name}", "merchant_payable|", f"{account}|{where}")
        or differs(f"units of {name}", str(-units), str(part["amount"]))
        or differs(f"kind of {name}", KINDS.get(recipe, "none"), part["kind"])
    )
    own, source = f"batch {settlement['settlementId']}", f"{source_kind} {source_id}"
    if wrong is None and recipe in ("settlement_closed", "reserve_held"):
        wrong = differs(f"source of {name}", own, source)
    if wrong is None and page > settlement["page"] and (source != own or recipe not in _OWN):
        wrong = (
            f"page of {name}",
            f"at most {settlement['page']}, whose root the settlement names",
            str(page),
        )
    if recipe == "carried" and source == own:
        proof.carried_on -= whole(part, "amount")
    proof.sums[part["kind"]] = proof.sums.get(part["kind"], 0) + whole(part, "amount")
    return wrong


def _whole(proof: _Proof, amount: int | None) -> Difference | None:
    settlement = proof.settlement
    if not proof.ended:
        return "end", "an end", "none: the file is cut off"
    wrong = differs("number of lines", str(settlement["lines"]), str(len(proof.seen)))
    if settlement["page"] not in proof.roots:
        wrong = wrong or (
            "pages",
            f"page {settlement['page']}, whose root the settlement names",
            "none",
        )
    for kind in COLUMNS:
        wrong = wrong or differs(
            f"sum of {kind}", str(settlement["amounts"][kind]), str(proof.sums.get(kind, 0))
        )
    return (
        wrong
        or differs("payout", str(sum(settlement["amounts"].values())), str(settlement["payout"]))
        or differs("sum of payout", str(-settlement["payout"]), str(proof.sums.get("payout", 0)))
        or differs("sum of all lines", "0", str(sum(proof.sums.values())))
        or (
            differs(
                "amount that the event settlement.closed told",
                str(amount),
                str(settlement["payout"] + min(0, proof.carried_on)),
            )
            if amount is not None
            else None
        )
    )

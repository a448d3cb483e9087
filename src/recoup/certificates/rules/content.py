"""Content of a compliance certificate, as lines: one for each scheme, rule, send beyond a limit,
kind of refusal, fee avoided, edition, thing that it cannot see, and recount. Lines are plain values
in one order: the same month gives the same lines, whenever they are made.

A refused send avoids the fee of its day's tariff row, if a source has one: of several of the same
order and rule the first counts. A block, and a limit that no network set, cost nothing.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from recoup.certificates.rules.month_count import (
    EXCESS_MAX,
    AcceptorCount,
    Closest,
    Excess,
    RuleCount,
)
from recoup.kernel.encode import encode_sorted
from recoup.kernel.frozen import frozen
from recoup.kernel.time import iso
from recoup.networks.limits import span_of
from recoup.networks.tables import CODES, LIMITS, LimitRow, valid_row

Line = dict[str, Any]
_OPEN: Final = (date.min, date.max)


class Refusals(NamedTuple):
    """Refusals of one rule on one day; `orders`: whose first refusal by the rule it was."""

    acceptor_id: str
    scheme: str
    region: str
    rule_id: str
    on: date
    postponed: int
    refused: int
    orders: int


def fee_row(scheme: str, rule_id: str, on: date, region: str) -> LimitRow | None:
    """The row that prices a send beyond the rule on that day; None where nothing does."""
    row = valid_row(
        [row for row in LIMITS if row.scheme == scheme and row.rule_id == rule_id], on, region
    )
    return row if row is not None and row.fee_units is not None else None


def avoided(refusals: Iterable[Refusals]) -> list[dict[str, Any]]:
    """A line for each tariff row: how many sends at which fee, and where it is written."""
    sends: dict[LimitRow, int] = defaultdict(int)
    for refusal in refusals:
        row = fee_row(refusal.scheme, refusal.rule_id, refusal.on, refusal.region)
        if row is not None:
            sends[row] += refusal.orders
    lines = [_line(row, number) for row, number in sends.items() if number]
    return sorted(
        lines,
        key=lambda line: (line["scheme"], line["rule"], line["region"], line["validFrom"] or ""),
    )


def day_text(day: date) -> str | None:
    """Text of a day; None for an end that is open."""
    return None if day in _OPEN else day.isoformat()


def _line(row: LimitRow, number: int) -> dict[str, Any]:
    assert row.fee_units is not None
    priced = {
        "rule": row.rule_id,
        "sends": number,
        "fee": row.fee_units,
        "amount": number * row.fee_units,
    }
    return priced | _source(row) | _members(row, "scheme", "currency", "confidence")


def _members(of: object, *names: str) -> Line:
    """Its values under their names as JSON has them: `notSent`."""
    return {
        re.sub("_([a-z])", lambda match: match[1].upper(), name): getattr(of, name)
        for name in names
    }


PARTS: Final = (
    "scheme",
    "rule",
    "excess",
    "refusal",
    "fee",
    "edition",
    "unseen",
    "recount",
    "difference",
)
DIFFERENCES_MAX: Final = 100  # are named; all are counted
CHANGES_MAX: Final = 100
FINGERPRINT_DIGITS: Final = 16
_KEYS: Final = (
    "scheme",
    "rule",
    "what",
    "by",
    "sendId",
    "field",
    "region",
    "document",
    "edition",
    "validFrom",
)


@frozen
class Reported:
    """Reports that the merchant copied to us. `since`: its first transmission, `received` and
    `declined`: of the month."""

    since: datetime | None
    received: int
    declined: int


@dataclass(slots=True)
class Recount:
    """Recount by somebody who counts apart from us. `by`: `issuer`, the sandbox issuer's own book;
    `statement`, the processor's lines of approved charges, of all acceptors of the merchant;
    `none`. `differences`: what only one side has, or the two have differently; `counted_only` of
    them are sends that nobody answered, which we count and they never saw. `closest` by scheme and
    rule, where they can be recounted."""

    by: str
    sends: int = 0
    approved: int = 0
    matched: int = 0
    counted_only: int = 0
    differences: list[Line] = field(default_factory=list)
    differing: int = 0
    closest: Mapping[tuple[str, str], Closest] | None = None

    def differ(self, line: Line) -> None:
        self.differing += 1
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(line)


def content_of(
    acceptor: AcceptorCount,
    refusals: Sequence[Refusals],
    reported: Reported,
    recount: Recount,
    *,
    merchant_id: str,
    span: tuple[datetime, datetime],
    gate_limits: Mapping[str, int],
) -> list[Line]:
    """`gate_limits`: where the installation's gate stops before the network's limit."""
    lines = [_scheme(name, acceptor) for name in sorted(acceptor.schemes)]
    for key, count in sorted(acceptor.rules.items()):
        lines.append(_rule(*key, count, recount, merchant_id, gate_limits.get(key[1])))
    beyond = sorted(acceptor.excess, key=lambda excess: (excess.at, excess.send_id, excess.rule_id))
    lines += [_excess(excess, merchant_id) for excess in beyond[:EXCESS_MAX]]
    lines += _refused(refusals)
    lines += [{"type": "fee"} | line for line in avoided(refusals)]
    lines += _editions(sorted(acceptor.schemes), span)
    lines += _unseen(acceptor, reported, recount)
    return lines + _recounted(recount)


def fingerprint(merchant_id: str, card_id: str) -> str:
    """The fingerprint of a card, for people: the same for one merchant's months, another for each
    merchant. No number can be read off it, for a card's id is not made of one alone."""
    return hashlib.sha256(f"{merchant_id}/{card_id}".encode()).hexdigest()[:FINGERPRINT_DIGITS]


def content_hash(head: Mapping[str, Any], lines: Iterable[Line]) -> bytes:
    """The hash of everything that would be the same if it were made again: `head` without its dates
    and numbers."""
    digest = hashlib.sha256(encode_sorted(head))
    for line in lines:
        digest.update(hashlib.sha256(encode_sorted(line)).digest())
    return digest.digest()


def changes(before: Sequence[Line], after: Sequence[Line]) -> list[Line]:
    """Changes of a correction: lines that went, came or say something else, by their key."""
    old, new = {_key(line): line for line in before}, {_key(line): line for line in after}
    lines = [
        {"type": "change", "part": key[0], "before": old.get(key), "after": new.get(key)}
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]
    return lines[:CHANGES_MAX]


def reasons(before: Sequence[Line], after: Sequence[Line]) -> list[str]:
    """Parts that differ, in the order of the file."""
    return [part for part in PARTS if _of(part, before) != _of(part, after)]


def _of(part: str, lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line["type"] == part]


def _key(line: Line) -> tuple[str, ...]:
    return (line["type"], *(str(line.get(name, "")) for name in _KEYS))


def _scheme(name: str, acceptor: AcceptorCount) -> Line:
    count = acceptor.schemes[name]
    counted = (
        "sends",
        "approved",
        "declined",
        "unanswered",
        "repeated",
        "not_sent",
        "reported",
        "cards",
    )
    return {"type": "scheme", "scheme": name} | _members(count, *counted)


def _rule(
    scheme: str,
    rule_id: str,
    count: RuleCount,
    recount: Recount,
    merchant_id: str,
    gate_limit: int | None,
) -> Line:
    row, span = count.row, span_of(count.row)
    recounted = recount.closest.get((scheme, rule_id)) if recount.closest is not None else None
    return {
        "type": "rule",
        "scheme": scheme,
        "rule": rule_id,
        "windowHours": int(span.total_seconds() // 3600) if span is not None else None,
        "limit": row.maximum_sends,
        "gateLimit": min(gate_limit, row.maximum_sends)
        if gate_limit is not None
        else row.maximum_sends,
        "key": row.key,
        **_members(count, "sends", "reported", "carried", "bans"),
        "closest": _closest(count.closest, merchant_id),
        "closestSent": _closest(count.closest_sent, merchant_id),
        "closestRecounted": _closest(recounted, merchant_id),
        "beyond": {cause: number for cause, number in sorted(count.excess.items()) if number},
        **_source(row),
    }


def _source(row: LimitRow) -> Line:
    valid = {"validFrom": day_text(row.valid_from), "validTo": day_text(row.valid_to)}
    return _members(row, "region", "document") | {"sources": row.source} | valid


def _closest(closest: Closest | None, merchant_id: str) -> Line | None:
    return None if closest is None else _counted(closest, merchant_id)


def _excess(excess: Excess, merchant_id: str) -> Line:
    return (
        {"type": "excess", "rule": excess.rule_id}
        | _members(excess, "scheme", "cause")
        | _counted(excess, merchant_id)
    )


def _counted(held: Closest | Excess, merchant_id: str) -> Line:
    """A send, and how many its window held with it."""
    return _members(held, "count", "send_id") | {
        "limit": held.maximum,
        "at": iso(held.at),
        "card": fingerprint(merchant_id, held.card_id),
    }


def _refused(refusals: Iterable[Refusals]) -> list[Line]:
    sums: dict[tuple[str, str], list[int]] = {}
    for refusal in refusals:
        total = sums.setdefault((refusal.scheme, refusal.rule_id), [0, 0, 0])
        for at, number in enumerate((refusal.postponed, refusal.refused, refusal.orders)):
            total[at] += number
    names = ("postponed", "refused", "orders")
    return [
        {"type": "refusal", "scheme": scheme, "rule": rule} | dict(zip(names, numbers, strict=True))
        for (scheme, rule), numbers in sorted(sums.items())
    ]


def _editions(schemes: Iterable[str], span: tuple[datetime, datetime]) -> list[Line]:
    """Lines of the lists of codes that were valid on any day of the month."""
    first, last = span[0].date(), date.fromordinal(span[1].date().toordinal() - 1)
    editions = {
        (row.scheme, row.document, row.edition)
        for row in CODES
        if row.scheme in schemes
        and row.valid_from <= last
        and row.valid_to >= first
        and row.edition
    }
    return [
        {"type": "edition", "scheme": scheme, "document": document, "edition": edition}
        for scheme, document, edition in sorted(editions)
    ]


def _unseen(acceptor: AcceptorCount, reported: Reported, recount: Recount) -> list[Line]:
    counts = acceptor.schemes.values()
    again = sum(count.reported_again for count in counts)
    since = iso(reported.since) if reported.since else None
    unseen: dict[str, int | None] = {
        "merchant_sends": reported.received + sum(count.copied for count in counts),
        "reported_without_rescue": max(0, reported.declined - again),
        "unanswered": sum(count.unanswered for count in counts),
        "acceptor_volume": sum(count.category_3 for count in counts),
        "other_merchants": None,
        "silent_repeats": None,
    }
    unseen |= {"recount": None} if recount.by == "none" else {}
    return [
        {
            "type": "unseen",
            "what": what,
            "since": since if what == "merchant_sends" else None,
            "number": number,
        }
        for what, number in unseen.items()
    ]


def _recounted(recount: Recount) -> list[Line]:
    counted = _members(recount, "by", "sends", "approved", "matched", "counted_only", "differing")
    return [
        {"type": "recount"} | counted,
        *(
            {"type": "difference"} | difference
            for difference in recount.differences[:DIFFERENCES_MAX]
        ),
    ]

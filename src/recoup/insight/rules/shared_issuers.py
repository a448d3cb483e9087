"""What issuers answered over all cells, as `insight/store/issuers` counts it in one."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

from recoup.rescue.rules.facts import MERCHANTS_MIN


class Answered(Protocol):
    @property
    def issuer_digits(self) -> str: ...
    @property
    def owner(self) -> UUID: ...
    @property
    def approved(self) -> int: ...
    @property
    def funds(self) -> int: ...
    @property
    def soft(self) -> int: ...
    @property
    def technical(self) -> int: ...
    @property
    def over_limit(self) -> int: ...
    @property
    def hard(self) -> int: ...


def shared(rows: Iterable[Answered], most: int) -> list[dict[str, Any]]:
    """The issuers that enough owners met, none of whom has more than half; those with the most
    answers. An owner's merchants may be of several cells."""
    by_issuer: dict[str, dict[UUID, list[int]]] = {}
    for row in rows:
        counts = (row.approved, row.funds, row.soft, row.technical, row.over_limit, row.hard)
        owners = by_issuer.setdefault(row.issuer_digits, {})
        before = owners.get(row.owner, [0] * len(counts))
        owners[row.owner] = [a + b for a, b in zip(before, counts, strict=True)]
    several = []
    for digits, owners in by_issuer.items():
        each = [sum(counts) for counts in owners.values()]
        if len(owners) >= MERCHANTS_MIN and 2 * max(each) <= sum(each):
            classes = [stepped(sum(of_class)) for of_class in zip(*owners.values(), strict=True)]
            several.append((-sum(each), digits, len(owners), classes))
    return [
        {"issuer_digits": digits, "merchants": merchants, "answers": classes}
        for _, digits, merchants, classes in islice(sorted(several), most)
    ]


def stepped(number: int) -> int:
    """The highest of 1, 2, 5, 10 and so on up to it; 0 for 0."""
    ten = 10 ** (len(str(number)) - 1)
    return 0 if number == 0 else next(s * ten for s in (5, 2, 1) if number >= s * ten)

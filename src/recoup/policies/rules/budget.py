"""Subjects that a month's sends are counted by, for the budgets of retry policies. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final, Literal

from recoup.kernel.frozen import frozen
from recoup.policies.rules.terms import ScopeKind

Counted = Literal["merchant", "site", "campaign"]
# What a budget of each scope counts: a bound is a ceiling of each merchant, not of several
# together.
COUNTED: Final[Mapping[ScopeKind, Counted]] = {
    "operator": "merchant", "partner": "merchant", "merchant": "merchant", "site": "site",
    "campaign": "campaign",
}  # fmt: skip


@frozen
class MonthSends:
    """Sends of this calendar month (UTC) of an order's merchant, site and campaign; None: no budget
    counts them."""

    merchant: int | None = None
    site: int | None = None
    campaign: int | None = None

    def to_plain(self) -> dict[str, int]:
        return {name: sends for name, sends in asdict(self).items() if sends is not None}

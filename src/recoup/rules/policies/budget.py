"""What a month's sends are counted by, for the budgets of retry policies. Pure."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from recoup.rules.policies.terms import ScopeKind

Counted = Literal["merchant", "site", "campaign"]
# What a budget of each scope counts: a bound is a ceiling of each merchant, not of several together.
COUNTED: Final[Mapping[ScopeKind, Counted]] = {
    "operator": "merchant", "partner": "merchant", "merchant": "merchant", "site": "site", "campaign": "campaign",
}  # fmt: skip


class MonthSends(NamedTuple):
    """Sends of this calendar month (UTC) of an order's merchant, site and campaign; None: no budget counts them."""

    merchant: int | None = None
    site: int | None = None
    campaign: int | None = None

    def to_plain(self) -> dict[str, int]:
        return {name: sends for name, sends in self._asdict().items() if sends is not None}

    @classmethod
    def of_plain(cls, plain: Mapping[str, int]) -> "MonthSends":
        return cls(**plain)

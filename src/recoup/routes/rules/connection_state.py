"""Check whether a merchant's own route may take new charges, by what the last check of its account
found. Pure."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, Protocol

State = Literal["waiting", "connected", "disconnected"]
WARNINGS = frozenset({"own_retries"})  # named, but in nobody's way


class Found(Protocol):
    """`unclear`: nobody answered. `billing`: needed only where the processor's invoices are
    rescued."""

    @property
    def name(self) -> str: ...
    @property
    def ok(self) -> bool: ...
    @property
    def unclear(self) -> bool: ...
    @property
    def billing(self) -> bool: ...


class Needs(NamedTuple):
    """`billing`: its invoices are rescued. Without them nothing waits for a webhook."""

    billing: bool

    def covers(self, finding: Found) -> bool:
        """True when what is missing there is in the way."""
        return finding.name not in WARNINGS and (
            self.billing or not finding.billing and finding.name != "webhook"
        )


def state_after(before: State, findings: Iterable[Found], needs: Needs) -> State:
    """A refusal lets a route wait. What nobody answered lets it stand as it was: an outage is the
    breaker's matter."""
    if before == "disconnected":
        return before
    lacking = [finding for finding in findings if not finding.ok and needs.covers(finding)]
    if any(not finding.unclear for finding in lacking):
        return "waiting"
    return before if lacking else "connected"

"""The context of an order log's line, and its entry in the timeline."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from recoup.kernel.frozen import frozen
from recoup.kernel.money import money
from recoup.kernel.problem import Sentence, shaped
from recoup.kit.languages.times import Times


@frozen
class TimelineEntry:
    """`icon` and `tone` are the timeline's shape and colour; `kind` the tab that shows it:
    attempts, money, other."""

    title: str
    text: str = ""
    icon: str = "info"
    tone: str = ""
    kind: str = "other"


@frozen
class LogContext:
    """Context that a line can speak of: its body, the order's asset and card scheme, and the
    merchant's now."""

    body: Mapping[str, Any]
    asset: str
    units: int
    scheme: str
    now: datetime
    expires_at: datetime | None
    sent_text: str | None = None
    zone: str = "GMT"

    def get(self, name: str) -> str:
        value = self.body.get(name)
        return "" if value is None else str(value)

    def amount(self, name: str = "units") -> str:
        said = self.body.get(name)
        units = self.units if said is None else int(said)
        return f"{money(units, self.asset, self.sent_text)} {self.asset}"

    def moment(self, name: str) -> str:
        try:
            return self.when(datetime.fromisoformat(self.get(name)))
        except ValueError:
            return ""

    def when(self, moment: datetime) -> str:
        return Times(self.zone, self.now).part(moment)

    @property
    def attempt(self) -> str:
        return Sentence("Attempt {0}", self.get("number") or "?")


def plain(
    title: str, text: str = "", icon: str = "info", tone: str = "", kind: str = "other"
) -> Callable[[LogContext], TimelineEntry]:
    """A title and a text with the attempt, the amount, the route and why."""
    return lambda context: TimelineEntry(
        shaped(title, attempt=context.attempt, amount=context.amount()),
        shaped(
            text,
            why=context.get("why"),
            route=context.get("route") or "the processor",
            amount=context.amount(),
        ),
        icon,
        tone,
        kind,
    )

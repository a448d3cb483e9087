"""Terms of one version of a retry policy: what somebody set at one scope, as data. What is not set
leaves the wider scope's.

As plain data it is lines under their keys (`tries.all`), nested by the dots: the same in a TOML
file, in the API and in the database.
"""

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any, Final, Literal, NamedTuple

from recoup.kernel.frozen import frozen
from recoup.policies.rules.policy import Group

ScopeKind = Literal["operator", "partner", "merchant", "site", "campaign"]
SCOPES: Final[tuple[ScopeKind, ...]] = (
    "operator",
    "partner",
    "merchant",
    "site",
    "campaign",
)  # the widest first
OWN: Final = frozenset(
    {"merchant", "site", "campaign"}
)  # they set; the wider ones bound what these may set
GROUPS: Final[tuple[Group, ...]] = ("technical", "soft", "funds", "limits")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Link = Literal["off", "last", "beside"]
LINKS: Final[tuple[Link, ...]] = ("off", "last", "beside")  # the narrowest first
ArmMost = Literal["off", "shadow", "share"]
ARMS: Final[tuple[ArmMost, ...]] = ("off", "shadow", "share")  # the narrowest first
DAY_MINUTES: Final = 24 * 60


class Hours(NamedTuple):
    """Minutes of the local day, from the first up to the last, which is not of them; over midnight
    where it is less."""

    start: int
    end: int

    def text(self) -> str:
        return f"{clock(self.start)}-{clock(self.end)}"


@frozen
class PolicyTerms:
    """`hours`, `days` (0: Monday): when the card holder's local time lets a try leave, any where
    there are none. `gap`: minutes between two sends of an order at least. `last_day`: days after
    the decline, with the last of which tries end. Amounts by currency, in units. `codes` are never
    tried; `routes`: the only ones, any where there are none. `budget`: sends in a calendar month.
    `send_cost`: minor units of a send; `harm`: what a send costs beside, as hundredths of a percent
    of the amount. `arm`: the most that the engine does about new orders; `share`: the most percent
    of customers for whom it decides; `explore`: the most percent of its decisions that are
    drawn."""

    off: bool = False
    tries: int | None = None
    group_tries: Mapping[Group, int] = field(default_factory=dict)
    hours: tuple[Hours, ...] = ()
    days: tuple[int, ...] = ()
    gap: int | None = None
    last_day: int | None = None
    amount_min: Mapping[str, int] = field(default_factory=dict)
    amount_max: Mapping[str, int] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    budget: int | None = None
    send_cost: int | None = None
    harm: int | None = None
    link: Link | None = None
    arm: ArmMost | None = None
    share: int | None = None
    explore: int | None = None

    def lines(self) -> dict[str, Any]:
        """The lines that are set, by key, in the order of a file; plain values."""
        lines: dict[str, Any] = {"off": True if self.off else None, "link": self.link}
        lines |= {
            "tries.all": self.tries,
            **{f"tries.{name}": self.group_tries.get(name) for name in GROUPS},
        }
        lines |= {
            "when.hours": [hour.text() for hour in self.hours],
            "when.days": [DAYS[day] for day in self.days],
            "when.gap": None if self.gap is None else duration(self.gap),
            "when.last": self.last_day,
            "amounts.min": dict(sorted(self.amount_min.items())),
            "amounts.max": dict(sorted(self.amount_max.items())),
            "codes.never": list(self.codes),
            "routes.only": list(self.routes),
            "budget.sends": self.budget,
            "cost.send": self.send_cost,
            "cost.harm": None if self.harm is None else _percent(self.harm),
            "engine.arm": self.arm,
            "engine.share": self.share,
            "engine.explore": self.explore,
        }
        return {
            key: value
            for key, value in lines.items()
            if value is not None and value not in ([], {})
        }

    def without(self, line: str) -> "PolicyTerms":
        attribute, _, group = ATTRIBUTES[line].partition(".")
        if group:
            return replace(
                self,
                group_tries={
                    name: number for name, number in self.group_tries.items() if name != group
                },
            )
        return replace(self, **{attribute: getattr(NOTHING_SET, attribute)})

    def to_plain(self) -> dict[str, Any]:
        """Nested by the dots of the keys; `read.read_policy` reads it back."""
        nested: dict[str, Any] = {}
        for key, value in self.lines().items():
            place, name = nested, key
            if "." in key:
                table, name = key.split(".")
                place = nested.setdefault(table, {})
            place[name] = value
        return nested


# key -> the attribute that holds it, in the order of a file
ATTRIBUTES: Final[Mapping[str, str]] = {
    "off": "off", "link": "link", "tries.all": "tries",
    **{f"tries.{name}": f"group_tries.{name}" for name in GROUPS},
    "when.hours": "hours", "when.days": "days", "when.gap": "gap", "when.last": "last_day",
    "amounts.min": "amount_min", "amounts.max": "amount_max", "codes.never": "codes",
    "routes.only": "routes",
    "budget.sends": "budget", "cost.send": "send_cost", "cost.harm": "harm",
    "engine.arm": "arm", "engine.share": "share", "engine.explore": "explore",
}  # fmt: skip
NOTHING_SET: Final = PolicyTerms()


def clock(minute: int) -> str:
    """`07:00`; the day ends at `24:00`."""
    return f"{minute // 60:02}:{minute % 60:02}"


def duration(minutes: int) -> str:
    """`2d`, `6h`, `90m`: the largest unit that says it in full."""
    if minutes and minutes % DAY_MINUTES == 0:
        return f"{minutes // DAY_MINUTES}d"
    return f"{minutes // 60}h" if minutes and minutes % 60 == 0 else f"{minutes}m"


def _percent(hundredths: int) -> int | float:
    return hundredths // 100 if hundredths % 100 == 0 else hundredths / 100


@frozen
class Complaint:
    """`line`: its key, `tries.soft`. `why`: a sentence. `mend`: makes of terms the nearest that
    could stand there."""

    line: str
    why: str
    mend: Callable[[PolicyTerms], PolicyTerms]

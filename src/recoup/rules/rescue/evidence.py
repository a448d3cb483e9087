"""What a decision knows, and what it says. Both turn into JSON and back without loss, so that any can be
replayed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal

from recoup.kernel.time import BusinessTime
from recoup.rules.network.codes import Reading
from recoup.rules.network.tables import KNOWLEDGE_VERSION
from recoup.rules.policies.budget import MonthSends
from recoup.rules.rescue.engine.facts import Facts
from recoup.rules.rescue.engine.links import LinkInput
from recoup.rules.rescue.engine.parts import PartInput
from recoup.rules.rescue.policy import Group, group_of
from recoup.rules.rescue.verdict import Alternative, Verdict

Kind = Literal["cit", "sync_mit", "managed_mit"]

_TIMES: Final = ("first_declined_at", "started_at", "now", "expires_at", "due_at")


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt of the order: the group of the decline that it answered, and when it was sent."""

    group: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """The inputs of one decision. Times are business time, aware; `units` the currency's minor unit.

    `reading` is the last decline. `first_declined_at` is the payment that came in, `started_at` when the
    rescue began. `due_at` is the planned instant that has come, when that is why the question is asked.
    `utc_offset` is minutes east of UTC at the card holder. `magic_first_send`: a sandbox card documented to
    approve at its first send. `attempts` are oldest first. `challenge_tries`: how often the customer has answered.
    `facts`: what the engine knows beside them; None where the schedules decide. `payer_link`: the payer gets a link by
    mail, and another card may pay. `link`: a link may be mailed beside the tries.
    `other_card`: another card of the customer may be tried. `month_sends`: what the budgets of its policies count in
    this calendar month, where there are some. `parts`: the merchant allows a part of the amount. `may_confirm`,
    `may_enter_card`: of a decline by which the bank wants a confirmation: whether any route can ask for it, and whether
    their page takes the number of another card.
    """

    kind: Kind
    reading: Reading
    first_declined_at: datetime
    started_at: datetime
    now: datetime
    expires_at: datetime
    units: int
    currency: str
    attempts: tuple[Tried, ...] = ()
    due_at: datetime | None = None
    funding: Literal["credit", "debit"] | None = None
    utc_offset: int = -480
    magic_first_send: bool = False
    knowledge: str = KNOWLEDGE_VERSION
    challenge_tries: int = 0
    facts: Facts | None = None
    payer_link: bool = False
    link: LinkInput | None = None
    other_card: bool = False
    month_sends: MonthSends | None = None
    parts: PartInput | None = None
    may_confirm: bool = True
    may_enter_card: bool = True

    def features(self) -> dict[str, Any]:
        """JSON-able, without personal data; `from_dict` gives the same evidence back."""
        plain = _shallow(self)
        plain["reading"] = _shallow(self.reading)
        for name in _TIMES:
            moment = getattr(self, name)
            plain[name] = moment.isoformat() if moment else None
        plain["attempts"] = [{"group": one.group, "at": one.at.isoformat()} for one in self.attempts]
        del plain["facts"], plain["link"], plain["parts"], plain["month_sends"]
        for name in ("payer_link", "other_card"):
            if not plain[name]:
                del plain[name]
        for name in ("may_confirm", "may_enter_card"):
            if plain[name]:
                del plain[name]
        plain |= {"month_sends": self.month_sends.to_plain()} if self.month_sends else {}
        plain |= {"link": self.link.to_dict()} if self.link else {}
        plain |= {"parts": self.parts.to_dict()} if self.parts else {}
        return plain | {"facts": self.facts.to_dict()} if self.facts else plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Evidence":
        values = dict(plain)
        for name in _TIMES:
            values[name] = datetime.fromisoformat(values[name]) if values[name] else None
        values["attempts"] = tuple(Tried(one["group"], datetime.fromisoformat(one["at"])) for one in values["attempts"])
        values["reading"] = Reading(**values["reading"])
        values["link"] = LinkInput(**plain["link"]) if "link" in plain else None
        values["month_sends"] = MonthSends.of_plain(plain["month_sends"]) if "month_sends" in plain else None
        values["parts"] = PartInput(**plain["parts"]) if "parts" in plain else None
        values["facts"] = Facts.from_dict(plain["facts"]) if "facts" in plain else None
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Decision:
    """What any decider answers. `plan` holds the due times still to come (UTC; a schedule's are full minutes before
    expiry). `group` is the schedule that the next attempt belongs to: store it with the attempt, it becomes
    `Tried.group`. `versions` names decider, policy, knowledge and model. `reasons` are plain sentences for merchants;
    the first says what was decided, the last what would have changed it. `taken`: which of the `alternatives` was
    chosen, where a decision chose among them.
    """

    verdict: Verdict
    plan: tuple[BusinessTime, ...]
    group: Group | None
    reasons: tuple[str, ...]
    rules: tuple[str, ...]
    versions: Mapping[str, str | None]
    alternatives: tuple[Alternative, ...]
    taken: str | None = None

    @property
    def next_attempt_at(self) -> BusinessTime | None:
        return self.plan[0] if self.plan else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, as it is stored."""
        plain = _shallow(self)
        plain["plan"] = [moment.isoformat() for moment in self.plan]
        plain["alternatives"] = [_shallow(one) for one in self.alternatives]
        return plain


def _shallow(value: Any) -> dict[str, Any]:
    """Fields by name; `asdict` would copy each value deeply, and this runs for every decision."""
    return {one.name: getattr(value, one.name) for one in fields(value)}


def tried(declines: Sequence[Reading], sent_at: Sequence[datetime]) -> tuple[Tried, ...]:
    """The attempts of an order with the group each answered: `declines[i]` is what attempt i was the answer
    to, the first being the payment that came in.
    """
    return tuple(Tried(group_of(one) or one.klass, at) for one, at in zip(declines, sent_at, strict=False))

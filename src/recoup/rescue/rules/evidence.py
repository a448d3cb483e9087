"""Evidence of a decision. It turns into JSON and back without loss, so that any can be replayed."""

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Final, Literal

from recoup.kernel.stored import Stored, plain
from recoup.networks.codes import Reading
from recoup.networks.tables import KNOWLEDGE_VERSION
from recoup.policies.rules.budget import MonthSends
from recoup.policies.rules.policy import group_of
from recoup.rescue.rules.amount import inputs_in
from recoup.rescue.rules.facts import Facts
from recoup.rescue.rules.links import LinkInput

Kind = Literal["cit", "sync_mit", "managed_mit"]

_LEFT_OUT: Final = frozenset({
    "facts", "payer_link", "link", "other_card", "month_sends", "may_confirm", "may_enter_card",
    "card_rests_until", "card_sends",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt of the order: the group of the decline that it answered, and when it was sent."""

    group: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Evidence(Stored):
    """The inputs of one decision. Times are business time, aware; `units` the currency's minor
    unit.

    `reading` is the last decline. `first_declined_at` is the payment that came in, `started_at`
    when the rescue began. `due_at` is the planned instant that has come, when that is why the
    question is asked. `utc_offset` is minutes east of UTC at the card holder. `magic_first_send`: a
    sandbox card documented to approve at its first send. `attempts` are oldest first.
    `challenge_tries`: how often the customer has answered. `facts`: what the engine knows beside
    them; None where the schedules decide. `payer_link`: the payer gets a link by mail, and another
    card may pay. `link`: a link may be mailed beside the tries. `other_card`: another card of the
    customer may be tried. `month_sends`: what the budgets of its policies count in this calendar
    month, where there are some. `of_features`: what they decide the amount by. `may_confirm`,
    `may_enter_card`: of a decline by which the bank wants a confirmation: whether any route can ask
    for it, and whether their page takes the number of another card. `card_rests_until`: since
    another order of the merchant was declined on the card for lack of money; `card_sends`: how
    often its other orders were sent beside this one.
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
    of_features: Mapping[str, Any] = field(default_factory=dict)
    may_confirm: bool = True
    may_enter_card: bool = True
    card_rests_until: datetime | None = None
    card_sends: int = 0

    def features(self) -> dict[str, Any]:
        """Features of the evidence, without what is as usual."""
        features = {
            field.name: plain(getattr(self, field.name))
            for field in fields(self)
            if not self._is_usual(field)
        }
        features |= {"month_sends": self.month_sends.to_plain()} if self.month_sends else {}
        features |= {name: given.features() for name, given in self.of_features.items()}
        return features | {"facts": self.facts.features()} if self.facts else features

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Evidence":
        beside = stored.keys() - cls.__dataclass_fields__.keys()
        evidence = super(Evidence, cls).from_dict(
            {name: stored[name] for name in stored if name not in beside}
        )
        return (
            replace(evidence, of_features=inputs_in({name: stored[name] for name in beside}))
            if beside
            else evidence
        )

    def _is_usual(self, field: Field[Any]) -> bool:
        return (
            field.name == "of_features"
            or field.name in _LEFT_OUT
            and getattr(self, field.name) == field.default
        )


def tried(declines: Sequence[Reading], sent_at: Sequence[datetime]) -> tuple[Tried, ...]:
    """The attempts of an order with the group each answered: `declines[i]` is what attempt i was
    the answer to, the first being the payment that came in."""
    return tuple(
        Tried(group_of(decline) or decline.klass, at)
        for decline, at in zip(declines, sent_at, strict=False)
    )

"""The learned model, as data: coefficients that turn what is known of a payment into chances.

Two things decide whether a bank approves: whether money is there (by the payer's rhythm), and
whether the bank refuses all the same (its habits, what was tried before). An order may also be
held: then nothing is approved until that has mended, if it ever does. Logits add up; `bins` says
which bin is which. Chances are no money: floats, by sums and products alone.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta

from recoup.engine.bins import GAP, HOLDS, HOURS, IDLE, SINCE, STANDINGS, TRIES, WEEKDAYS
from recoup.engine.rhythms import RHYTHMS
from recoup.kernel.encode import to_plain
from recoup.rescue.rules.answer_classes import CLASSES
from recoup.rescue.rules.model import BadModel, Charge, Collected

if TYPE_CHECKING:
    from recoup.orders.rules.decision import Decision
    from recoup.policies.rules.in_force import InForce
    from recoup.policies.rules.policy import Pricing
    from recoup.rescue.rules.evidence import Evidence
    from recoup.rescue.rules.facts import Facts

FORMAT: Final = 4
FORMATS: Final = (2, 3, FORMAT)  # that are read; of older ones by causes alone
_SUM_OFF: Final = 0.001  # each is rounded


_CLASSES: Final = len(CLASSES)
Logit = Annotated[float, Meta(ge=-30.0, le=30.0)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Times = Annotated[float, Meta(ge=0.0, le=100.0)]
Hours = Annotated[float, Meta(ge=0.0, le=240.0)]
Count = Annotated[int, Meta(ge=1)]


def _of(length: int) -> Meta:
    return Meta(min_length=length, max_length=length)


ByGap = Annotated[tuple[Logit, ...], _of(len(GAP))]
ByHour = Annotated[tuple[Logit, ...], _of(HOURS)]
ByWeekday = Annotated[tuple[Logit, ...], _of(WEEKDAYS)]
SinceBins = Annotated[tuple[Logit, ...], _of(len(SINCE))]
IdleBins = Annotated[tuple[Logit, ...], _of(len(IDLE))]
ByStanding = Annotated[tuple[Logit, ...], _of(STANDINGS)]
Holding = Annotated[tuple[Share, ...], _of(len(HOLDS) + 1)]
Answers = Annotated[tuple[Share, ...], _of(_CLASSES)]
Rhythms = Annotated[tuple[Share, ...], _of(len(RHYTHMS))]
Against = Annotated[tuple[Times, ...], _of(len(HOLDS) + 1)]


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Logits of money being there. `since`: by hours since posting, zone of the card holder known
    or not; `stale`: no posting since money was last asked for, which then was missing or not told;
    `after`: of further tries, by how money then stood (`bins.THERE` and the others); `irregular`:
    of payers without pay days, by that and the hours since. `lean`: the share of first payments, by
    the same, that meet a time of little money; at others it is there."""

    since: tuple[SinceBins, SinceBins]
    stale: tuple[ByGap, ByGap]
    after: ByStanding
    irregular: Annotated[tuple[IdleBins, ...], _of(STANDINGS)]
    ample: Logit
    lean: Annotated[tuple[Share, ...], _of(STANDINGS)]


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Logits of the bank refusing although money is there. `after`: by class of the payer's attempt
    before, and gap."""

    first: Logit
    after: Annotated[tuple[ByGap, ...], _of(_CLASSES)]
    tries: Annotated[tuple[Logit, ...], _of(TRIES)]
    hours: ByHour
    weekdays: ByWeekday
    new_day: Logit
    new_month: Logit


class Issuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Differences of one issuer: logits to add, its generic share, and by class of the first
    decline how much likelier each length of a hold is than elsewhere."""

    attempts: int
    refusal: Logit
    hours: ByHour
    weekdays: ByWeekday
    generic: Share
    holds: Annotated[tuple[Against, ...], _of(_CLASSES)]


class Regression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Regression over past attempts together, as `regression` is asked. `weight`: of its chance
    beside the one by causes, from 0 to 1; it grows with `tries`, from which it was learned. `pays`:
    how payments and retries end by the payers' hypotheses, kind × outcome × level × bin; `habits`:
    shares of those. `keys`: codes of first declines, `issuers`: those with lines of their own, each
    counted from 1. `tables`: as `blocks.sizes`; `lines`: weights of `blocks.lines`. `nodes`: shares
    of orders, class of the first decline × key × node. `slots`: of three hours at the card holder,
    those that were tried."""

    tries: int
    weight: float
    pays: tuple[float, ...]
    habits: tuple[float, ...]
    keys: tuple[str, ...]
    issuers: tuple[str, ...]
    bias: float
    tables: dict[str, tuple[float, ...]]
    lines: tuple[float, ...]
    nodes: tuple[float, ...]
    slots: tuple[bool, ...]


class Learned(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`generic`: how often missing money is told as a generic decline. `holds`: by class of the
    first decline, and by its code, how likely each length of a hold is (`bins.HOLDS`, the last: for
    good). `held_answers`: how tries are answered while an order is held, by class of the first
    decline. `regression`: None where the tries were too few. `rest`, `rest_again`: hours after a
    failure, and after a further one, before which no try is made, unless the answer was technical
    or a limit."""

    format: int
    made_from: str
    data_from: str
    data_until: str
    attempts: Count
    payers: Count
    money: Money
    refusal: Refusal
    rhythms: tuple[Rhythms, Rhythms]
    generic: Share
    holds: Annotated[tuple[Holding, ...], _of(_CLASSES)]
    holds_by_code: dict[str, Holding]
    held_answers: Annotated[tuple[Answers, ...], _of(_CLASSES)]
    issuers: dict[str, Issuer]
    regression: Regression | None = None
    rest: Hours = 0.0
    rest_again: Hours = 0.0


class _Made(msgspec.Struct, frozen=True):
    format: int


@dataclass(frozen=True)
class Model:
    """`learned` under the name that its content gives it; or `given`, where a part of the content
    is not read."""

    learned: Learned
    given: str | None = None
    _kept: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def __reduce__(self) -> tuple[type["Model"], tuple[Learned, str | None]]:
        """Pickles the model without what was worked out of it."""
        return Model, (self.learned, self.given)

    @cached_property
    def name(self) -> str:
        return self.given or _name_of(self.to_json())

    def to_json(self) -> bytes:
        return json.dumps(to_plain(self.learned), sort_keys=True, separators=(",", ":")).encode()

    @property
    def tables(self) -> dict[Any, Any]:
        """Tables that `chances` has worked out of this model."""
        return self._kept

    def decide(
        self, evidence: "Evidence", pricing: "Pricing", within: "InForce | None" = None
    ) -> "Decision":
        from recoup.engine.decide import decide

        return decide(evidence, pricing, self, within)

    def chances_at(self, facts: "Facts", utc_offset: int, instants: Sequence[float]) -> list[float]:
        from recoup.engine.mixed import chances_at

        return chances_at(self, facts, utc_offset, instants)

    def expected_under(self, plan: "Decision", evidence: "Evidence") -> float:
        from recoup.engine.expected import expected_under

        return expected_under(plan, evidence, self)

    def collected(self, charges: Sequence[Charge], facts: "Facts", utc_offset: int) -> Collected:
        from recoup.engine.lower_bound import collected

        return collected(charges, facts, utc_offset, self)

    def outside(self, facts: "Facts", now: datetime) -> list[str]:
        from recoup.engine.words import outside

        return outside(facts, now, self)

    def pooled(self) -> "Model":
        return checked(msgspec.structs.replace(self.learned, issuers={}, regression=None))


def _adds_up(shares: Sequence[float]) -> bool:
    total = 0.0
    for share in shares:
        total += share
    return abs(total - 1.0) <= _SUM_OFF


def _name_of(content: bytes) -> str:
    return "model-" + hashlib.sha256(content).hexdigest()[:12]


def model_of(content: bytes) -> Model:
    """Raises: BadModel."""
    try:
        made = msgspec.json.decode(content, type=_Made)
        if made.format not in FORMATS:
            raise BadModel(
                f"The model has format {made.format}; this release reads {FORMATS[0]} to {FORMAT}."
            )
        if made.format < FORMAT:
            plain = msgspec.json.decode(content)
            older = msgspec.convert(
                {name: field for name, field in plain.items() if name != "regression"}, Learned
            )
            return replace(checked(older), given=_name_of(content))
        learned = msgspec.json.decode(content, type=Learned)
    except msgspec.MsgspecError as error:
        raise BadModel(f"The model cannot be read: {error}.") from None
    return checked(learned)


def checked(learned: Learned) -> Model:
    """Raises: BadModel where what its types do not say is wrong: a day that is none, shares that
    are no whole."""
    from recoup.engine.regression import wrong_in  # arrays, without which none decides

    try:
        ahead = date.fromisoformat(learned.data_from) > date.fromisoformat(learned.data_until)
    except ValueError:
        raise BadModel("data_from and data_until need dates, as 2026-11-30.") from None
    if ahead:
        raise BadModel("data_from must not be after data_until.")
    every = (
        *learned.rhythms,
        *learned.holds,
        *learned.holds_by_code.values(),
        *learned.held_answers,
    )
    if not all(map(_adds_up, every)):
        raise BadModel(
            "Each row of rhythms, holds, holds_by_code and held_answers must add up to 1."
        )
    if learned.regression is not None and (wrong := wrong_in(learned.regression)):
        raise BadModel(wrong)
    return Model(learned)

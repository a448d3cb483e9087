"""What was learned, as data: coefficients that turn what is known of a payment into chances.

Two things decide whether a bank approves: whether money is there (by the payer's rhythm), and whether the bank refuses
all the same (its habits, what was tried before). An order may also be held: then nothing is approved until that has
mended, if it ever does. Logits add up; `bins` says which bin is which. Chances are no money: floats, by sums and
products alone.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import msgspec

from recoup.core.kit.model import BadModel, Charge, Collected
from recoup.features.engine.bins import GAP, HOLDS, HOURS, IDLE, SINCE, STANDINGS, TRIES, WEEKDAYS
from recoup.features.engine.rhythms import RHYTHMS
from recoup.kernel.encode import to_plain
from recoup.rules.rescue.answer_classes import CLASSES

if TYPE_CHECKING:
    from recoup.rules.policies.in_force import InForce
    from recoup.rules.rescue.evidence import Decision, Evidence
    from recoup.rules.rescue.facts import Facts
    from recoup.rules.rescue.pricing import Pricing

FORMAT: Final = 4
FORMATS: Final = (2, 3, FORMAT)  # that are read; of older ones by causes alone
_LOGIT_MAX: Final = 30.0
_REST_MAX: Final = 240.0


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Logits of money being there. `since`: by hours since posting, zone of the card holder known or not; `stale`: no
    posting since money was last asked for, which then was missing or not told; `after`: of further tries, by how money
    then stood (`bins.THERE` and the others); `irregular`: of payers without pay days, by that and the hours since.
    `lean`: the share of first payments, by the same, that meet a time of little money; at others it is there."""

    since: tuple[tuple[float, ...], tuple[float, ...]]
    stale: tuple[tuple[float, ...], tuple[float, ...]]
    after: tuple[float, ...]
    irregular: tuple[tuple[float, ...], ...]
    ample: float
    lean: tuple[float, ...]


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Logits of the bank refusing although money is there. `after`: by class of the payer's attempt before, and gap."""

    first: float
    after: tuple[tuple[float, ...], ...]
    tries: tuple[float, ...]
    hours: tuple[float, ...]
    weekdays: tuple[float, ...]
    new_day: float
    new_month: float


class Issuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one issuer differs: logits to add, its generic share, and by class of the first decline how much likelier
    each length of a hold is than elsewhere."""

    attempts: int
    refusal: float
    hours: tuple[float, ...]
    weekdays: tuple[float, ...]
    generic: float
    holds: tuple[tuple[float, ...], ...]


class Regression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What tries of the past say together, as `regression` is asked. `weight`: of its chance beside the one by causes,
    from 0 to 1; it grows with `tries`, from which it was learned. `pays`: how payments and tries end by the payers'
    hypotheses, kind × outcome × level × bin; `habits`: shares of those. `keys`: codes of first declines, `issuers`:
    those with lines of their own, each counted from 1. `tables`: as `blocks.sizes`; `lines`: weights of `blocks.lines`.
    `nodes`: shares of orders, class of the first decline × key × node. `slots`: of three hours at the card holder,
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
    """`generic`: how often missing money is told as a generic decline. `holds`: by class of the first decline, and by
    its code, how likely each length of a hold is (`bins.HOLDS`, the last: for good). `held_answers`: how tries are
    answered while an order is held, by class of the first decline. `regression`: None where the tries were too few.
    `rest`, `rest_again`: hours after a failure, and after a further one, before which no try is made, unless the answer
    was technical or a limit."""

    format: int
    made_from: str
    data_from: str
    data_until: str
    attempts: int
    payers: int
    money: Money
    refusal: Refusal
    rhythms: tuple[tuple[float, ...], tuple[float, ...]]
    generic: float
    holds: tuple[tuple[float, ...], ...]
    holds_by_code: dict[str, tuple[float, ...]]
    held_answers: tuple[tuple[float, ...], ...]
    issuers: dict[str, Issuer]
    regression: Regression | None = None
    rest: float = 0.0
    rest_again: float = 0.0


class _Made(msgspec.Struct, frozen=True):
    format: int


@dataclass(frozen=True)
class Model:
    """`learned` under the name that its content gives it; or `given`, where a part of the content is not read."""

    learned: Learned
    given: str | None = None
    _kept: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def __reduce__(self) -> tuple[type["Model"], tuple[Learned, str | None]]:
        """Without what was worked out of it."""
        return Model, (self.learned, self.given)

    @cached_property
    def name(self) -> str:
        return self.given or _name_of(self.to_json())

    def to_json(self) -> bytes:
        return json.dumps(to_plain(self.learned), sort_keys=True, separators=(",", ":")).encode()

    @property
    def tables(self) -> dict[Any, Any]:
        """Where `chances` keeps what it has worked out of this model."""
        return self._kept

    def decide(self, evidence: "Evidence", pricing: "Pricing", within: "InForce | None" = None) -> "Decision":
        from recoup.features.engine.decide import decide

        return decide(evidence, pricing, self, within)

    def chances_at(self, facts: "Facts", utc_offset: int, instants: Sequence[float]) -> list[float]:
        from recoup.features.engine.mixed import chances_at

        return chances_at(self, facts, utc_offset, instants)

    def expected_under(self, plan: "Decision", evidence: "Evidence") -> float:
        from recoup.features.engine.expected import expected_under

        return expected_under(plan, evidence, self)

    def collected(self, charges: Sequence[Charge], facts: "Facts", utc_offset: int) -> Collected:
        from recoup.features.engine.lower_bound import collected

        return collected(charges, facts, utc_offset, self)

    def outside(self, facts: "Facts", now: datetime) -> list[str]:
        from recoup.features.engine.words import outside

        return outside(facts, now, self)

    def pooled(self) -> "Model":
        return checked(msgspec.structs.replace(self.learned, issuers={}, regression=None))


def _name_of(content: bytes) -> str:
    return "model-" + hashlib.sha256(content).hexdigest()[:12]


def model_of(content: bytes) -> Model:
    """Raises: BadModel."""
    try:
        made = msgspec.json.decode(content, type=_Made)
        if made.format not in FORMATS:
            raise BadModel(f"The model has format {made.format}; this release reads {FORMATS[0]} to {FORMAT}.")
        if made.format < FORMAT:
            plain = msgspec.json.decode(content)
            older = msgspec.convert({name: one for name, one in plain.items() if name != "regression"}, Learned)
            return replace(checked(older), given=_name_of(content))
        learned = msgspec.json.decode(content, type=Learned)
    except msgspec.MsgspecError as error:
        raise BadModel(f"The model cannot be read: {error}.") from None
    return checked(learned)


def checked(learned: Learned) -> Model:
    """Raises: BadModel where a list has another length than its bins, or a number is none that training makes."""
    money, refusal, classes = learned.money, learned.refusal, len(CLASSES)
    logits: dict[str, tuple[tuple[float, ...], int]] = {
        "money.since[0]": (money.since[0], len(SINCE)),
        "money.since[1]": (money.since[1], len(SINCE)),
        "money.stale[0]": (money.stale[0], len(GAP)),
        "money.stale[1]": (money.stale[1], len(GAP)),
        "money.after": (money.after, STANDINGS),
        "refusal.tries": (refusal.tries, TRIES),
        "refusal.hours": (refusal.hours, HOURS),
        "refusal.weekdays": (refusal.weekdays, WEEKDAYS),
        **{f"money.irregular[{n}]": (row, len(IDLE)) for n, row in enumerate(money.irregular)},
        **{f"refusal.after[{n}]": (row, len(GAP)) for n, row in enumerate(refusal.after)},
    }
    for key, issuer in learned.issuers.items():
        logits[f"issuers[{key}].hours"] = (issuer.hours, HOURS)
        logits[f"issuers[{key}].weekdays"] = (issuer.weekdays, WEEKDAYS)
    for name, (row, length) in logits.items():
        if len(row) != length or not all(-_LOGIT_MAX <= one <= _LOGIT_MAX for one in row):
            raise BadModel(f"{name} needs {length} numbers from -30 to 30.")
    lengths = len(HOLDS) + 1
    shares: Mapping[str, tuple[tuple[float, ...], int]] = {
        "money.lean": (money.lean, STANDINGS),
        **{f"rhythms[{n}]": (row, len(RHYTHMS)) for n, row in enumerate(learned.rhythms)},
        **{f"holds[{n}]": (row, lengths) for n, row in enumerate(learned.holds)},
        **{f"holds_by_code[{key}]": (row, lengths) for key, row in learned.holds_by_code.items()},
        **{f"held_answers[{n}]": (row, classes) for n, row in enumerate(learned.held_answers)},
    }
    for name, (row, length) in shares.items():
        if len(row) != length or not all(0.0 <= one <= 1.0 for one in row):
            raise BadModel(f"{name} needs {length} numbers from 0 to 1.")
    tables = {"refusal.after": refusal.after, "holds": learned.holds, "held_answers": learned.held_answers}
    tables |= {f"issuers[{key}].holds": issuer.holds for key, issuer in learned.issuers.items()}
    if len(money.irregular) != STANDINGS:
        raise BadModel(f"money.irregular needs {STANDINGS} rows.")
    for name, rows in tables.items():
        if len(rows) != classes:
            raise BadModel(f"{name} needs {classes} rows.")
    if not all(0.0 <= one <= _REST_MAX for one in (learned.rest, learned.rest_again)):
        raise BadModel(f"rest and rest_again need hours from 0 to {_REST_MAX:g}.")
    if learned.regression is not None:
        from recoup.features.engine.regression import wrong_in

        if wrong := wrong_in(learned.regression):
            raise BadModel(wrong)
    return Model(learned)

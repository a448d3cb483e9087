"""Interface of a model that decides, and how the core asks it. The feature that learns brings the
models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from recoup.kernel.feature import Place
from recoup.policies.rules.in_force import InForce

if TYPE_CHECKING:
    from recoup.orders.rules.decision import Decision
    from recoup.policies.rules.policy import Pricing
    from recoup.rescue.rules.evidence import Evidence
    from recoup.rescue.rules.facts import Facts


class BadModel(ValueError):
    """The message says what is wrong with it."""


class NotRead(BadModel):
    """A model that is sound, but that this machine lacks the means to read."""


class Charge(NamedTuple):
    """A charge. `at_most`: a cap on its chance, of one whose answer is overdue."""

    at: datetime
    at_most: float = 1.0


class Collected(NamedTuple):
    """Chances from 0 to 1; `lower` is never above `mean`. `known`: how many answers it rests on,
    tries of the order and looks; the payment that came in is left out."""

    mean: float
    lower: float
    known: int


class Learned(Protocol):
    """Data that a model was learned from. Days are ISO dates."""

    @property
    def made_from(self) -> str: ...
    @property
    def data_from(self) -> str: ...
    @property
    def data_until(self) -> str: ...
    @property
    def attempts(self) -> int: ...
    @property
    def payers(self) -> int: ...


class Model(Protocol):
    """A model. Chances are from 0 to 1; instants of `chances_at` are hours since 1970; `utc_offset`
    counts minutes, where the facts name no zone. All but `outside` raise ArithmeticError,
    LookupError or ValueError for numbers that lead nowhere.

    `decide`: when to try again, if at all, within the policies that were set. `expected_under`:
    that a plan recovers the order; `collected`: that one of the charges does, oldest first.
    `outside`: sentences on what it has not seen. `pooled`: the same without what it learned of
    single issuers.
    """

    @property
    def name(self) -> str: ...
    @property
    def learned(self) -> Learned: ...
    def to_json(self) -> bytes: ...
    def decide(
        self, evidence: "Evidence", pricing: "Pricing", within: InForce | None = None
    ) -> "Decision": ...
    def chances_at(
        self, facts: "Facts", utc_offset: int, instants: Sequence[float]
    ) -> list[float]: ...
    def expected_under(self, plan: "Decision", evidence: "Evidence") -> float: ...
    def collected(
        self, charges: Sequence[Charge], facts: "Facts", utc_offset: int
    ) -> Collected: ...
    def outside(self, facts: "Facts", now: datetime) -> list[str]: ...
    def pooled(self) -> "Model": ...


Wrong = tuple[str, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """`versions`: deciders whose decisions a model makes again. `past`: those whose models are no
    longer read, each with what finds the part of a stored decision that does not follow from the
    rest: its name, what would, what is stored. `read` raises BadModel."""

    versions: frozenset[str]
    past: "Mapping[str, Callable[..., Wrong | None]]"
    read: Callable[[bytes], Model]


ENGINE: Final = Place[Engine]("engine")  # none: the fixed schedule decides


def read_model(content: bytes) -> Model:
    """Raises: BadModel."""
    if (engine := ENGINE.first()) is None:
        raise NotRead("No feature here reads models.")
    try:
        return engine.read(content)
    except ImportError as error:
        raise NotRead(f"{error.name or 'A library'} cannot be loaded on this machine.") from None


def past_decider(decider: object) -> "Callable[..., Wrong | None] | None":
    """The check of a stored decision of that name against itself, where its models are no longer
    read."""
    return engine.past.get(str(decider)) if (engine := ENGINE.first()) is not None else None


def decides_by_model(decider: str) -> bool:
    """True when a model decides under that name, so that it can decide again."""
    return (engine := ENGINE.first()) is not None and decider in engine.versions


def by_model(decider: str) -> bool:
    """True when a model has ever decided under that name."""
    return decides_by_model(decider) or past_decider(decider) is not None

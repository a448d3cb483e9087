"""What a feature adds to the core, place by place. The core asks its places and imports no feature.

All features stand in one list, `recoup.features.FEATURES`, in the order in which they are consulted; packages that the
settings name come behind it. Nothing is discovered: what no list names is not loaded.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NewType
from uuid import UUID

from recoup.kernel.extensions import added, load
from recoup.kernel.problem import Problem

if TYPE_CHECKING:
    from recoup.core.kit.amount import Amount
    from recoup.core.kit.credential import InPlace
    from recoup.core.kit.facet import Facet
    from recoup.core.kit.model import Engine
    from recoup.flows.locked import Orders
    from recoup.flows.merchants.card_switches import CardSwitch
    from recoup.flows.run_due import Flow
    from recoup.flows.signed_notices import RouteNotice
    from recoup.flows.world import World
    from recoup.gateways.channels.port import Channel
    from recoup.kernel.scope import Scope
    from recoup.kernel.time import Clocks
    from recoup.moves.change import Change
    from recoup.moves.order.feature_moves import Stop
    from recoup.rules.messages.events import EventKind
    from recoup.rules.messages.notification_words import Notice
    from recoup.rules.network.codes import Reading
    from recoup.rules.network.compliance.month_count import Excess
    from recoup.rules.order.lifecycle import Fact
    from recoup.rules.order.snapshot import Attempt, Order
    from recoup.rules.rescue.evidence import Decision
    from recoup.store.insight.proofs.walk import Difference
    from recoup.store.merchants.merchants import MerchantSettings
    from recoup.store.orders.intake import NewOrder
    from recoup.store.orders.transmissions import Touched, Transmission
    from recoup.store.pool import Database
    from recoup.store.statement import Read, Tx

    AfterTransmission = Callable[[World, Orders, Transmission, list[Touched], Scope, bool], Awaitable[None]]
    BeforeErasure = Callable[[Tx, UUID, Sequence[UUID], datetime], Awaitable[None]]
    Intake = Callable[[World, MerchantSettings, NewOrder], Awaitable[NewOrder]]
    NoteRefund = Callable[[Change, UUID], None]
    RefundTo = Callable[[World, UUID, UUID, str | None], Awaitable[NoteRefund | Problem | None]]
    LiftedStops = Callable[[Read, UUID, Sequence[tuple[Excess, str]]], Awaitable[set[tuple[str, str]]]]

LIST: Final = "recoup.features"
FeatureDue = NewType("FeatureDue", str)
"""A kind of due work that a feature brings."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feature:
    """`folder` holds its templates and its `schema.sql`. `needs`: features that stand before it in the list.

    Moves, under the locks of order and card: `before_send` asks for a decision that stops a send by the merchant,
    `after_answer` hears each decline and `after_approval` each approval, `lifts` whether a customer's stop at the bank
    does not reach an order. Flows: `intake` completes a stablecoin charge before it is admitted, `refund_to` notes
    where a refund goes, or says why there is none, `after_transmission` hears what a merchant charged by itself,
    `lifted` which stops of a month did not reach its sends. `after_plan` hears when the next attempt is planned,
    `before_erasure` which orders are erased. `in_place`: what an attempt is sent by in its card's place; `amount`:
    how much it asks for. `checks`: for `recoup doctor` what is wrong, the finding and its cure; `balances`: for
    `recoup verify --chain` what differs. `settings`: tables of the settings file, by name, each read and taken into
    use; `trial`: the module with `Trial`, which `recoup up --chain` runs. Doors: `switches` of cards; `verbs` by "group
    verb", each help and module; `audits`: acts of the audit log, in words; `paying`: the module with what payers see,
    as `PAYING`; `portal`: the one with its pages, panels and timeline words. `engine`: what decides by a model."""

    name: str
    folder: Path
    needs: tuple[str, ...] = ()
    facet: "Facet[Any] | None" = None
    facts: "tuple[Fact, ...]" = ()
    intake: "Intake | None" = None
    before_send: "Callable[[Change], Stop | None] | None" = None
    after_answer: "Callable[[Change, Reading, UUID, datetime], None] | None" = None
    after_approval: "Callable[[Change, Attempt], None] | None" = None
    after_plan: "Callable[[Change, datetime], None] | None" = None
    in_place: "InPlace | None" = None
    amount: "Amount | None" = None
    lifts: "Callable[[Order, UUID], bool] | None" = None
    refund_to: "RefundTo | None" = None
    after_transmission: "AfterTransmission | None" = None
    lifted: "LiftedStops | None" = None
    before_erasure: "BeforeErasure | None" = None
    checks: "Callable[[World], Awaitable[list[tuple[str, str, str]]]] | None" = None
    balances: "Callable[[World], Awaitable[list[Difference]]] | None" = None
    settings: "Mapping[str, Callable[[object], tuple[Any, ...]]]" = field(default_factory=dict)
    trial: str | None = None
    switches: "Mapping[str, CardSwitch]" = field(default_factory=dict)
    notices_of_routes: "tuple[RouteNotice, ...]" = ()
    verbs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    audits: Mapping[str, str] = field(default_factory=dict)
    due: "Mapping[str, Flow]" = field(default_factory=dict)
    deciders: "Mapping[str, Callable[[Mapping[str, Any]], Decision]]" = field(default_factory=dict)
    events: "Mapping[str, EventKind]" = field(default_factory=dict)
    notifies: "Mapping[str, Notice]" = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    paying: str | None = None
    gateways: "Callable[[str, Database, Clocks], Mapping[str, Channel]] | None" = None
    loops: "Callable[[World], Iterable[tuple[str, Callable[[], Awaitable[int]], float]]] | None" = None
    portal: str | None = None
    engine: "Engine | None" = None


_features: tuple[Feature, ...] | None = None


def features() -> tuple[Feature, ...]:
    """All of them, in the order in which they are consulted."""
    return _features if _features is not None else install()


def install(names: Iterable[str] = ()) -> tuple[Feature, ...]:
    """Takes the list and the named packages' features into use, before anything asks. Raises: Problem, in one line."""
    global _features
    for name in (name for name in names if name not in added(LIST)):
        raise bad(
            f"The setting features names {name}, which no package here brings.", "Install its package, or remove it."
        )
    _features = checked((*import_module(LIST).FEATURES, *(load(added(LIST)[name], Feature) for name in names)))
    return _features


def checked(found: tuple[Feature, ...]) -> tuple[Feature, ...]:
    """Raises: Problem(invalid) for one that is listed twice, comes before what it needs, or names what is not there."""
    names: list[str] = []
    for one in found:
        if one.name in names:
            raise bad(f"The feature {one.name} is listed twice.", "List it once.")
        for missing in (name for name in one.needs if name not in names):
            raise bad(
                f"The feature {one.name} needs {missing}, which is not listed before it.", f"List {missing} first."
            )
        if one.portal is not None and not (one.folder / f"{one.portal.rpartition('.')[2]}.py").is_file():
            raise bad(f"The feature {one.name} names {one.portal}, which is not there.", "Correct its declaration.")
        names.append(one.name)
    return found


def bad(message: str, cure: str) -> Problem:
    return Problem("invalid", message, cure=cure)

"""The log that `recoup lab compare --log` writes, as the back-test reads it: a line a decision.
Pure.

A log holds plays of several arms at several levels; those in which the product's deciders decided
at their own prices say what they were made from, and one of those is read.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from recoup.backtest.rules.recorded import (
    Answer,
    JudgedOrder,
    OrderFacts,
    RecordedDecision,
    is_drawn,
)
from recoup.backtest.rules.replay import Engines, EngineTarget, Target, add_step, place_in_file
from recoup.kernel.problem import Sentence, invalid
from recoup.policies.rules.in_force import InForce
from recoup.policies.rules.policy import CURRENT, Pricing
from recoup.rescue.rules.model import BadModel, Model, read_model

LINE_BYTES_MAX: Final = 64 << 20  # a model is one line
ORDERS_MAX: Final = 100_000
TEXT_MAX: Final = 200
THIN_MAX: Final = 30  # then it is one payer's


class _Stored(msgspec.Struct, frozen=True):
    verdict: str
    plan: list[str]
    alternatives: list[dict[str, Any]]
    versions: dict[str, str | None]
    features: dict[str, Any]
    arm: dict[str, Any]


class _Row(msgspec.Struct, frozen=True, rename="camel"):
    arm: str
    level: str = ""
    seed: int = 0
    order: str = ""
    payer: str = ""
    declined_at: str = ""
    expires_at: str = ""
    amount: int = 0
    currency: str = ""
    country: str = ""
    issuer: str = ""
    klass: str = msgspec.field(default="", name="class")
    at: str | None = None
    answer: Answer | None = None
    stored: _Stored | None = None
    model: str = ""
    content: str = ""
    pricing: dict[str, Any] = {}

    @property
    def play(self) -> str:
        return f"{self.seed}/{self.arm}"


@dataclass(slots=True)
class LogRead:
    """`refused`: line and reason. `plays`: those that could be read, `play` the one that was.
    `sampled_of`: how many orders there were, where these are a sample of payers with a fixed
    seed."""

    orders: list[JudgedOrder] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    plays: list[str] = field(default_factory=list)
    play: str = ""
    target: Target | None = None
    sampled_of: int | None = None


@dataclass(slots=True)
class _Reading:
    """`thin`: how many bits of a payer's hash have to be zero. `left_out`: orders of payers that
    are not read, counted by their hashes."""

    target: Target | None
    within: InForce | None
    plans: bool
    play: str | None
    share: float = 0.0
    engines: Engines = field(default_factory=lambda: Engines({}))
    models: dict[str, Model] = field(default_factory=dict)
    pricings: dict[str, Pricing] = field(default_factory=dict)
    orders: dict[str, JudgedOrder] = field(default_factory=dict)
    log: LogRead = field(default_factory=LogRead)
    at_most: int = ORDERS_MAX
    thin: int = 0
    left_out: set[int] = field(default_factory=set)


def is_log(first: bytes) -> bool:
    """Recognises a log by a file's first line."""
    try:
        row = msgspec.json.decode(first, type=dict[str, Any])
    except msgspec.MsgspecError:
        return False
    return "arm" in row and ("level" in row or "stored" in row)


def read_log(
    lines: Iterable[bytes],
    target: Target | None,
    *,
    within: InForce | None = None,
    play: str | None = None,
    plans: bool = False,
    at_most: int = ORDERS_MAX,
) -> LogRead:
    """`target`: None for the engine that the log names, asked `within` a set policy. `play`: as
    `1/engine/3`; without it the first one. `at_most`: of more orders a sample of payers is read.

    Raises: Problem(invalid) where there is no such play, or the log does not hold what decisions
    were made from.
    """
    reading = _Reading(target, within, plans, play, at_most=at_most)
    decoder = msgspec.json.Decoder(_Row)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            _take(reading, decoder.decode(line))
        except BadModel as error:
            raise invalid(str(error), "file") from None
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            reading.log.refused.append((number, f"it is no decision: {str(error)[:TEXT_MAX]}"))
    log = reading.log
    if not reading.orders:
        raise invalid(
            Sentence(
                "The log holds no decisions with what they were made from{0}.",
                f" of {play}" if play else "",
            ),
            "file",
            "Write it with `recoup lab compare --arms engine --explore 0.1 --holdout 0.1 --log "
            "FILE`.",
        )
    log.orders = [
        JudgedOrder(order.facts._replace(engine_share=reading.share), order.steps, order.planned)
        for order in reading.orders.values()
    ]
    log.sampled_of = len(reading.orders) + len(reading.left_out) if reading.thin else None
    log.play, log.target = reading.play or "", reading.target
    return log


def _take(reading: _Reading, row: _Row) -> None:
    if row.stored is None and not row.model and row.play != reading.play:
        return
    if row.play not in reading.log.plays:
        reading.log.plays.append(row.play)
    if reading.play is None:
        reading.play = row.play
    if row.play != reading.play:
        return
    if row.model:
        _take_model(reading, row)
        return
    if not row.order or not row.declined_at:
        return
    if row.stored is not None:
        reading.share = min(1.0, max(0.0, float(row.stored.arm["share"]) / 100))
    order = reading.orders.get(row.order) or _new_order(reading, row)
    if order is None:
        return
    if row.stored is None:  # no policy chose: the card was closed, or is a new one
        return
    decision = _decision(row, row.stored)
    reading.engines.note(decision)
    if reading.target is None:
        raise invalid(
            "The log names no engine.",
            "policy",
            Sentence("Say which policy is asked about: --policy {0}.", CURRENT.version),
        )
    target = reading.target.of_customer(place_in_file(order.facts.payer))
    add_step(order, decision, target, reading.engines, plans=reading.plans)


def _new_order(reading: _Reading, row: _Row) -> JudgedOrder | None:
    """Adds an order; None for a payer who is left out."""
    if not is_drawn(row.payer[:TEXT_MAX], reading.thin):
        reading.left_out.add(hash(row.order))
        return None
    reading.orders[row.order] = JudgedOrder(_facts(row, reading.share))
    _thin_out(reading)
    return reading.orders.get(row.order)


def _thin_out(reading: _Reading) -> None:
    """Leaves out half the payers of too many orders, again and again."""
    while len(reading.orders) > reading.at_most and reading.thin < THIN_MAX:
        reading.thin += 1
        for order, judged in list(reading.orders.items()):
            if not is_drawn(judged.facts.payer, reading.thin):
                del reading.orders[order]
                reading.left_out.add(hash(order))


def _take_model(reading: _Reading, row: _Row) -> None:
    model = read_model(row.content.encode())
    pricing = msgspec.convert(row.pricing, Pricing)
    reading.models[model.name] = model
    reading.pricings[pricing.version] = pricing
    reading.engines = Engines(reading.models, reading.pricings)
    if reading.target is None:
        reading.target = EngineTarget(model, pricing, reading.within)


def _facts(row: _Row, share: float) -> OrderFacts:
    return OrderFacts(
        row.order[:TEXT_MAX],
        row.payer[:TEXT_MAX],
        _moment(row.declined_at),
        _moment(row.expires_at),
        row.amount,
        row.currency[:3],
        row.country[:TEXT_MAX],
        row.issuer[:TEXT_MAX],
        row.klass[:TEXT_MAX],
        share,
    )


def _decision(row: _Row, stored: _Stored) -> RecordedDecision:
    sent_at = _moment(row.at) if row.at and row.answer is not None else None
    return RecordedDecision(
        stored.features,
        stored.versions,
        stored.verdict,
        stored.plan,
        stored.alternatives,
        "engine" if stored.arm["arm"] == "engine" else "schedule",
        row.answer,
        sent_at,
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return moment

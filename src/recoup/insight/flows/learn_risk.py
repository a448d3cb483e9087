"""The risk check's weights are learned from what became of the payments that it judged, around the
prior, once a night or by hand; they are used where they judge the last part of the time no worse
than the weights of today.

What is kept are the weights that were tried: they have not seen the held-out time. The night's work
is done by a process of its own, as the rescue engine's is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple
from uuid import UUID

import structlog
from msgspec.structs import replace as with_columns

from recoup.db.statement import Read, Tx
from recoup.insight.flows.nights import train_tonight
from recoup.insight.store.past import Learner, merchants_to_learn
from recoup.kernel.ids import first_id_of
from recoup.kernel.scope import Actor
from recoup.kernel.time import WallTime
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.risk.flows.risk_versions import add_version, weights_of
from recoup.risk.rules.learn import FRAUDS_MIN, learned
from recoup.risk.rules.trial import (
    FRAUDS_HELD_OUT_MIN,
    MATURE,
    WINDOW,
    Divided,
    Outcome,
    RiskTrial,
    divided,
    try_risk,
)
from recoup.risk.rules.weights import PRIOR, Weights, named
from recoup.risk.store.risk_weights import (
    RiskVersion,
    judged_payments,
    list_risk_versions,
    weights_in_use,
)

PAYMENTS_MAX: Final = 300_000  # of all merchants, about a hundred megabytes
PAYMENTS_LEAST: Final = 2_000  # of each, however many merchants there are
PAGES_MAX: Final = 200  # of a merchant's decisions
BASE: Final = "base"


class Outcomes(NamedTuple):
    """`owners`: ids, as the payments number them; a partner with all its merchants is one."""

    payments: tuple[Outcome, ...]
    owners: tuple[UUID, ...]


async def gather_outcomes(world: World) -> Outcomes:
    """Outcomes of the payments that the check judged, in the order of merchants and time: fraud,
    where a dispute, a warning or the bank's code said so within 60 days; genuine, where it was paid
    and nobody did. What the check itself declined is seen in the comparison group alone."""
    payments, owners, alike = (
        list[Outcome](),
        dict[UUID, int](),
        dict[tuple[str, ...], tuple[str, ...]](),
    )
    by_cell = [(cell, await merchants_to_learn(cell.db)) for cell in world.every]
    number = sum(len(merchants) for _, merchants in by_cell)
    most = max(PAYMENTS_LEAST, PAYMENTS_MAX // max(1, number))
    for cell, merchants in by_cell:
        async with cell.db.connection() as connection:
            for merchant in merchants:
                owner = owners.setdefault(merchant.owner, len(owners))
                left = min(most, PAYMENTS_MAX - len(payments))
                payments += await _of_merchant(connection, cell, merchant, owner, left, alike)
    return Outcomes(tuple(payments), tuple(owners))


async def _of_merchant(
    connection: Read,
    world: World,
    merchant: Learner,
    owner: int,
    most: int,
    alike: dict[tuple[str, ...], tuple[str, ...]],
) -> list[Outcome]:
    """`alike`: the terms that were met before, each kept once."""
    wall = world.clocks.wall()
    until = world.clocks.business(merchant.offset_us) - MATURE
    after, before = first_id_of(wall - WINDOW), first_id_of(min(wall, WallTime(until)))
    payments, pages = list[Outcome](), 0
    async for page in judged_payments(
        connection, merchant.merchant_id, after, before, until, MATURE
    ):
        for payment in page:
            if payment.fraud or payment.paid:
                terms = tuple(sorted(term for term in payment.terms if term != BASE))
                payments.append(
                    Outcome(owner, payment.at, alike.setdefault(terms, terms), payment.fraud)
                )
        pages += 1
        if len(payments) >= most or pages >= PAGES_MAX:
            break
    return sorted(payments[:most], key=lambda payment: (payment.at, payment.terms, payment.fraud))


RISK: Final = "risk"  # the training that the other process is to do
TASK: Final = "risk training"
BY: Final = Actor("worker", "training")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RiskTraining:
    """`payments` with a known outcome. `missing`: what there is too little of; then there are no
    `weights`. `version`: the line that was made."""

    payments: int
    frauds: int
    merchants: int
    missing: str = ""
    weights: Weights | None = None
    trial: RiskTrial | None = None
    note: str = ""
    version: int | None = None
    used: bool = False


async def train_risk_nightly(world: World) -> int:
    """Answers how many trainings there were: none, or the one of this night."""
    mode = "off" if world.policy.risk_training == "off" else RISK
    return await train_tonight(world, TASK, mode, _keep)


async def _keep(tx: Tx, training: Mapping[str, Any], began: WallTime, ended: WallTime) -> None:
    """The weights are kept by the training itself."""
    log.info("training of the risk check", result=training.get("result"), note=training.get("note"))


async def train_risk(world: World) -> dict[str, Any]:
    """Trains as the other process does. Raises: Problem as `learn_risk`."""
    training = await learn_risk(world, BY, candidate=world.policy.risk_training == "candidate")
    result = "too_little" if training.weights is None else "taken" if training.used else "not_taken"
    return {"result": result, "note": training.missing or training.note}


async def learn_risk(
    world: World, actor: Actor, *, dry_run: bool = False, candidate: bool = False
) -> RiskTraining:
    """`candidate`: weights that are no worse are kept, and not used.

    Raises: Problem(conflict) where somebody else makes a version at the same time.
    """
    outcomes = await gather_outcomes(world)
    rows = await list_risk_versions(world.db)
    today = weights_of(await weights_in_use(world.db))
    training, row = await run_stoppable(_learn, outcomes, today)
    if row is None or dry_run:
        return training
    if row.name in (today.version, *(version.name for version in rows[:1])):
        return replace(training, note="The same payments give the same weights.")
    made = await add_version(world, with_columns(row, used=row.used and not candidate), rows, actor)
    return replace(training, version=made.version_no, used=made.used)


def _learn(outcomes: Outcomes, today: Weights) -> tuple[RiskTraining, RiskVersion | None]:
    every = outcomes.payments
    training = RiskTraining(
        len(every),
        sum(payment.fraud for payment in every),
        len({payment.owner for payment in every}),
    )
    if not every:
        return replace(training, missing=_missing(0, 0)), None
    parts = divided(every)
    before = sum(payment.fraud for payment in parts.before)
    plain = learned(((payment.terms, payment.fraud) for payment in parts.before), PRIOR, "")
    if plain is None or parts.held_frauds < FRAUDS_HELD_OUT_MIN:
        return replace(training, missing=_missing(before, parts.held_frauds)), None
    weights = named(plain.base, plain.terms)
    trial = try_risk(parts, weights, today)
    note = (
        ""
        if trial.only_by is None
        else f"No worse only with the payments of {outcomes.owners[trial.only_by]}."
    )
    training = replace(training, weights=weights, trial=trial, note=note)
    return training, _row(training, parts, weights, trial)


def _missing(before: int, held: int) -> str:
    return (
        f"Frauds reported within 60 days of their payments: {before} of at least {FRAUDS_MIN} "
        f"before the held-out time,"
        f" {held} of at least {FRAUDS_HELD_OUT_MIN} in it."
    )


def _row(training: RiskTraining, parts: Divided, weights: Weights, trial: RiskTrial) -> RiskVersion:
    return RiskVersion(
        name=weights.version,
        base=weights.base,
        terms=dict(weights.terms),
        used=trial.no_worse,
        payments=len(parts.before),
        frauds=sum(payment.fraud for payment in parts.before),
        merchants=training.merchants,
        data_from=min(payment.at for payment in parts.before).date(),
        data_until=max(payment.at for payment in parts.before).date(),
        held_from=trial.held_from,
        held_payments=trial.held_payments,
        held_frauds=trial.held_frauds,
        score=trial.score,
        compared_with=trial.compared_with,
        compared_score=trial.compared_score,
        note=training.note,
    )

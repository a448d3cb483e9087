"""Versions of the weights that the risk check decides by: the newest line that is used, else the
prior. A line is never changed; who goes back makes a new one."""

from typing import Final

import structlog
from msgspec.structs import replace

from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Actor
from recoup.kit.world import World
from recoup.risk.rules.weights import PRIOR, PRIOR_NAME, Weights, named
from recoup.risk.store.risk_weights import (
    RiskVersion,
    add_risk_version,
    list_risk_versions,
    weights_in_use,
)

FIRST: Final = 1
log = structlog.get_logger()


async def risk_versions(world: World) -> list[RiskVersion]:
    """The newest first."""
    return await list_risk_versions(world.db)


async def risk_in_use(world: World) -> RiskVersion | None:
    """The version in use; None: the prior decides."""
    return await weights_in_use(world.db)


def weights_of(row: RiskVersion | None) -> Weights:
    """The prior without a row, and where the row's weights are not what was stored."""
    if row is None or row.name.startswith(PRIOR_NAME):
        return PRIOR
    try:
        weights = named(row.base, row.terms)
    except (TypeError, ValueError):
        weights = PRIOR
    if weights.version != row.name:
        log.error("the risk check's weights are damaged; the prior decides", version=row.version_no)
        return PRIOR
    return weights


async def use_risk_version(world: World, number: int, actor: Actor) -> RiskVersion:
    """The weights of a version decide again, as a new line; 0 is the prior.

    Raises: Problem(not_found); Problem(wrong_state) for the ones that decide; Problem(conflict) as
    `add_version`.
    """
    rows = await list_risk_versions(world.db)
    used = weights_of(await weights_in_use(world.db))
    chosen = next((row for row in rows if row.version_no == number), None)
    if chosen is None and number:
        message = Sentence("There is no version {0}.", number)
        raise Problem(
            "not_found",
            message,
            field="version",
            cure="`recoup learn risk list` shows the versions.",
        )
    row = (
        RiskVersion(name=PRIOR.version, base=PRIOR.base, terms=dict(PRIOR.terms), used=True)
        if chosen is None
        else chosen
    )
    if row.name == used.version:
        raise Problem("wrong_state", Sentence("{0} is already in use.", row.name), field="version")
    return await add_version(
        world, replace(row, used=True, note=f"version {number} again, by hand"), rows, actor
    )


async def add_version(
    world: World, row: RiskVersion, rows: list[RiskVersion], actor: Actor
) -> RiskVersion:
    """`rows`: the newest lines; the new one comes after them.

    Raises: Problem(conflict) where somebody else makes a line at the same time.
    """
    number = rows[0].version_no + 1 if rows else FIRST
    row = replace(row, version_no=number, made_at=world.clocks.wall(), made_by=actor.text())
    async with world.db.transaction() as tx:
        if not await add_risk_version(tx, row):
            raise Problem(
                "conflict",
                "Somebody else has just made a version.",
                cure="Look at them and try again.",
            )
    return row

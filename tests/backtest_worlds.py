"""Small worlds of declined orders: policies as tables, four ways to go on at each of three
decisions, and what each would bring, exactly."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recoup.backtest.rules.episode import Episode, Features, Step

WAYS = 4
DECISIONS = 3
STOP = -1
CLASSES = 3
TYPES = 3
BINS = CLASSES + WAYS + CLASSES * WAYS
Array = np.ndarray[Any, Any]
Log = list[
    tuple[str, list[tuple[int, int, int, bool]]]
]  # payers, and of each order: decision, class, way, approved


@dataclass(frozen=True)
class World:
    """`approves[k, x, u, a]`: the chance of an approval. `engine`, `ladder`: the way each takes, by
    decision and class, `STOP` among them. `rivals[k, x]`: the ways that the engine draws now and
    then."""

    approves: Array
    hard: float
    classes: Array
    types: Array
    engine: Array
    ladder: Array
    rivals: Array
    explore: float
    holdout: float
    returning: float
    told: Array


def made(
    draw: np.random.Generator, *, explore: float | None = None, holdout: float | None = None
) -> World:
    base = draw.normal(-1.2, 0.5, size=(1, CLASSES, 1, 1)) + draw.normal(
        0, 0.9, size=(1, 1, TYPES, 1)
    )
    ways = draw.normal(0, 0.7, size=(1, CLASSES, 1, WAYS)) + draw.normal(
        0, 0.5, size=(1, 1, TYPES, WAYS)
    )
    later = np.array([0.0, -0.4, -0.7]).reshape(DECISIONS, 1, 1, 1) * draw.uniform(0.3, 1.2)
    approves = 1 / (1 + np.exp(-(base + ways + later)))
    types = draw.dirichlet([3] * TYPES)
    mean = np.einsum("kxua,u->kxa", approves, types)
    told = np.clip(
        mean * draw.uniform(0.6, 1.3) + draw.normal(0, 0.05, size=mean.shape), 0.01, 0.99
    )
    engine = told.argmax(axis=2)
    stops = told.max(axis=2) < 0.08
    rivals = told >= 0.4 * told.max(axis=2, keepdims=True)
    np.put_along_axis(rivals, engine[:, :, None], False, axis=2)
    engine = np.where(stops, STOP, engine)
    ladder = np.tile(draw.integers(0, WAYS, size=(DECISIONS, 1)), (1, CLASSES))
    return World(
        approves,
        float(draw.uniform(0.0, 0.15)),
        draw.dirichlet([3] * CLASSES),
        types,
        engine,
        ladder,
        rivals,
        explore if explore is not None else float(draw.uniform(0.05, 0.2)),
        holdout if holdout is not None else float(draw.choice([0.05, 0.1, 0.2, 0.3])),
        float(draw.uniform(0.0, 0.6)),
        told,
    )


def value(world: World, policy: Array) -> float:
    """Exactly: the share of all orders that the policy rescues."""
    total = 0.0
    for x in range(CLASSES):
        for u in range(TYPES):
            alive, rescued = 1.0, 0.0
            for k in range(DECISIONS):
                way = int(policy[k, x])
                if way == STOP:
                    break
                chance = float(world.approves[k, x, u, way])
                rescued += alive * chance
                alive *= (1 - chance) * (1 - world.hard)
            total += float(world.classes[x] * world.types[u]) * rescued
    return total


def probabilities(world: World) -> Array:
    """Of the engine's ways, the last place for stopping."""
    found = np.zeros((DECISIONS, CLASSES, WAYS + 1))
    for k in range(DECISIONS):
        for x in range(CLASSES):
            rivals = np.flatnonzero(world.rivals[k, x])
            if world.engine[k, x] == STOP:
                rivals = np.array([int(world.told[k, x].argmax())])
            each = world.explore / len(rivals) if len(rivals) else 0.0
            if each < 0.02:
                each, rivals = 0.0, rivals[:0]
            found[k, x, rivals] = each
            found[k, x, world.engine[k, x]] += 1 - each * len(rivals)
    return found


def features(world: World, k: int, x: int, way: int) -> Features:
    return Features(
        (x, CLASSES + way, CLASSES + WAYS + x * WAYS + way), float(world.told[k, x, way])
    )


def logged(world: World, orders: int, draw: np.random.Generator) -> Log:
    likely = probabilities(world)
    found: Log = []
    payer = 0
    while len(found) < orders:
        kind = int(draw.choice(TYPES, p=world.types))
        held_out = draw.random() < world.holdout
        for _ in range(1 + draw.poisson(world.returning)):
            x, steps = int(draw.choice(CLASSES, p=world.classes)), []
            for k in range(DECISIONS):
                way = int(world.ladder[k, x])
                if not held_out:
                    way = int(draw.choice(WAYS + 1, p=likely[k, x]))
                    way = STOP if way == WAYS else way
                approved = way != STOP and draw.random() < world.approves[k, x, kind, way]
                steps.append((k, x, way, bool(approved)))
                if way == STOP or approved or draw.random() < world.hard:
                    break
            found.append((f"payer-{payer}", steps))
        payer += 1
    return found[:orders]


def episodes(world: World, log: Log, policy: Array) -> list[Episode]:
    """As the product reads them, for a policy: arms are the engine and the holdout."""
    likely, kept = probabilities(world), dict[tuple[int, int, int, bool], Step]()
    for k in range(DECISIONS):
        for x in range(CLASSES):
            for way in (STOP, *range(WAYS)):
                for approved in (False, True):
                    kept[k, x, way, approved] = _step(world, likely, policy, k, x, way, approved)
    shares = (1 - world.holdout, world.holdout)
    return [Episode(payer, shares, tuple(kept[one] for one in steps)) for payer, steps in log]


def _step(
    world: World, likely: Array, policy: Array, k: int, x: int, way: int, approved: bool
) -> Step:
    named, ladder = int(policy[k, x]), int(world.ladder[k, x])
    return Step(
        features(world, k, x, way) if way != STOP else None,
        features(world, k, x, named) if named != STOP else None,
        named == way,
        (float(likely[k, x, way]), float(ladder == way)),
        (float(likely[k, x, named]), float(ladder == named)),
        float(approved),
        float(way != STOP),
    )


def policies(world: World, draw: np.random.Generator) -> dict[str, Array]:
    """The engine, with fewer tries, others that differ at some places, the ladder, and one that
    knows nothing."""
    fewer = world.engine.copy()
    fewer[DECISIONS - 1] = STOP
    near, far = world.engine.copy(), world.engine.copy()
    for k in range(DECISIONS):
        for x in range(CLASSES):
            rivals = np.flatnonzero(world.rivals[k, x])
            if len(rivals):
                if draw.random() < 0.3:
                    near[k, x] = draw.choice(rivals)
                if draw.random() < 0.8:
                    far[k, x] = draw.choice(rivals)
    wild = draw.integers(0, WAYS, size=(DECISIONS, CLASSES))
    return {
        "engine": world.engine,
        "fewer": fewer,
        "near": near,
        "far": far,
        "ladder": world.ladder,
        "wild": wild,
    }

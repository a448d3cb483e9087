"""A comparison from its options to its figures, as `recoup lab compare` runs it."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from recoup.insight.flows.processes import follow_parent
from recoup_lab.compare.catalogue import CATALOGUE, Option, chosen
from recoup_lab.compare.job import Job, JobDone, Options, do
from recoup_lab.compare.result import Comparison, combine
from recoup_lab.compare.source import Source


def jobs_of(
    source: Source, seeds: Sequence[int], arms: Sequence[str], options: Options, processes: int
) -> list[Job]:
    """A job for each seed, or where seeds are few, for each part of its arms: opening a world costs
    too."""
    parts = 1 if len(seeds) >= 2 * processes else min(processes, len(arms))
    return [Job(source, seed, part, options) for seed in seeds for part in _parts(arms, parts)]


def run(jobs: Sequence[Job], processes: int, tell: Callable[[str], None]) -> list[JobDone]:
    """Raises: WorldBroke of the first job that fails; the others are given up."""
    return [done for _, done in sorted(_done(jobs, processes, tell), key=lambda pair: pair[0])]


def _done(
    jobs: Sequence[Job], processes: int, tell: Callable[[str], None]
) -> Iterator[tuple[int, JobDone]]:
    tell(f"0 of {len(jobs)} parts")
    if processes == 1 or len(jobs) == 1:
        for place, job in enumerate(jobs):
            yield place, do(job)
            tell(f"{place + 1} of {len(jobs)} parts")
        return
    with ProcessPoolExecutor(
        min(processes, len(jobs)), get_context("spawn"), follow_parent
    ) as pool:
        places = {pool.submit(do, job): place for place, job in enumerate(jobs)}
        try:
            for number, future in enumerate(as_completed(places)):
                yield places[future], future.result()
                tell(f"{number + 1} of {len(jobs)} parts")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _parts(arms: Sequence[str], number: int) -> list[tuple[str, ...]]:
    """Arms of about the same work together."""
    parts: list[list[str]] = [[] for _ in range(number)]
    for name in sorted(arms, key=lambda arm: -CATALOGUE[arm].work):
        min(parts, key=lambda part: sum(CATALOGUE[one].work for one in part)).append(name)
    return [tuple(part) for part in parts]


def compare(
    source: Source,
    seeds: Sequence[int],
    names: Sequence[str] | None,
    options: Options,
    *,
    processes: int,
    log: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """`names`: of arms; None: all that the world allows. `log`: a file for the decisions.

    Raises: Problem(invalid), WorldBroke.
    """
    given: list[Option] = []
    if options.policy is not None:
        given.append("policy")
    if options.explore is not None:
        given.append("explore")
    if options.holdout is not None:
        given.append("holdout")
    arms = chosen(names, oracle=source.has_oracle, options=given)
    jobs = jobs_of(source, seeds, arms, options._replace(logged=log is not None), processes)
    done = run(jobs, processes, tell)
    if log is not None:
        _write(log, done)
    return combine(done, options.targets)


def _write(log: Path, done: Sequence[JobDone]) -> None:
    with log.open("w", encoding="utf-8") as file:
        for level in (level for one in done for level in one.levels):
            # A play may stand for several levels; its copy's name tells.
            for row in level.log:
                file.write(
                    json.dumps({"seed": level.seed, "level": level.level} | json.loads(row)) + "\n"
                )

"""A comparison from its options to its figures, as `recoup lab compare` runs it."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from recoup_lab.compare.catalogue import Option, chosen
from recoup_lab.compare.job import JobDone, Options
from recoup_lab.compare.pool import jobs_of, run
from recoup_lab.compare.result import Comparison, combine
from recoup_lab.compare.source import Source


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
                file.write(json.dumps({"seed": level.seed, "level": level.level} | json.loads(row)) + "\n")

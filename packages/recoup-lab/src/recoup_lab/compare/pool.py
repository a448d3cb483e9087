"""Spreads a comparison over processes. The figures and the hash are the same for any number of them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from recoup.flows.insight.processes import follow_parent
from recoup_lab.compare.catalogue import CATALOGUE
from recoup_lab.compare.job import Job, JobDone, Options, do
from recoup_lab.compare.source import Source


def jobs_of(source: Source, seeds: Sequence[int], arms: Sequence[str], options: Options, processes: int) -> list[Job]:
    """A job for each seed, or where seeds are few, for each part of its arms: opening a world costs too."""
    parts = 1 if len(seeds) >= 2 * processes else min(processes, len(arms))
    return [Job(source, seed, part, options) for seed in seeds for part in _parts(arms, parts)]


def run(jobs: Sequence[Job], processes: int, tell: Callable[[str], None]) -> list[JobDone]:
    """Raises: WorldBroke of the first job that fails; the others are given up."""
    return [done for _, done in sorted(_done(jobs, processes, tell), key=lambda pair: pair[0])]


def _done(jobs: Sequence[Job], processes: int, tell: Callable[[str], None]) -> Iterator[tuple[int, JobDone]]:
    tell(f"0 of {len(jobs)} parts")
    if processes == 1 or len(jobs) == 1:
        for place, job in enumerate(jobs):
            yield place, do(job)
            tell(f"{place + 1} of {len(jobs)} parts")
        return
    with ProcessPoolExecutor(min(processes, len(jobs)), get_context("spawn"), follow_parent) as pool:
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
    for name in sorted(arms, key=lambda one: -CATALOGUE[one].work):
        min(parts, key=lambda part: sum(CATALOGUE[one].work for one in part)).append(name)
    return [tuple(part) for part in parts]

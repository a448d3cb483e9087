"""The three rings of tests, which CONTRIBUTING describes: `make check`, `make test`, `make prove`.

A test of `make test` that has a deeper form draws from its cases (`drawn`, `draw`) and belongs to a
family; the family's run takes them all. What only a family runs is marked `prove("kills")`, or
stands in `tests/prove/<family>`. Which cases are drawn follows from the commit;
`PROVE_DRAW=<commit>` draws the same again.
"""

import functools
import inspect
import os
import random
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from hypothesis import is_hypothesis_test, settings
from hypothesis.internal.conjecture import providers
from tests import passed_on

T = TypeVar("T")

ROOT: Final = Path(__file__).resolve().parent.parent
PROVE: Final = ROOT / "tests/prove"
BROWSER: Final = ROOT / "tests/browser"
FAMILIES: Final = {
    "backup": "server and host killed under load, and restored from what Barman has",
    "browser": "every page for everyone, at every size and in every language, and the stories at "
    "length",
    "chains": "reorganisations, lying nodes and deaths of the watcher, on a node",
    "citus": "unchanged Citus of three nodes; wants its source (RECOUP_CITUS_SOURCE)",
    "connectors": "every check of every processor, and stand-ins killed between calls",
    "corruptions": "every planted corruption that verify finds",
    "docs": "every sample and guide, and the demo",
    "engine": "what the engine, back-tests and uplift claim, in simulated worlds",
    "faults": "what goes wrong in operation: doctor names it, and the right alert fires",
    "fuzz": "odd requests by the thousand at every door",
    "growth": "work that must not grow with the data",
    "growth-of-input": "texts of strangers in every name and value, and every file: no cost grows "
    "with their square",
    "kills": "a process dies between any two steps",
    "long": "what takes seconds, of which `make test` draws a third",
    "mutations": "random changes of rules, moves and store, each found by a ring",
    "poolers": "PgBouncer in transaction mode, and a failover behind HAProxy",
    "processes": "the wheel, and installations of several processes",
    "properties": "every property with 500 examples, where it names no number of its own",
    "pythons": "both commands of README with each Python of the machine: the first two rings on "
    "all of them",
    "restore": "a database put back to each of many copies taken under load",
    "scale": "millions of rows, and days of load",
    "shipped": "Containerfile and compose by their very commands, and the release's files",
    "simulate": "a month of merchants with faults and crashes",
    "upgrade": "two releases beside each other, and the stop at a million orders",
}
LONG: Final = frozenset(
    (ROOT / "tests/long.txt").read_text("utf-8").split()
)  # 3 s and more on a busy machine
settings.register_profile(
    "merge", deadline=None, max_examples=30, derandomize=True
)  # who explores is `prove`
settings.register_profile("prove", deadline=None, max_examples=500)
settings.load_profile("merge")
proving: str | None = (
    os.environ.get("PROVE_FAMILY") or None
)  # the family that runs; None in `make check` and `test`
if proving is not None:
    settings.load_profile("prove")
# or examples would follow from which modules a run has imported, and each worker would read them
# all
else:
    providers._get_local_constants = lambda: providers._local_constants


@functools.cache
def seed() -> str:
    """The commit under test, or what `PROVE_DRAW` says."""
    if given := os.environ.get("PROVE_DRAW"):
        return given
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "no commit"


def draw(family: str, cases: Iterable[T], count: int, *, label: str = "") -> list[T]:
    """All `cases` when `family` runs, `count` of them otherwise, in their order."""
    every = list(cases)
    assert every, "nothing to draw from"
    if proving == family or len(every) <= count:
        return every
    chosen = random.Random(f"{seed()} {label}").sample(range(len(every)), count)
    return [every[place] for place in sorted(chosen)]


def drawn(
    family: str,
    names: str | Sequence[str],
    cases: Iterable[Any],
    count: int = 3,
    *,
    ids: Any = None,
) -> Callable[[Any], Any]:
    """`pytest.mark.parametrize` over what `draw` gives, and the mark of the family."""

    def mark(test: Any) -> Any:
        chosen = draw(family, cases, count, label=getattr(test, "__name__", ""))
        return deep(family)(pytest.mark.parametrize(names, chosen, ids=ids)(test))

    return mark


def deep(family: str) -> Any:
    """The mark of a test that does more when `family` runs."""
    return pytest.mark.deep(family)


def each(
    names: str | Sequence[str], cases: Iterable[Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """One test of a table: runs for every case, and fails with all complaints. Fixtures are shared
    by the cases."""
    called = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    every = list(cases)
    assert every, "a table without a case"

    def table(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def whole(*args: Any, **fixtures: Any) -> None:
            complaints: list[tuple[str, BaseException]] = []
            for case in every:
                values = _values(case, called)
                try:
                    test(*args, **fixtures, **dict(zip(called, values, strict=True)))
                except pytest.skip.Exception as skipped:
                    complaints.append((_short(values), skipped))
                except (Exception, pytest.fail.Exception) as wrong:  # all of them are raised below
                    if str(wrong).startswith("Timeout"):  # of pytest-timeout, which rings once
                        raise
                    complaints.append((_short(values), wrong))
            if complaints:
                lines = "\n".join(f"- {what}: {_first(wrong)}" for what, wrong in complaints)
                raise AssertionError(
                    f"{len(complaints)} of {len(every)} cases:\n{lines}"
                ) from complaints[0][1]

        given = inspect.signature(test)
        left = [one for one in given.parameters.values() if one.name not in called]
        whole.__signature__ = given.replace(parameters=left)  # type: ignore[attr-defined]
        return whole

    return table


def _values(case: Any, names: Sequence[str]) -> Sequence[Any]:
    if hasattr(case, "values") and hasattr(case, "marks"):  # pytest.param
        return tuple(case.values)
    return (case,) if len(names) == 1 else tuple(case)


def _short(values: Sequence[Any]) -> str:
    return ", ".join(repr(one)[:120] for one in values)


def _first(wrong: BaseException) -> str:
    return f"{type(wrong).__name__}: {str(wrong)[:300]}"


# pytest
# --------------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    os.environ["PROVE_DRAW"] = seed()  # workers that begin after a commit draw the same
    config.addinivalue_line("markers", "prove(family): only `make prove` runs it, with this family")
    config.addinivalue_line(
        "markers", "deep(family): draws some of its cases, and takes all when this family runs"
    )


def pytest_report_header() -> list[str]:
    return [f"family {proving}"] if proving else [f"drawn by {seed()}", passed_on.told()]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Of the proofs a run collects its family's alone, or what the command line names."""
    if PROVE not in (collection_path, *collection_path.parents) or any(
        "prove" in given for given in config.args
    ):
        return None
    if collection_path == PROVE:
        return None if proving else True
    inside = collection_path.relative_to(PROVE).parts[0]
    return True if inside in FAMILIES and inside != proving else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    named = any(
        "::" in given or "prove" in given for given in config.args
    )  # by whoever calls one test
    kept = [item for item in items if _runs(family_of(item), named=named)]
    if proving is None and not any(".py" in given for given in config.args):
        kept = [item for item in kept if not _is_long(item) or _is_drawn(item)]
    if len(kept) < len(items):
        staying = set(kept)
        config.hook.pytest_deselected(items=[item for item in items if item not in staying])
        items[:] = kept
    if proving is not None:  # what proves takes its time: a limit of its own is for `make test`
        for node in {node for item in items for node in item.listchain()}:
            node.own_markers = [mark for mark in node.own_markers if mark.name != "timeout"]


def family_of(item: pytest.Item) -> tuple[str, bool] | None:
    """The family, and whether `make test` runs the test too; None of a test in no family."""
    if PROVE in item.path.parents:
        return item.path.relative_to(PROVE).parts[0], False
    for name, merges in (("prove", False), ("deep", True)):
        if (mark := item.get_closest_marker(name)) is not None:
            assert mark.args[0] in FAMILIES, f"{item.nodeid}: no family {mark.args[0]}"
            return mark.args[0], merges
    if BROWSER in item.path.parents:
        return "browser", True
    if is_hypothesis_test(getattr(item, "obj", None)):
        return "properties", True
    return ("long", True) if _is_long(item) else None


def _is_long(item: pytest.Item) -> bool:
    return item.nodeid.partition("[")[0] in LONG


def _is_drawn(item: pytest.Item) -> bool:
    return random.Random(f"{seed()} {item.nodeid}").random() < 1 / 3


def _runs(family: tuple[str, bool] | None, *, named: bool) -> bool:
    if proving is not None:
        return family is not None and family[0] == proving
    return family is None or family[1] or named

"""A connector that an operator wrote: found by its entry points,
and proved by the conformance kit."""

import asyncio
import runpy
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.subjects import tokens_of

from recoup.kernel.extensions import added
from recoup.processors.gateways.kinds import KINDS, usable_kinds
from recoup_lab.conformance.run import Result, run_checks, subject_of

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/connector"
TOKENS_MAX = 2_070
NOT_OFFERED = {
    27,
    44,
    45,
    *range(46, 58),
}  # advice of a network, lines, refunds that fail later, notices


@pytest.fixture
def on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package as `pip install -e` would leave it, for this test alone."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    runpy.run_path(str(ROOT / "scripts/setup.py"))["describe"](project, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(EXAMPLE / "src")
    for one in (added, usable_kinds):
        one.cache_clear()
    yield
    monkeypatch.undo()
    for one in (added, usable_kinds):
        one.cache_clear()


@pytest.mark.usefixtures("on_the_path")
def test_the_fifth_connector_passes_the_conformance_kit() -> None:
    async def checked() -> list[Result]:
        return [one async for one in run_checks(subject_of("acorn"))]

    assert KINDS["acorn"].url == "https://api.acorn.example"
    found = asyncio.run(checked())
    assert [one for one in found if one.state == "failed"] == []
    assert {one.number for one in found if one.state == "not_offered"} == NOT_OFFERED


def test_it_is_no_longer_than_an_operator_has_time_for() -> None:
    assert sum(map(tokens_of, EXAMPLE.rglob("*.py"))) <= TOKENS_MAX

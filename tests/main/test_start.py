"""A process imports what its verb needs: each module more is time at every start, and memory as long as it runs."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from recoup.main.cli import cli

DOORS, LAB = "recoup.doors.portal.routes", "recoup.lab.bench.run"


@pytest.mark.parametrize(
    ("imports", "spared"),
    [("recoup.main.cli", {DOORS, LAB}), ("recoup.main.worker", {DOORS, LAB}), ("recoup.main.serve", {LAB})],
)
def test_a_server_starts_without_the_code_of_others(imports: str, spared: set[str]) -> None:
    program = f"import sys, recoup.main.cli, {imports}; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(told.stdout.split())
    assert imports in loaded
    assert not spared & loaded


@pytest.mark.parametrize("verb", ["worker", "outcome", "keys", "schema", "lab", "bench", "openapi"])
def test_a_verb_is_found_wherever_it_stands_and_help_has_it(verb: str) -> None:
    assert CliRunner().invoke(cli, [verb, "--help"]).exit_code == 0
    assert f"\n  {verb} " in CliRunner().invoke(cli, ["--help"]).output


def test_a_verb_that_is_not_there_is_named() -> None:
    refused = CliRunner().invoke(cli, ["rescu"])
    assert refused.exit_code == 2
    assert "No such command 'rescu'." in refused.output

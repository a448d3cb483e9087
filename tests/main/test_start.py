"""A process imports what its verb needs: each module more is time at every start, and memory as
long as it runs."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import click
import pytest
from click.testing import CliRunner
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.kit.cli import verb_group
from recoup.main.cli import cli
from recoup.main.later_verbs import LATER
from recoup.sandbox.cli.sandbox import LATER as SANDBOX

SHOWN = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from recoup.main.cli import run
run()
"""
DOORS, LAB = "recoup.main.portal", "recoup_lab"


@pytest.mark.parametrize(
    ("imports", "spared"),
    [
        ("recoup.main.cli", {DOORS, LAB}),
        ("recoup.main.worker", {DOORS, LAB}),
        ("recoup.main.serve", {LAB}),
    ],
)
def test_a_server_starts_without_the_code_of_others(imports: str, spared: set[str]) -> None:
    program = f"import sys, recoup.main.cli, {imports}; print(*sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(told.stdout.split())
    assert imports in loaded
    assert not spared & loaded


@pytest.mark.parametrize(
    "words", [["--version"], ["--help"], ["up", "--help"], ["rescu"], ["settings"]]
)
def test_what_needs_no_world_imports_none(words: list[str]) -> None:
    ended = subprocess.run([sys.executable, "-c", SHOWN, *words], capture_output=True, text=True)
    loaded = set(ended.stderr.split())
    assert "recoup.main.cli" in loaded
    assert {
        "uvloop",
        "asyncpg",
        "aiohttp",
        "jinja2",
        "cryptography",
        "recoup.rescue.flows",
    }.isdisjoint(loaded)


@pytest.mark.parametrize("verb", ["serve", "worker"])
def test_settings_name_the_features_before_doors_are_made_of_them(verb: str) -> None:
    code = """
import sys
from recoup.main import cli
def load_settings(**given):
    sys.exit("made before" if cli_features() else "in time")
def cli_features():
    from recoup.kernel import feature
    return feature._features is not None
cli.load_settings = load_settings
cli.cli([sys.argv[1]])
"""
    ended = subprocess.run([sys.executable, "-c", code, verb], capture_output=True, text=True)
    assert ended.stderr.strip() == "in time"


@each("name", LATER)
def test_the_list_of_verbs_says_what_each_says_of_itself(name: str) -> None:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    assert found.hidden == (not LATER[name].help)
    assert found.hidden or " ".join((found.help or "").split()).startswith(LATER[name].help)


@each("verb", ["worker", "outcome", "keys", "schema", "lab", "bench", "openapi"])
def test_a_verb_is_found_wherever_it_stands_and_help_has_it(verb: str) -> None:
    assert CliRunner().invoke(cli, [verb, "--help"]).exit_code == 0
    assert f"\n  {verb} " in CliRunner().invoke(cli, ["--help"]).output


def test_a_verb_of_a_package_that_is_missing_or_broken_answers_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = EntryPoint("sandbox.processor", "recoup_lab.gone:processor", verb_group.ADDED)
    for found, said in (
        (
            None,
            "comes with the package recoup-lab, which is not installed. "
            "Install it, in a clone: `.venv/bin/pip install -e packages/recoup-lab`.",
        ),
        (
            broken,
            "cannot be used (ModuleNotFoundError: No module named 'recoup_lab.gone'). Install a "
            "release of",
        ),
    ):
        monkeypatch.setattr(
            verb_group, "added", lambda _, found=found: {found.name: found} if found else {}
        )
        group = verb_group.VerbGroup("sandbox", later=SANDBOX)
        with pytest.raises(Problem) as refused:
            group.get_command(click.Context(group), "processor")
        assert said in refused.value.sentence()
        assert ("processor" in group.list_commands(click.Context(group))) == bool(found)


def test_a_verb_that_is_not_there_is_named() -> None:
    refused = CliRunner().invoke(cli, ["rescu"])
    assert refused.exit_code == 2
    assert "No such command 'rescu'." in refused.output
    assert "verify" in CliRunner().invoke(cli, ["verfy"]).output

"""What `recoup bootstrap` says about whose credentials it prints."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from recoup.kernel.problem import Problem
from recoup.main.cli import _which_installation, cli
from recoup.main.settings import load_settings


def test_bootstrap_in_another_folder_says_that_it_made_a_new_installation(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    said = _which_installation(load_settings(data_dir=folder))
    assert f"NEW installation was made in {folder}" in said
    assert "--data-dir" in said


def test_bootstrap_says_which_installation_it_used(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    assert "earlier ones are revoked" in _which_installation(load_settings(data_dir=tmp_path))
    (tmp_path / "bootstrap.json").write_text("{}")
    assert _which_installation(load_settings(data_dir=tmp_path)).endswith(
        f"the installation in {tmp_path}."
    )


@pytest.mark.parametrize(
    "words", [["--live", "bootstrap"], ["--live", "bootstrap", "--json"], ["bootstrap", "--json"]]
)
def test_bootstrap_for_live_prints_no_credentials_of_the_sandbox(
    tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOUP_WORLD", "live")
    (tmp_path / "bootstrap.json").write_text('{"app_secret": "hunter2"}')
    ran = CliRunner().invoke(cli, [*words, "--data-dir", str(tmp_path)])
    assert isinstance(ran.exception, Problem)
    assert "sandbox" in ran.exception.sentence()
    assert "goes live" in str(ran.exception.cure)
    assert "hunter2" not in ran.output

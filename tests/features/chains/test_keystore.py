"""Keys in files, and what their libraries do to the process."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from recoup.features.chains.keystore import make_key, open_key
from recoup.kernel.problem import Problem


def test_deep_json_is_refused_where_keys_are_open() -> None:
    limit = "sys.getrecursionlimit()"
    code = f"import sys; before = {limit}; import recoup.features.chains.keystore; assert {limit} == before"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_else_imports_what_lifts_the_limit() -> None:
    """Neither a module nor a test: whichever came first would have lifted it for good."""
    root = Path(__file__).parents[3]
    files = [file for folder in ("src", "tests") for file in (root / folder).rglob("*.py")]
    lifts = re.compile(r"^(from|import) eth_account\b", re.MULTILINE)
    assert [file.name for file in files if lifts.search(file.read_text())] == ["keystore.py"]


def test_a_key_opens_with_its_password_alone(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    made = make_key(file, "a password")
    assert file.stat().st_mode & 0o077 == 0
    assert open_key(file, "a password").address == made.address
    for path, password in ((file, "another"), (tmp_path / "none.json", "a password")):
        with pytest.raises(Problem, match="cannot be opened"):
            open_key(path, password)
    with pytest.raises(FileExistsError):
        make_key(file, "a password")

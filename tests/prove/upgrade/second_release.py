"""The next release: a copy of the package with further migrations, and the program that runs it."""

import shutil
import sys
from pathlib import Path

from tests.repo.test_house import ROOT


def second_release(folder: Path, migrations: dict[str, str]) -> str:
    """`migrations`: of the world, text by file name."""
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    target = folder / "src/recoup/db/migrations/world"
    target.mkdir(parents=True, exist_ok=True)
    for name, sql in migrations.items():
        (target / name).write_text(sql)
    program = folder / "recoup"
    program.write_text(
        f"#!/bin/sh\nPYTHONPATH='{folder / 'src'}' exec '{sys.executable}' -m recoup.main \"$@\"\n"
    )
    program.chmod(0o755)
    return str(program)

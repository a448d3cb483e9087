"""The units of systemd hold what they promise: they parse, and let Recoup do little."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.repo.test_house import ROOT

UNITS = sorted((ROOT / "deploy/systemd").iterdir())
EXPOSURE_MAX = 3.0


@pytest.fixture(scope="module", autouse=True)
def systemd() -> None:
    subprocess.run([sys.executable, ROOT / "scripts/need.py", "systemd-analyze"], check=True)


def test_the_units_are_in_order(tmp_path: Path) -> None:
    (program := tmp_path / "program").write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in UNITS:
        (tmp_path / unit.name).write_text(
            re.sub(r"/opt/recoup/bin/\w+", str(program), unit.read_text())
        )
    command = ["systemd-analyze", "verify", *(tmp_path / unit.name for unit in UNITS)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_only_the_worker_reads_the_owners_log_in() -> None:
    assert [unit.name for unit in UNITS if "/etc/recoup/worker.env" in unit.read_text()] == [
        "recoup-worker.service"
    ]


@pytest.mark.parametrize(
    "unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name
)
def test_a_unit_may_do_little(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", unit]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found
    assert float(found[1]) <= EXPOSURE_MAX, said

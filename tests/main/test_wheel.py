"""What somebody gets who installs the wheel of Recoup alone: all files that it needs are inside."""

import json
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import httpx
import pytest
from tests.docs.running import ROOT, clean_environment

pytestmark = pytest.mark.prove("processes")

SECONDS_MAX = 240  # beside other work


BRIDGE = """[[routes]]
world = "sandbox"
name = "own"
kind = "bridge"
url = "https://bridge.example"
key_file = "own.key"
acceptor = "123456789012345"
countries = ["AQ"]
"""
OF_LAB = ("bench", "connector check", "lab world", "sandbox processor nmi", "simulate")


def _run(*command: object, cwd: Path) -> None:
    ran = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _installed(folder: Path) -> Path:
    """A fresh environment with the wheel of Recoup alone; the laboratory's lies in `wheels`. What
    they depend on is linked from ours: no index is asked."""
    source, wheels, environment = folder / "source", folder / "wheels", folder / "environment"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/images/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    build = "import sys, setuptools.build_meta as made; made.build_wheel(sys.argv[1])"
    wheels.mkdir()
    for project in (source, source / "packages/recoup-lab"):
        _run(sys.executable, "-c", build, wheels, cwd=project)
    _run(sys.executable, "-m", "venv", environment, cwd=folder)
    own = sysconfig.get_path(
        "purelib", vars={"base": str(environment), "platbase": str(environment)}
    )
    (beside := folder / "beside").mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith("recoup"):
            (beside / entry.name).symlink_to(entry)
    (Path(own) / "beside.pth").write_text(f"{beside}\n")
    _install(folder, "recoup")
    shutil.rmtree(source)
    return environment / "bin/recoup"


def _install(folder: Path, package: str) -> None:
    (wheel,) = (folder / "wheels").glob(f"{package}-*.whl")
    pip = (
        folder / "environment/bin/python",
        "-m",
        "pip",
        "--disable-pip-version-check",
    )  # uv makes our own without one
    _run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=folder)


@pytest.mark.timeout(3 * SECONDS_MAX)
def test_the_wheel_alone_plays_the_demo_takes_a_bridge_and_says_what_the_laboratory_has(
    tmp_path: Path,
) -> None:
    recoup, data_dir, log = _installed(tmp_path), tmp_path / "data", tmp_path / "log"
    data_dir.mkdir()
    (data_dir / "recoup.toml").write_text(BRIDGE)
    (data_dir / "own.key").write_text("4f" * 32)
    with log.open("wb") as out:
        command = [str(recoup), "up", "--demo", "--port", "0", "--data-dir", str(data_dir)]
        up = subprocess.Popen(
            command, cwd=tmp_path, stdout=out, stderr=subprocess.STDOUT, env=clean_environment()
        )
    try:
        give_up = time.monotonic() + SECONDS_MAX
        while not _played(data_dir):
            assert up.poll() is None, log.read_text()
            assert "Traceback" not in log.read_text(), log.read_text()
            assert time.monotonic() < give_up, log.read_text()
            time.sleep(0.2)
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        assert found
        assert httpx.get(found[0] + "/docs/first-payment").status_code == 200
        signing_in = httpx.get(found[0] + "/signin", headers={"accept-language": "de"})
        assert (signing_in.status_code, 'lang="en"' in signing_in.text) == (200, True)
        assert "its three months of renewals come with the package recoup-lab" in log.read_text()
        assert "own" in _said(recoup, "route", "list", "--data-dir", str(data_dir)).stdout
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)
    (data_dir / "recoup.toml").write_text(BRIDGE.replace('"bridge"', '"stripe"'))
    refused = _said(recoup, "settings", "--data-dir", str(data_dir)).stderr
    assert refused.startswith(
        "recoup: routes[own]: 'stripe' is no kind of route that is installed. Install its package"
    )
    assert refused.count("\n") == 1
    for verb in OF_LAB:
        said = _said(recoup, *verb.split())
        words = " ".join(verb.split()[: 2 if verb.startswith("sandbox") else 1])
        assert (said.returncode, said.stdout, said.stderr) == (
            1,
            "",
            f"recoup: `recoup {words}` comes with the package recoup-lab, which is not installed. "
            "Install it, in a clone: `.venv/bin/pip install -e packages/recoup-lab`.\n",
        )
    _install(tmp_path, "recoup_lab")
    assert (
        json.loads(_said(recoup, "lab", "world", given='{"op":"hello","protocol":1}\n').stdout)[
            "protocol"
        ]
        == 1
    )
    assert "simulate" in _said(recoup, "--help").stdout


def _said(recoup: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command, bare = [recoup, *words], clean_environment()
    return subprocess.run(
        command, input=given, capture_output=True, text=True, env=bare, timeout=SECONDS_MAX
    )


def _played(data_dir: Path) -> bool:
    """Whether it is under way: one point of the day is over."""
    try:
        return json.loads((data_dir / "demo.json").read_text())["done_seconds"] is not None
    except (OSError, ValueError, KeyError):
        return False

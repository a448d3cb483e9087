"""A release's files come out the same twice, name all that is inside, and verify by the two lines
of SECURITY.md."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

from tests.repo.test_house import ROOT

WHEELS = {"recoup", "recoup_connectors", "recoup_lab", "recoup_languages"}


def run(*command: object, cwd: Path, ok: bool = True) -> str:
    ran = subprocess.run(
        [str(one) for one in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert (ran.returncode == 0) is ok, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def released(clone: Path, key: Path, *, ok: bool = True) -> str:
    return run(ROOT / ".release/bin/python", "scripts/release.py", key, cwd=clone, ok=ok)


def test_a_release_is_reproducible_signed_and_says_what_is_inside(tmp_path: Path) -> None:
    run("make", ".release/made", cwd=ROOT)
    clone, key = tmp_path / "clone", tmp_path / "key"
    run("git", "clone", "-q", ROOT, clone, cwd=tmp_path)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key, cwd=tmp_path)
    line = released(clone, key, ok=False).partition("allowed_signers: ")[2]
    (clone / "deploy/allowed_signers").write_text(line)
    assert "not clean: commit first" in released(clone, key, ok=False)
    run("git", "add", "-A", cwd=clone)
    run(
        "git",
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@example.test",
        "commit",
        "-qm",
        "Name who signs",
        cwd=clone,
    )
    released(clone, key)
    dist = clone / "dist"
    first = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in dist.iterdir()}
    released(clone, key)
    assert {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in dist.iterdir()
    } == first
    assert {name.partition("-")[0] for name in first if name.endswith(".whl")} == WHEELS
    assert {name.partition("-")[0] for name in first if name.endswith(".tar.gz")} == WHEELS
    lines = re.search(
        r"```sh\n(ssh-keygen .*)\n(sha256sum .*)\n```", (ROOT / "SECURITY.md").read_text()
    )
    assert lines
    for command in (lines[1].replace("deploy/", "../deploy/"), lines[2]):
        run("sh", "-ec", command, cwd=dist)
    bill = json.loads(next(dist.glob("*.cdx.json")).read_text())
    listed = {f"{one['name']}=={one['version']}".lower() for one in bill["components"]}
    locked = re.findall(r"^([\w.-]+==[\w.]+)", (ROOT / "requirements/run.txt").read_text(), re.M)
    assert {one.lower() for one in locked} <= listed

"""What a release says of itself: known vulnerabilities, who may sign it."""

import json
import subprocess
from pathlib import Path

import pytest
from scripts.audit import judged
from scripts.release import check_signer
from tests.rings import each

FIXED = {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
UNFIXED = {"name": "b", "version": "1", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]}
SOUND = {"name": "c", "version": "1", "vulns": []}
UNKNOWN = {"name": "d", "version": "1", "skip_reason": "not found"}


@each(
    "packages, code, strict, said",
    [
        ([SOUND, SOUND], 0, 0, "2 packages, 0 known"),
        ([SOUND, FIXED], 1, 1, "a 1: PYSEC-1, fixed in 2"),
        ([SOUND, UNFIXED], 0, 0, "b 1: PYSEC-2, fixed in no release yet"),
        ([SOUND, UNKNOWN], 0, 1, "1 packages unknown there"),
        ([UNKNOWN], 0, 1, "nothing was audited (1 packages are unknown there)"),
        (None, 0, 1, "nothing was audited (no route to host)"),
    ],
)
def test_a_vulnerability_with_a_fix_fails_and_no_network_is_said(
    packages: list[dict[str, object]] | None,
    code: int,
    strict: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = "" if packages is None else json.dumps({"dependencies": packages})
    assert judged(output, "no route to host", False) == code
    assert said in capsys.readouterr().out
    assert judged(output, "no route to host", True) == strict


def test_a_key_that_nobody_could_verify_signs_nothing(tmp_path: Path) -> None:
    key, signers = tmp_path / "key", tmp_path / "allowed_signers"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    line = r'Add to deploy/allowed_signers: releases namespaces="recoup" ssh-ed25519'
    with pytest.raises(SystemExit, match=line) as said:
        check_signer(key, signers)
    signers.write_text(str(said.value).partition("allowed_signers: ")[2] + "\n")
    check_signer(key, signers)
    (sums := tmp_path / "SHA256SUMS").write_text("0  x\n")
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "recoup", sums], check=True)
    verify = [
        "ssh-keygen",
        "-q",
        "-Y",
        "verify",
        "-f",
        signers,
        "-I",
        "releases",
        "-n",
        "recoup",
        "-s",
        f"{sums}.sig",
    ]
    for text, verified in (("0  x\n", True), ("1  x\n", False)):
        assert (
            subprocess.run(verify, input=text, text=True, check=False).returncode == 0
        ) is verified

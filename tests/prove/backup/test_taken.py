"""A host that is lost for good: its encrypted copy takes its place, nothing is sent until `recoup
recover`.

Again: `pytest -n 0 tests/prove/backup/test_taken.py --timeout=0 -s`
"""

import asyncio
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.kills.installation import Installation, installed
from tests.prove.backup.barman import Copied
from tests.prove.backup.test_killed import LOST_SECONDS_MAX, known, under_load

from recoup.db.server import EmbeddedServer
from recoup.db.server.cluster import cluster_folder

KEY = "backup@recoup.example"


def dsn_of(installation: Installation) -> str:
    return EmbeddedServer(installation.data_dir).start().dsn("recoup_sandbox")


def readiness(installation: Installation) -> dict[str, object]:
    with urlopen(installation.url + "/readyz", timeout=10) as answer:
        found: dict[str, object] = json.loads(answer.read())
        return found


def test_a_lost_host_is_replaced_by_its_encrypted_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpg = Path(tempfile.mkdtemp(prefix="gpg-"))  # the path of its agent's socket is short
    monkeypatch.setenv("GNUPGHOME", str(gpg))
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a passphrase of the tests")
    words = [
        "--batch",
        "--pinentry-mode",
        "loopback",
        "--passphrase-file",
        str(passphrase),
        "--quick-generate-key",
    ]
    subprocess.run(
        ["gpg", *words, KEY, "default", "default", "never"], check=True, capture_output=True
    )
    try:
        with installed(tmp_path) as installation:
            copied = Copied(installation, tmp_path / "copies")
            copied.set_up("--gpg-key", KEY)
            at, killed, flushed, strange = asyncio.run(
                under_load(copied, dsn_of(installation), 1, 6)
            )
            assert not strange
            copied.forget_unsynced(flushed)
            shutil.rmtree(cluster_folder(installation.data_dir))
            shutil.rmtree(
                installation.data_dir / "standing"
            )  # a new machine: nothing is known here but the keys
            clear = [
                path
                for path in (copied.home / "recoup").rglob("*")
                if path.is_file() and b"Ana Roe" in path.read_bytes()
            ]
            assert [path.suffix for path in clear] in ([], [".partial"]), (
                "only what is being received is in clear"
            )
            said = copied.recoup("restore", "--to", "latest", "--passphrase-file", str(passphrase))
            assert "verify sandbox: ok" in said
            copied.recoup("restore", "--take")
            installation.wait_ready()
            assert readiness(installation)["quarantine"] == ["sandbox"]
            doctor = installation.run("doctor")
            assert doctor.returncode == 1
            assert "recoup recover" in doctor.stdout
            copied.recoup("recover", "--by", "the tests")
            found = asyncio.run(known(dsn_of(installation), list(at)))
            gone = [killed - moment for order_id, moment in at.items() if order_id not in found]
            assert max(gone, default=0) <= LOST_SECONDS_MAX
            copied.receive()
            copied.barman("backup", "--wait", "recoup")
            copied.recoup("backup", "check")
            assert "quarantine" not in readiness(installation)
            copied.recoup("verify")
            print(f"{len(at)} orders before, {len(found)} of them restored", flush=True)
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], check=False)
        shutil.rmtree(gpg, ignore_errors=True)

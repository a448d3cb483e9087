"""Runs Barman, and reads what it says."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from recoup.kernel.problem import Problem, invalid
from recoup.main.backup.configuration import SERVER

VERSION: Final = "3.19"
CHECK_SECONDS_MAX: Final = 90.0
RESTORE_SECONDS_MAX: Final = 24 * 3600.0
_CURES: Final[Mapping[str, str]] = {
    "postgresql": "Is Recoup running? If it is, run `recoup backup init` again.",
    "postgresql_streaming": "Run `recoup backup init` again.",
    "receive_wal_running": "Does `barman cron` run every minute?",
    "encryption": "Is its key in gpg's keyring?",
    "systemid_coherence": "The folder holds copies of another installation: choose another by "
    "`recoup backup init`.",
}
# What the lines on the copy's age and on the log say.
_SAID: Final = (
    "backup_maximum_age",
    "minimum_redundancy_requirements",
    "replication_slot",
    "wal_archive",
)
_ERROR: Final = "ERROR: "


class Finding(NamedTuple):
    """A line of `barman check`, in its words."""

    name: str
    ok: bool
    words: str
    cure: str


class Barman(NamedTuple):
    """The program, and the file that configures it."""

    program: str
    file: Path

    def words(self, *words: str) -> str:
        """A command as somebody types it."""
        return " ".join((self.program, "-c", str(self.file), *words))

    def run(self, *words: str, seconds_max: float) -> "subprocess.CompletedProcess[str]":
        """Raises: Problem(unavailable) without an answer."""
        command = [self.program, "-c", str(self.file), *words]
        try:
            return subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds_max,
                check=False,
            )
        except OSError as error:
            raise not_installed(f"{self.program}: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            message = f"Barman has not answered for {seconds_max:.0f} s."
            raise Problem(
                "unavailable", message, cure="Does the disk of the copies answer?"
            ) from None

    def check(self) -> list[Finding]:
        """Raises: Problem(unavailable)."""
        done = self.run("-f", "json", "check", SERVER, seconds_max=CHECK_SECONDS_MAX)
        return findings(done.stdout) or [
            Finding("barman", False, said(done.stdout, done.stderr), "")
        ]


def findings(output: str) -> list[Finding]:
    """Findings from `barman -f json check`; of a server that does not answer, only that."""
    try:
        whole: dict[str, Any] = json.loads(output)
        checks: dict[str, Any] = whole[SERVER]
    except (ValueError, KeyError, TypeError):
        return []
    if failed := whole.get("_EXCEPTION") or whole.get("_ERROR"):
        return [
            Finding(
                "barman", False, _in_one_line(failed), "Its log is barman.log, beside barman.conf."
            )
        ]
    read = [
        Finding(
            name.replace("_", " "),
            check.get("status") == "OK",
            str(check.get("hint") or ""),
            _CURES.get(name, ""),
        )
        for name, check in checks.items()
        if isinstance(check, dict) and name not in _SAID
    ]
    away = [finding for finding in read if finding.name == "postgresql" and not finding.ok]
    return away or read


def _in_one_line(words: object) -> str:
    return " ".join(str(words[0] if isinstance(words, list) and words else words).split())[:300]


def said(*outputs: str) -> str:
    """The line that says what went wrong."""
    lines = [line.strip() for output in outputs for line in output.splitlines() if line.strip()]
    return next(
        (line for line in lines if line.startswith(_ERROR)),
        lines[-1] if lines else "it said nothing",
    )


def find_barman(given: str = "") -> str:
    """Raises: Problem(unavailable) where it is not installed."""
    path = shutil.which(given or "barman")
    if path is None:
        raise not_installed(f"{given} is not there" if given else "it is not on PATH")
    return str(Path(path).absolute())


def not_installed(why: str) -> Problem:
    cure = f"Install it (`pipx install 'barman=={VERSION}.*'`), or name it with --barman."
    return Problem("unavailable", f"Barman was not found: {why}.", cure=cure)


def fingerprint(key: str) -> str:
    """Fingerprint of a key in gpg's keyring that it encrypts to. Raises: Problem(invalid)."""
    listed = subprocess.run(
        ["gpg", "--batch", "--with-colons", "--list-keys", key],
        capture_output=True,
        text=True,
        check=False,
    )
    key_id = next(
        (line.split(":")[9] for line in listed.stdout.splitlines() if line.startswith("fpr:")), ""
    )
    words = [
        "gpg",
        "--batch",
        "--yes",
        "--output",
        "/dev/null",
        "--encrypt",
        "--recipient",
        key_id,
    ]
    tried = (
        subprocess.run(words, input="", capture_output=True, text=True, check=False)
        if key_id
        else listed
    )
    if tried.returncode:
        cure = "Import it (`gpg --import`), and trust it (`gpg --edit-key`, trust)."
        raise invalid(
            f"gpg does not encrypt to the key {key}: {said(tried.stderr)}", "gpg_key", cure
        )
    return key_id


def find_programs(needed: Sequence[str]) -> None:
    """Raises: Problem(unavailable) naming one that is missing."""
    for name in needed:
        if shutil.which(name) is None:
            package = {"gpg": "gnupg"}.get(name, name)
            message = f"{name} is not installed, and Barman restores by it."
            raise Problem("unavailable", message, cure=f"Install it: `apt-get install {package}`.")

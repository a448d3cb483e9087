"""Makes the files of a release in `dist/`: wheels, source, SBOM, checksums and their signature.

.release/bin/python scripts/release.py KEY

KEY: a private key of ssh whose public half stands in deploy/allowed_signers; `none` leaves the
checksums unsigned. The files of a commit come out the same wherever they are made: times are the
commit's.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PROJECTS: Final = (
    ".",
    "packages/recoup-connectors",
    "packages/recoup-lab",
    "packages/recoup-languages",
)
SIGNERS: Final = "deploy/allowed_signers"
SUMS: Final = "SHA256SUMS"
WHO: Final = "releases"  # as allowed_signers names who signs


def main(key: str, root: Path = ROOT, dist: Path = ROOT / "dist") -> None:
    if key != "none":
        check_signer(Path(key), root / SIGNERS)
    if subprocess.run(
        ["git", "status", "--porcelain"], cwd=root, capture_output=True, check=True
    ).stdout:
        sys.exit("release: the working tree is not clean: commit first")
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir()
    epoch = _git("log", "-1", "--format=%ct", root=root)
    with tempfile.TemporaryDirectory() as folder:
        _export(root, Path(folder))
        for project in PROJECTS:
            _build(Path(folder) / project, dist, epoch)
    for archive in dist.glob("*.tar.gz"):
        _repack(archive, int(epoch))
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    _bill(root, dist / f"recoup-{version}.cdx.json")
    files = sorted(path for path in dist.iterdir())
    sums = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files
    )
    (dist / SUMS).write_text(sums)
    if key != "none":
        subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "recoup", dist / SUMS], check=True
        )
    print(sums, end="")


def check_signer(key: Path, signers: Path) -> None:
    """Ends with the line to add where nobody could verify what the key signs."""
    asked = subprocess.run(
        ["ssh-keygen", "-y", "-f", key], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        sys.exit(f"release: {asked.stderr.strip()}")
    public = " ".join(asked.stdout.split()[:2])
    if not signers.exists() or public not in signers.read_text():
        sys.exit(
            f'release: nobody could verify this key. Add to {SIGNERS}: {WHO} namespaces="recoup" '
            f"{public}"
        )


def _git(*words: str, root: Path) -> str:
    return subprocess.run(
        ["git", *words], cwd=root, capture_output=True, text=True, check=True
    ).stdout.strip()


def _export(root: Path, folder: Path) -> None:
    """The commit's files alone: nothing that lies about comes in."""
    archive = subprocess.run(
        ["git", "archive", "HEAD"], cwd=root, capture_output=True, check=True
    ).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)


def _build(project: Path, dist: Path, epoch: str) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(project)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": epoch, "PYTHONHASHSEED": "0"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(ran.stdout[-3000:] + ran.stderr[-3000:])


def _repack(archive: Path, epoch: int) -> None:
    """setuptools writes the hour and the user into a source archive."""
    with tarfile.open(archive) as old:
        members = sorted(old.getmembers(), key=lambda one: one.name)
        content = {one.name: old.extractfile(one) for one in members if one.isfile()}
        with (
            archive.with_suffix(".new").open("wb") as raw,
            gzip.GzipFile("", "wb", 9, raw, mtime=epoch) as packed,
        ):
            with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new:
                for one in members:
                    one.uid = one.gid = 0
                    one.uname = one.gname = ""
                    one.mtime, one.pax_headers = epoch, {}
                    one.mode = 0o755 if one.isdir() or one.mode & 0o100 else 0o644
                    new.addfile(one, content.get(one.name))
    archive.with_suffix(".new").replace(archive)


def _bill(root: Path, to: Path) -> None:
    """CycloneDX of everything that the lock installs."""
    lock, project = f"{root}/requirements/run.txt", f"{root}/pyproject.toml"
    command = [
        f"{Path(sys.executable).parent}/cyclonedx-py",
        "requirements",
        lock,
        "--pyproject",
        project,
    ]
    subprocess.run(
        [*command, "--spec-version", "1.6", "--output-reproducible", "-o", str(to)], check=True
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])

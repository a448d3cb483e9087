"""The cluster's folder: made once, whole or not at all."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from recoup.db.server.address import USER
from recoup.db.server.binaries import Binaries, find_binaries
from recoup.db.server.footing import Footing
from recoup.db.server.log import telling
from recoup.kernel.problem import Problem, Sentence

_SECONDS_MAX: Final = 300


def cluster_folder(data_dir: Path) -> Path:
    return data_dir / "postgres"


def binaries_for(cluster: Path) -> Binaries:
    """The newest there are for a new cluster, those of its own version for an old one."""
    version = cluster / "PG_VERSION"
    return find_binaries(int(version.read_text())) if version.exists() else find_binaries()


def make_cluster(cluster: Path, binaries: Binaries, footing: Footing, *, durable: bool) -> None:
    """`initdb` beside the final place, then a rename: an interrupted start leaves no half cluster.

    Raises: Problem with initdb's own reason.
    """
    fresh = cluster.with_name(cluster.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    footing.give(fresh)
    options = ["-D", str(fresh), "-U", USER, "-A", "trust", "-E", "UTF8", "--data-checksums"]
    options += ["--no-instructions", *_locale(binaries.major)]
    if not durable:
        options.append("--no-sync")
    done = subprocess.run(
        footing.command(binaries.initdb, *options),
        env=environment(),
        cwd="/",
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_SECONDS_MAX,
        check=False,
        **footing.identity(),
    )
    if done.returncode:
        shutil.rmtree(fresh, ignore_errors=True)
        why = telling(done.stderr.splitlines())
        raise Problem(
            "unavailable",
            Sentence("the embedded database in {0} could not be made: {1}", cluster, why),
            cure="Cure what it names, choose another --data-dir, or set RECOUP_DATABASE_URL.",
        )
    fresh.rename(cluster)


def environment() -> dict[str, str]:
    """The environment that the server sees of ours: no secrets, no PG* settings; its clock is moved
    where ours is (`make test-at`)."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LD_PRELOAD", "FAKETIME", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "LC_ALL": "C",
        "TZ": "UTC",
    }


def _locale(major: int) -> list[str]:
    """UTF-8 everywhere, and sorting that does not change with the operating system's libraries."""
    if major >= 18:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=PG_UNICODE_FAST"]
    if major == 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8", "--locale-provider=libc"]

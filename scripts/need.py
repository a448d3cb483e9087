"""Make sure that the programs the tests use are there: install them when we may, else name them and
fail.

python3 scripts/need.py chromium curl openssl
"""

import os
import shutil
import subprocess
import sys

# what we need: the names it may have on PATH, the Debian package that brings it
PROGRAMS = {
    "chromium": (("chromium", "chromium-browser", "google-chrome"), "chromium"),
    "curl": (("curl",), "curl"),
    "debootstrap": (("debootstrap",), "debootstrap"),
    "file": (("file",), "file"),
    "gpg": (("gpg",), "gnupg"),
    "npm": (("npm",), "npm"),
    "openssl": (("openssl",), "openssl"),
    "ssh-keygen": (("ssh-keygen",), "openssh-client"),
    "systemd-analyze": (("systemd-analyze",), "systemd"),
    "faketime": (("faketime",), "faketime"),
    "pgbackrest": (("pgbackrest",), "pgbackrest"),
    "postgres-15": (("/usr/lib/postgresql/15/bin/postgres",), "postgresql-15"),
    "rsync": (("rsync",), "rsync"),
    "pgbouncer": (("pgbouncer", "/usr/sbin/pgbouncer"), "pgbouncer"),
    "haproxy": (("haproxy", "/usr/sbin/haproxy"), "haproxy"),
    "promtool": (("promtool",), "prometheus"),
}


def main(wanted: list[str]) -> None:
    missing = [PROGRAMS[name][1] for name in wanted if not found(name)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        install(missing)
        missing = [PROGRAMS[name][1] for name in wanted if not found(name)]
    if missing:
        sys.exit(
            f"the tests need what is not installed here: sudo apt-get install {' '.join(missing)}"
        )


def found(name: str) -> str | None:
    """Where it is."""
    return next(filter(None, map(shutil.which, PROGRAMS[name][0])), None)


def install(packages: list[str]) -> None:
    print(f"installing {' '.join(packages)} ...", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    for step in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run([*apt, *step], env=quiet, check=False, capture_output=True, text=True)
        if done.returncode:
            print(done.stdout[-2000:] + done.stderr[-2000:], file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])

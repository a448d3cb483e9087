"""One PostgreSQL for the whole test run, shared by all xdist workers.

The controller starts it before any test and stops it after the last; should the controller be
killed, the server ends with it. A server that cannot start ends the run: nothing is skipped.

Its folder is in memory where there is room: most tests have a database made for them, which is a
thousand files.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests import rings

from recoup.db.server import EmbeddedServer, ServerAddress
from recoup.kernel.problem import Problem

_ADDRESS = pytest.StashKey[ServerAddress]()
_SERVER = pytest.StashKey[EmbeddedServer]()
_MEMORY = Path("/dev/shm")  # noqa: S108 - folders there are made 0700
_ROOM_BYTES = 6 * 1024**3
_PREFIX = "recoup-tests-"


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> ServerAddress:
    """The run's server. It is not durable: tests that kill a server start one of their own."""
    return pytestconfig.stash[_ADDRESS]


def pytest_configure(config: pytest.Config) -> None:
    if given := getattr(config, "workerinput", {}).get("server"):
        config.stash[_ADDRESS] = ServerAddress(**given)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    where = _MEMORY if _fits_in_memory() and not _proves(config) else None
    running = EmbeddedServer(
        Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=where)), durable=False
    )
    config.stash[_SERVER] = running
    try:
        config.stash[_ADDRESS] = running.start()
    except Problem as problem:
        pytest.exit(f"{problem.message} {problem.cure or ''}", returncode=3)


def _fits_in_memory() -> bool:
    """Whether there is a file system in memory with room to spare, once what killed runs have left
    there is gone."""
    try:
        for left in _MEMORY.glob(f"{_PREFIX}*-*"):
            if not Path(f"/proc/{left.name.removeprefix(_PREFIX).partition('-')[0]}").exists():
                shutil.rmtree(left, ignore_errors=True)
        known = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
        return (
            known is not None
            and min(int(known[1]) * 1024, shutil.disk_usage(_MEMORY).free) >= _ROOM_BYTES
        )
    except OSError:
        return False


def _proves(config: pytest.Config) -> bool:
    """Whether more rows are made than a memory should hold."""
    named = any("prove" in Path(given.partition("::")[0]).parts for given in config.args)
    return named or rings.proving in ("engine", "growth", "kills", "scale", "simulate")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist, in the controller: what a new worker is told."""
    if address := node.config.stash.get(_ADDRESS, None):
        node.workerinput["server"] = {
            "host": address.host,
            "port": address.port,
            "user": address.user,
        }


def pytest_unconfigure(config: pytest.Config) -> None:
    if running := config.stash.get(_SERVER, None):
        running.stop()
        shutil.rmtree(running.data_dir, ignore_errors=True)

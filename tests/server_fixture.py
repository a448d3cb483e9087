"""One PostgreSQL for the whole test run, shared by all xdist workers.

The controller starts it before any test and stops it after the last; should the controller be killed, the
server ends with it. A server that cannot start ends the run: nothing is skipped.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from recoup.kernel.problem import Problem
from recoup.store.server import EmbeddedServer, ServerAddress

_ADDRESS = pytest.StashKey[ServerAddress]()
_SERVER = pytest.StashKey[EmbeddedServer]()


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
    running = EmbeddedServer(Path(tempfile.mkdtemp(prefix="recoup-tests-")), durable=False)
    config.stash[_SERVER] = running
    try:
        config.stash[_ADDRESS] = running.start()
    except Problem as problem:
        pytest.exit(f"{problem.message} {problem.cure or ''}", returncode=3)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist, in the controller: what a new worker is told."""
    if address := node.config.stash.get(_ADDRESS, None):
        node.workerinput["server"] = {"host": address.host, "port": address.port, "user": address.user}


def pytest_unconfigure(config: pytest.Config) -> None:
    if running := config.stash.get(_SERVER, None):
        running.stop()
        shutil.rmtree(running.data_dir, ignore_errors=True)

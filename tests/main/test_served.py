"""`recoup serve` as a process of its own, with few file handles, and a crowd that only holds connections."""

import asyncio
import resource
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from tests.docs.running import clean_environment
from tests.kills.installation import free_port
from tests.worlds import empty

from recoup.main.file_handles import raise_file_handles
from recoup.main.serve import limits_of
from recoup.main.settings import Settings
from recoup.store.server import ServerAddress

HANDLES = 300
START_SECONDS = 60.0


@pytest.fixture
def databases(server: ServerAddress) -> dict[str, str]:
    name = uuid.uuid4().hex[:12]
    return {"RECOUP_PEOPLE_DATABASE_URL": asyncio.run(empty(server, "people", f"sp_{name}")),
            "RECOUP_SANDBOX_DATABASE_URL": asyncio.run(empty(server, "world", f"sw_{name}"))}  # fmt: skip


@contextmanager
def serve(folder: Path, environment: dict[str, str], handles: int) -> Iterator[int]:
    """The port of it."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "recoup.main", "serve", "--port", str(port), "--data-dir", str(folder)],
        env=clean_environment() | environment, stdin=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (min(handles, 100), handles)),
    )  # fmt: skip
    try:
        give_up = time.monotonic() + START_SECONDS
        while not is_ready(port):
            assert process.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def is_ready(port: int, path: str = "/readyz") -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def test_with_few_file_handles_idle_connections_are_no_outage(tmp_path: Path, databases: dict[str, str]) -> None:
    with serve(tmp_path, databases | {"RECOUP_HTTP_CONNECTIONS_PER_ADDRESS": "10000"}, HANDLES) as port:
        held = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(HANDLES - 10)]
        held += [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(100)]
        for _ in range(3):
            assert is_ready(port, "/healthz")
            assert is_ready(port)
        for one in held:
            one.close()


def test_limits_follow_the_file_handles_and_leave_some_for_databases() -> None:
    handles = raise_file_handles()
    limits = limits_of(Settings())
    assert limits.total + 2 * limits.spare + 4 * Settings().connections < handles
    assert limits_of(Settings(http_connections=50)).total == 50
    assert limits_of(Settings(http_connections=50)).per_address == 50
    assert limits_of(Settings(http_connections=10**9)).total == limits.total

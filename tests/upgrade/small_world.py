"""A small world in which everything has happened once, as a dump: what an upgrade begins with.

python -m tests.upgrade.small_world FOLDER

The dumps in `tests/upgrade/0.1.0` were made so, by `make freeze` before the tag, and are never made
again.
"""

import asyncio
import hashlib
import lzma
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import tests.worlds as worlds
from tests.insight.flows.test_verify import live_in_everything

from recoup.db.migrate import FOLDER, RELEASED
from recoup.db.server import EmbeddedServer, ServerAddress
from recoup.db.server.binaries import find_binaries
from recoup.outside.keys.keyring import Keyring
from recoup.outside.keys.material import PURPOSES, Key, Material

WORLD: Final = "world.sql.xz"
# Of this world alone, and open to everybody: no installation has them.
KEYS: Final = Keyring(
    Material(
        {
            purpose: (
                Key(
                    f"{number + 1:016x}", hashlib.sha256(f"small world {purpose}".encode()).digest()
                ),
            )
            for number, purpose in enumerate(PURPOSES)
        }
    )
)


@contextmanager
def its_keys() -> Iterator[None]:
    """Worlds that are opened meanwhile have the keys of the small one."""
    usual, worlds.KEYRING = worlds.KEYRING, KEYS
    try:
        yield
    finally:
        worlds.KEYRING = usual


async def make(server: ServerAddress, folder: Path) -> None:
    with its_keys():
        name = await live_in_everything(server)
    dump(server.dsn(name), folder / WORLD)


def dump(dsn: str, to: Path) -> None:
    command = [find_binaries().folder / "pg_dump", "--no-owner", dsn]
    to.write_bytes(
        lzma.compress(subprocess.run(command, check=True, capture_output=True).stdout, preset=9)
    )


def restore(dumped: Path, dsn: str) -> None:
    command = [
        find_binaries().folder / "psql",
        "--quiet",
        "--no-psqlrc",
        "--set=ON_ERROR_STOP=1",
        "--output=/dev/null",
        dsn,
    ]
    subprocess.run(command, input=lzma.decompress(dumped.read_bytes()), check=True)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True)
    for kind in ("people", "world"):  # what the release brought, for a test to hold
        shutil.copy(FOLDER / "migrations" / kind / RELEASED, target / f"{kind}.txt")
    with tempfile.TemporaryDirectory() as data_dir:
        running = EmbeddedServer(Path(data_dir), durable=False)
        address = running.start()
        try:
            asyncio.run(make(address, target))
        finally:
            running.stop()

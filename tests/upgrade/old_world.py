"""Data folders of former commits, as their sandbox left them; each is `worlds/COMMIT.tar.xz`.

Inside: `people.sql` and `sandbox.sql` (pg_dump), the key file, `bootstrap.json` and `demo.json`. They were made by
`recoup up --demo`, the examples played for the bootstrap merchant too, people invited with four roles, a self-made
account, terms for fees, settlement, exposure and notices, refunds, disputes open, won and lost, a webhook that worked
and one that does not, stablecoin orders of every end, and clocks that moved on for a week. All of it is made up: keys
and passwords are those of the sandbox that was thrown away then.
"""

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from recoup.store.server import EmbeddedServer
from recoup.store.server.binaries import find_binaries

WORLDS = Path(__file__).parent / "worlds"
COMMITS = sorted(path.name.removesuffix(".tar.xz") for path in WORLDS.glob("*.tar.xz"))
_DATABASES = {"people": "recoup_people", "sandbox": "recoup_sandbox"}


def restore(commit: str, data_dir: Path) -> dict[str, Any]:
    """The data folder as that commit left it, its server stopped; answers the credentials."""
    data_dir.mkdir(mode=0o700)
    with tarfile.open(WORLDS / f"{commit}.tar.xz") as packed:
        packed.extractall(data_dir, filter="data")
    (data_dir / "keys").chmod(0o700)
    server = EmbeddedServer(data_dir)
    address = server.start()
    try:
        _sql(address.dsn("postgres"), "-c", "CREATE ROLE recoup_app NOLOGIN")
        for name, database in _DATABASES.items():
            _sql(address.dsn("postgres"), "-c", f'CREATE DATABASE "{database}"')
            _sql(address.dsn(database), "-f", str(data_dir / f"{name}.sql"))
            (data_dir / f"{name}.sql").unlink()
    finally:
        server.stop()
    found: dict[str, Any] = json.loads((data_dir / "bootstrap.json").read_text())
    return found


def _sql(dsn: str, *what: str) -> None:
    command = [str(find_binaries().psql), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, *what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr

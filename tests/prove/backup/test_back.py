"""How long it takes to be back with a million orders: restored, taken, answering.

Again: `PROVE_ORDERS=100000 pytest -n 0 tests/prove/backup/test_back.py --timeout=0 -s`
"""

import asyncio
import os
import shutil
import time
from pathlib import Path

from tests.kills.installation import installed
from tests.prove.backup.barman import Copied
from tests.prove.many_orders import fill

from recoup.db.server import EmbeddedServer
from recoup.db.server.cluster import cluster_folder
from recoup.main.backup.restore import read_note

ORDERS = int(os.environ.get("PROVE_ORDERS", "1000000"))
BACK_SECONDS_MAX = 60.0


def test_a_million_orders_are_back_in_a_minute(tmp_path: Path) -> None:
    with installed(tmp_path) as installation:
        copied = Copied(installation, tmp_path / "copies")
        server = EmbeddedServer(installation.data_dir)
        # Of one cluster with the installation's own databases: a copy is of all of it.
        asyncio.run(fill(server.start(), "many", [ORDERS], lambda words: print(words, flush=True)))
        copied.set_up()
        copied.kill_all()
        size = sum(
            path.stat().st_size
            for path in cluster_folder(installation.data_dir).rglob("*")
            if path.is_file()
        )
        shutil.rmtree(cluster_folder(installation.data_dir))
        begun = time.monotonic()
        said = copied.recoup("restore", "--to", "latest", "--unverified", "--take")
        restored = time.monotonic() - begun
        installation.wait_ready()
        back = time.monotonic() - begun
        note = read_note(installation.data_dir)
        assert note is not None
        stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in note.seconds.items())
        took = f"{stages}, taken {restored:.1f}, answers after {back:.1f} s"
        print(f"{said}\n{ORDERS:,} orders, {size / 1e9:.2f} GB: {took}", flush=True)
    assert back <= BACK_SECONDS_MAX

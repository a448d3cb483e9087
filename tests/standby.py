"""A streaming standby of an embedded server, as `pg_basebackup -R` makes one."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recoup.db.server import EmbeddedServer, ServerAddress, postmaster
from recoup.db.server.cluster import binaries_for, cluster_folder, environment
from recoup.db.server.embedded import arguments
from recoup.db.server.footing import end_with_parent, find_footing

SECONDS_MAX = 60


@contextmanager
def standby_of(server: EmbeddedServer, folder: Path) -> Iterator[ServerAddress]:
    """Where it listens. What it replays ends a statement in its way after a tenth of a second."""
    (socket := folder / "socket").mkdir(parents=True, mode=0o700)
    cluster, binaries = cluster_folder(folder), binaries_for(server.cluster)
    footing, primary = find_footing(binaries, folder, server.cluster), server.start()
    footing.give(folder)
    footing.give(socket)
    copy = footing.command(
        *(binaries.folder / "pg_basebackup", "-D", cluster, "-R", "-X", "stream", "-c", "fast"),
        *("-h", primary.host, "-p", str(primary.port), "-U", primary.user),
    )
    subprocess.run(copy, env=environment(), cwd="/", check=True, **footing.identity())
    settings = [*arguments(socket, major=binaries.major, durable=False)]
    settings += ["-c", "max_standby_streaming_delay=100ms", "-c", "port=5433"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            footing.command(binaries.postgres, "-D", cluster, *settings),
            env=environment(),
            cwd=cluster,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent(),
            **footing.identity(),
        )
    try:
        give_up = time.monotonic() + SECONDS_MAX
        while "ready to accept read-only" not in (folder / "log").read_text():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < give_up, (folder / "log").read_text()
            time.sleep(0.05)
        yield ServerAddress(str(socket), 5433, primary.user)
    finally:
        postmaster.end(process.pid, cluster, seconds_max=SECONDS_MAX)
        process.wait(SECONDS_MAX)

"""A cluster that another program has copied."""

import os
from pathlib import Path

from recoup.store.server.cluster import binaries_for, cluster_folder
from recoup.store.server.footing import find_footing


def system_id_of(cluster: Path) -> str | None:
    """What tells clusters apart, as `pg_control` begins; None without one."""
    try:
        with (cluster / "global" / "pg_control").open("rb") as file:
            head = file.read(8)
    except OSError:
        return None
    return str(int.from_bytes(head, "little")) if len(head) == 8 else None


def give_cluster(data_dir: Path) -> None:
    """To the user that the server will run as."""
    cluster = cluster_folder(data_dir)
    footing = find_footing(binaries_for(cluster), data_dir, cluster)
    if footing.uid is None or footing.gid is None:
        return
    footing.give(cluster)
    for folder, names, files in os.walk(cluster):
        for name in (*names, *files):
            os.chown(Path(folder) / name, footing.uid, footing.gid, follow_symlinks=False)

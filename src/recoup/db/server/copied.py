"""A cluster that another program has copied."""

import os
from pathlib import Path

from recoup.db.server.cluster import binaries_for, cluster_folder
from recoup.db.server.footing import find_footing


def system_id_of(cluster: Path) -> str | None:
    """The id that tells clusters apart, as `pg_control` begins; None without one."""
    try:
        with (cluster / "global" / "pg_control").open("rb") as file:
            head = file.read(8)
    except OSError:
        return None
    return str(int.from_bytes(head, "little")) if len(head) == 8 else None


def give_cluster(data_dir: Path) -> None:
    """Gives a cluster to the user that the server will run as; a copy may have kept owners of
    another machine."""
    if os.geteuid() != 0:
        return
    cluster = cluster_folder(data_dir)
    _give(cluster, 0, 0)
    footing = find_footing(binaries_for(cluster), data_dir, cluster)
    if footing.uid is not None and footing.gid is not None:
        _give(cluster, footing.uid, footing.gid)


def _give(cluster: Path, uid: int, gid: int) -> None:
    os.chown(cluster, uid, gid)
    for folder, names, files in os.walk(cluster):
        for name in (*names, *files):
            os.chown(Path(folder) / name, uid, gid, follow_symlinks=False)

"""How the server is set: safe first, then small enough for a machine of two cores and a few gigabytes."""

from pathlib import Path
from typing import Final

from recoup.store.homes import SEARCH_PATH
from recoup.store.server.address import PORT

_SETTINGS: Final = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "max_locks_per_transaction": "128",
    # memory: what is not touched is not used
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "huge_pages": "off",
    # write-ahead log: few, spread checkpoints
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    # short transactions on a solid-state disk
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "1",
    "autovacuum_max_workers": "2",
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.05",
    # a copy by Barman: its receiver, a base copy and a check at once; what a receiver that is gone may keep of the log.
    # It is named as a standby only so that it syncs what it receives at once: commits wait for their own disk alone.
    "max_wal_senders": "5",
    "max_slot_wal_keep_size": "16GB",
    "synchronous_standby_names": "barman_receive_wal",
    # what everyone sees
    "search_path": SEARCH_PATH,  # also of who looks in by psql; our own connections say it themselves
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %d ",
    # statements, their values and messages that quote them may hold card data: none is logged here
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
_DURABLE: Final = {"fsync": "on", "synchronous_commit": "local", "full_page_writes": "on"}
# For tests, of which several at once have worlds of their own.
_NOT_DURABLE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "250"}


def arguments(socket: Path, *, major: int, durable: bool) -> list[str]:
    """The server's command line after `-D`. It outranks any file in the data folder."""
    settings = _SETTINGS | (_DURABLE if durable else _NOT_DURABLE)
    settings["unix_socket_directories"] = _quoted(socket)
    if major >= 18:
        settings["io_method"] = "sync"  # no extra processes for two cores
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _quoted(folder: Path) -> str:
    """One entry of a list: quoted, since a comma in the path would part it."""
    return '"' + str(folder).replace('"', '""') + '"'

"""`recoup serve`: one process."""

import resource
import socket
from typing import Final

from recoup.kit.edge.connections import Connections, Limits
from recoup.kit.edge.crowded import crowded
from recoup.kit.edge.proxies import Proxies
from recoup.main.app import make_app, refuse
from recoup.main.certificate import certificate_of
from recoup.main.databases import Databases
from recoup.main.door_server import DoorServer
from recoup.main.logs import start_logs
from recoup.main.metrics import note_doors
from recoup.main.output import guard_output
from recoup.main.settings import Settings
from recoup.main.up import listen_at, metrics_socket

ENOUGH: Final = 16_384


def raise_file_handles() -> int:
    """Raises the limit of file handles; answers how many there may be from now on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    aim = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft == resource.RLIM_INFINITY or soft >= aim:
        return ENOUGH if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (aim, hard))
    except (OSError, ValueError):
        return soft
    return aim


HTTP_CONNECTIONS_MAX: Final = 10_000
HANDLES_KEPT: Final = 64


def serve(
    settings: Settings, databases: Databases, fd: int | None = None, metrics_fd: int | None = None
) -> None:
    """Serves at these sockets, or at addresses of its own. Raises: Problem(unavailable) for one
    that cannot be listened on."""
    guard_output()
    start_logs(settings.log_level)
    certificate = certificate_of(settings)
    metrics_at = (
        metrics_socket(settings) if metrics_fd is None else socket.socket(fileno=metrics_fd)
    )
    app = make_app(settings, databases, lambda: server.is_draining, metrics_at)
    connections = Connections(
        limits_of(settings), crowded(app, refuse), Proxies(settings.behind_proxy)
    )
    server = DoorServer(
        app,
        connections,
        drain_seconds=settings.drain,
        certificate=certificate,
        each_second=lambda: note_doors(connections, certificate),
        alone=fd is None,
        log_level="warning",
        ssl_certfile=settings.tls_cert or None,
        ssl_keyfile=settings.tls_key or None,
    )
    # As a socket: a number uvicorn takes for a Unix socket, without TCP_NODELAY, and answers wait
    # for delayed ACKs.
    server.run(sockets=[socket.socket(fileno=fd) if fd is not None else listen_at(settings)])


def limits_of(settings: Settings) -> Limits:
    """Limits by what is left of the file handles beside the databases, files and outgoing calls of
    this process."""
    usual = Limits()
    most = min(HTTP_CONNECTIONS_MAX, raise_file_handles() - HANDLES_KEPT - 4 * settings.connections)
    spare = min(usual.spare, max(4, most // 8))
    total = max(spare, most - 2 * spare)
    if settings.http_connections:
        total = min(settings.http_connections, total)
    return Limits(
        total=total,
        per_address=min(settings.http_connections_per_address, total),
        spare=spare,
        handshakes=max(spare, min(usual.handshakes, total // 4)),
    )

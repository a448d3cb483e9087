"""Check that the server takes connections: its process may live without its socket, or stand
still."""

import socket
import time
from pathlib import Path
from typing import Final

from recoup.db.server.address import PORT

EVERY_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 5.0
UNANSWERED_MAX: Final = (
    5  # in a row; not by the clock, which goes on while we stand still ourselves
)
_SSL_REQUEST: Final = (8).to_bytes(4) + (80877103).to_bytes(
    4
)  # asked before anybody signs in; every state answers it


class Pulse:
    """Asks at the socket in `folder`, a little further at each `look`, and never waits."""

    def __init__(self, folder: Path) -> None:
        self._address = str(folder / f".s.PGSQL.{PORT}")
        self._begun, self._unanswered = time.monotonic(), 0
        self._socket: socket.socket | None = None

    def close(self) -> None:
        """Forgets a question that nobody has answered yet."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def look(self) -> bool:
        """Looks for an answer; False once it has not answered for too often."""
        now = time.monotonic()
        if self._socket is None and now - self._begun >= EVERY_SECONDS:
            self._begun = now
            self._ask()
        elif self._socket is not None:
            self._read(now)
        return self._unanswered < UNANSWERED_MAX

    def _ask(self) -> None:
        asking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        asking.setblocking(False)
        try:
            asking.connect(self._address)
            asking.send(_SSL_REQUEST)
        except OSError:
            asking.close()
            self._unanswered += 1
            return
        self._socket = asking

    def _read(self, now: float) -> None:
        assert self._socket is not None
        try:
            said = self._socket.recv(1)
        except BlockingIOError:
            if now - self._begun < ANSWER_SECONDS:
                return
            said = b""
        except OSError:
            said = b""
        self.close()
        self._unanswered = 0 if said else self._unanswered + 1

"""One connection to a mail server, which may be cut from outside: a server that says a little again and again, or does
not stop, would keep its thread for ever, since the library's time-out is one of each read."""

import smtplib
import socket
import ssl
from contextlib import suppress
from typing import Any, BinaryIO, Final

REPLIES_BYTES_MAX: Final = 65_536


class Connection:
    """`timeout_seconds`: of each read and write; `cut` ends all of them."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._cut = False
        self._spare: socket.socket | None = None

    def open(self, host: str, port: int, tls: ssl.SSLContext | None) -> smtplib.SMTP:
        """Raises: OSError, smtplib.SMTPException."""
        if tls is not None:
            return _BoundedTls(self, host, port, timeout=self._timeout, context=tls)
        return _Bounded(self, host, port, timeout=self._timeout)

    def keep(self, connected: socket.socket) -> None:
        """A second handle of the connection, which stays the same when TLS begins. Raises: TimeoutError after `cut`."""
        self._spare = connected.dup()
        if self._cut:
            self.cut()
            connected.close()
            raise TimeoutError

    def cut(self) -> None:
        self._cut = True
        if self._spare is not None:
            with suppress(OSError):
                self._spare.shutdown(socket.SHUT_RDWR)
            self._spare.close()


class _Replies:
    """What the server says, up to a bound."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, REPLIES_BYTES_MAX

    def readline(self, size: int) -> bytes:
        line = self._file.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("the mail server says too much")
        return line

    def close(self) -> None:
        self._file.close()


class _Bounded(smtplib.SMTP):
    def __init__(self, connection: Connection, host: str, port: int, **named: Any) -> None:
        self._connection = connection
        self._replies: _Replies | None = None
        super().__init__(host, port, **named)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._connection.keep(connected)
        return connected

    @property
    def file(self) -> Any:
        return self._replies

    @file.setter
    def file(self, given: BinaryIO | None) -> None:
        self._replies = _Replies(given) if given is not None else None


class _BoundedTls(smtplib.SMTP_SSL, _Bounded):
    """The library's encrypted one asks the next class for its plain connection."""

    def __init__(self, connection: Connection, host: str, port: int, **named: Any) -> None:
        self._connection, self._replies = connection, None
        smtplib.SMTP_SSL.__init__(self, host, port, **named)

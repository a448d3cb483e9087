"""A child process that answers each line with a line: one request goes in, one answer comes out, in
time.

Its standard error is ours. It runs in a process group of its own, so that all of it is gone at the
end.
"""

import os
import selectors
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Final

from recoup.kernel.time import Clocks
from recoup_lab.plug.wire import LINE_BYTES_MAX

CHUNK: Final = 1 << 16
LEAVE_SECONDS: Final = 2.0  # to end by itself once its input has ended


class PipeBroke(Exception):
    """Raised when no answer came. `written`: what came in its place, or its beginning."""

    def __init__(self, why: str, written: bytes = b"") -> None:
        super().__init__(why)
        self.written = written


class Pipe:
    """Pipe to a command; not for several threads."""

    def __init__(self, command: Sequence[str], seconds: float) -> None:
        """`seconds`: for each answer. Raises: OSError when the command cannot be started."""
        self._seconds, self._clocks = seconds, Clocks()
        self._child = subprocess.Popen(  # noqa: S603 - the command is whoever's who runs us
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._read = bytearray()
        for stream in (self._stdin, self._stdout):
            os.set_blocking(stream.fileno(), False)

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._child.stdin is not None
        return self._child.stdin

    @property
    def _stdout(self) -> IO[bytes]:
        assert self._child.stdout is not None
        return self._child.stdout

    def ask(self, request: bytes) -> bytes:
        """`request` without its line end; the answer without its own. Raises: PipeBroke."""
        give_up = self._clocks.monotonic() + self._seconds
        left = memoryview(request + b"\n")
        with selectors.DefaultSelector() as ready:
            ready.register(self._stdout, selectors.EVENT_READ)
            self._none_unasked(ready)
            ready.register(self._stdin, selectors.EVENT_WRITE)
            searched = 0
            while (end := self._read.find(b"\n", searched)) < 0:
                searched = len(self._read)
                seconds = give_up - self._clocks.monotonic()
                if seconds <= 0:
                    raise PipeBroke(f"no line within {self._seconds:g} s", bytes(self._read))
                for key, _ in ready.select(seconds):
                    if key.fileobj is self._stdout:
                        self._take()
                    else:
                        left = left[self._give(left) :]
                        if not left:
                            ready.unregister(self._stdin)
        answer = bytes(self._read[:end])
        del self._read[: end + 1]
        if left:
            raise PipeBroke("a line came before the request was read", answer)
        return answer

    def close(self) -> None:
        """Its input ends; what has not ended soon after is killed, and so is all that it
        started."""
        with suppress(OSError):
            self._stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(LEAVE_SECONDS)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._stdout.close()

    def _none_unasked(self, ready: selectors.BaseSelector) -> None:
        if not self._read and ready.select(0):
            self._take()
        if self._read:
            raise PipeBroke(
                "a line came that nobody asked for", bytes(self._read.partition(b"\n")[0])
            )

    def _take(self) -> None:
        try:
            chunk = os.read(self._stdout.fileno(), CHUNK)
        except BlockingIOError:
            return
        if not chunk:
            raise PipeBroke(self._ended(), bytes(self._read))
        self._read += chunk
        if len(self._read) > LINE_BYTES_MAX:
            raise PipeBroke(
                f"a line is longer than {LINE_BYTES_MAX} bytes", bytes(self._read[:CHUNK])
            )

    def _give(self, left: memoryview) -> int:
        try:
            return os.write(self._stdin.fileno(), left[:CHUNK])
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            raise PipeBroke(self._ended(), bytes(self._read)) from None

    def _ended(self) -> str:
        try:
            status = self._child.wait(1.0)
        except subprocess.TimeoutExpired:
            return "the program closed its output"
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        return f"the program ended {how}"

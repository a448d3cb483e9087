"""Output of a process that runs for long: a thread of its own writes it. A full disk, a closed pipe
or a reader that stands still costs lines, which are counted, and holds nobody up."""

import atexit
import io
import os
import select
import sys
import threading
from collections import deque
from typing import Final

from recoup.kernel.measures import LOG_LOST
from recoup.kernel.unseen import shown_by_number

WAITING_BYTES_MAX: Final = 4 << 20
LAST_SECONDS: Final = 2.0  # for what waits when the process ends
STDOUT: Final = 1
STDERR: Final = 2


class Output(io.TextIOBase):
    """Writes to a file handle what is put, in order. What finds no room, or cannot be written, is
    lost."""

    def __init__(self, handle: int, *, room: int = WAITING_BYTES_MAX) -> None:
        self._handle, self._room = handle, room
        self._lines = deque[bytes]()
        self.waiting_bytes = self._lost = 0
        self._partial, self._is_terminal = "", os.isatty(handle)
        self._changed = threading.Condition()
        self._busy = self._torn = False
        threading.Thread(target=self._work, name=f"output {handle}", daemon=True).start()
        atexit.register(self.finish, LAST_SECONDS)

    def put(self, line: bytes) -> None:
        with self._changed:
            if self.waiting_bytes + len(line) > self._room:
                self._lose(1)
                return
            self.waiting_bytes += len(line)
            self._lines.append(line)
            self._changed.notify_all()

    def finish(self, seconds: float) -> bool:
        """Waits until all is written, or lost; answers whether it is."""
        self.flush()
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines and not self._busy, seconds)

    def _lose(self, lines: int) -> None:
        self._lost += lines
        LOG_LOST.add(by=lines)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._lines)
                line, self._busy = self._lines.popleft(), True
                self.waiting_bytes -= len(line)
                lost, self._lost = self._lost, 0
            if lost and self._handle == STDERR:
                line = (
                    b'{"event": "log lines lost", "level": "warning", "lines": %d}\n' % lost + line
                )
            try:
                self._write(b"\n" + line if self._torn else line)
            except OSError:
                with self._changed:
                    self._lose(1)
                    self._lost += lost

    def _write(self, line: bytes) -> None:
        """Whole where that is no longer than a pipe takes at once, however many processes write
        there."""
        left = memoryview(line)
        while left:
            try:
                left = left[os.write(self._handle, left) :]
            except BlockingIOError:  # whoever has the other end made it so for all of us
                select.select([], [self._handle], [])
            self._torn = bool(left)

    # as a text file
    # ----------------------------------------------------------------------------------------------

    encoding = "utf-8"

    def write(self, text: str) -> int:
        text = shown_by_number(text) if self._is_terminal else text
        *lines, self._partial = (self._partial + text).split("\n")
        if lines:
            self.put("".join(f"{line}\n" for line in lines).encode(errors="backslashreplace"))
        return len(text)

    def flush(self) -> None:
        text, self._partial = self._partial, ""
        if text:
            self.put(text.encode(errors="backslashreplace"))

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._is_terminal

    def fileno(self) -> int:
        return self._handle


def guard_output(*, stdout: bool = True) -> None:
    """Guards the output, once in a process; `stdout`: that, too."""
    if not isinstance(sys.stderr, Output):
        sys.stderr = Output(STDERR)
    if stdout and not isinstance(sys.stdout, Output):
        sys.stdout = Output(STDOUT)

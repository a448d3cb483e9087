"""What a command prints to a terminal: texts that callers sent are among it, and a terminal obeys control
characters."""

import io
import sys

from recoup.kernel.unseen import shown_by_number


class _Shown(io.TextIOWrapper):
    """`unguarded`: the terminal itself, for what moves its cursor."""

    unguarded: io.TextIOWrapper

    def write(self, text: str) -> int:
        super().write(shown_by_number(text))
        return len(text)


def guard_terminal() -> None:
    """Controls are shown by their numbers where standard output or error is a terminal; a file gets what there is."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and stream.isatty():
            stream.flush()
            raw = open(stream.fileno(), "wb", closefd=False)  # noqa: SIM115
            shown = _Shown(raw, stream.encoding, "backslashreplace", line_buffering=True)
            shown.unguarded = stream
            setattr(sys, name, shown)

"""Logs: one JSON line each on stderr. What they say is chosen by hand: ids and words, never bodies.
Each call and each attempt has a line at the level info, but not on a terminal, where somebody
reads."""

import logging
import sys
import traceback
from typing import Any, Final, cast

# structlog brings what draws on terminals wherever that is installed: 6 MiB in each process, and
# nothing is drawn.
_DRAWING: Final = {"rich": cast(Any, None), "greenlet": cast(Any, None)}
_absent: Final = {} if _DRAWING.keys() & sys.modules.keys() else _DRAWING
sys.modules.update(_absent)

import structlog  # noqa: E402
from structlog.typing import EventDict  # noqa: E402

from recoup.kernel.lines import write_lines  # noqa: E402
from recoup.kernel.problem import in_words  # noqa: E402
from recoup.main.output import Output  # noqa: E402

for _name in _absent:
    del sys.modules[_name]


def _where(_logger: object, _method: str, event: EventDict) -> EventDict:
    """An exception as its kind and the places it went through. Its text may quote a row or a body:
    left out."""
    error = event.pop("exc_info", None)
    error = sys.exc_info()[1] if error is True else error
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        event["error"] = in_words(error)
        event["where"] = [
            f"{frame.filename.rpartition('/recoup/')[2]}:{frame.lineno} {frame.name}"
            for frame in frames
        ]
    return event


def start_logs(level: str) -> None:
    number = getattr(logging, level.upper(), logging.INFO)
    guarded = sys.stderr if isinstance(sys.stderr, Output) else None
    write_lines(
        guarded.put if guarded and number <= logging.INFO and not guarded.isatty() else None
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            _where,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )

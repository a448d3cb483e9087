"""Logs: one JSON line each on stderr. What they say is chosen by hand: ids and words, never bodies."""

import logging
import sys
import traceback

import structlog
from structlog.typing import EventDict

from recoup.kernel.problem import in_words


def _where(_logger: object, _method: str, event: EventDict) -> EventDict:
    """An exception as its kind and the places it went through. Its text may quote a row or a body: left out."""
    error = event.pop("exc_info", None)
    error = sys.exc_info()[1] if error is True else error
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        event["error"] = in_words(error)
        event["where"] = [f"{frame.filename.rpartition('/recoup/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def start_logs(level: str) -> None:
    number = getattr(logging, level.upper(), logging.INFO)
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

"""What is logged, whatever level an earlier test has set; an exception is its last places."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, TextIO

import structlog
from structlog.testing import capture_logs

PLACES_MAX: Final = 3
Raised = tuple[type[BaseException], BaseException, TracebackType | None]


def pytest_configure() -> None:
    plain_logs()


def plain_logs() -> None:
    """Logs to the test's output. By default structlog draws every frame with its locals,
    in boxes."""
    structlog.reset_defaults()
    last = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=_last_places)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], last])


def _last_places(out: TextIO, error: Raised) -> None:
    out.write("\n" + "".join(traceback.format_exception(error[1], limit=-PLACES_MAX)))


@contextmanager
def logged() -> Iterator[list[Any]]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(0))
    try:
        with capture_logs() as lines:
            yield lines
    finally:
        structlog.configure(**before)

"""`asyncio.run` of a test runs in one lasting event loop, so that connections can outlive a test
(`tests/kept.py`).

What a run leaves is ended as `asyncio.run` does: its tasks are cancelled, its threads are waited
for.
"""

import asyncio
import asyncio.base_events
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

import asyncpg

T = TypeVar("T")

# A failing test shows no frame of what drives it: pytest looks for the name in each frame's module.
__tracebackhide__ = True
for _module in (asyncio.runners, asyncio.base_events, asyncpg.connection):
    vars(_module)["__tracebackhide__"] = True

real: Final = asyncio.run
_lasting: asyncio.Runner | None = None
_at_end: list[Callable[[], Coroutine[Any, Any, None]]] = []


def runs_in_it() -> bool:
    """Whether the caller's loop will be there for the next test."""
    return _lasting is not None and asyncio.get_running_loop() is _lasting.get_loop()


def at_end(close: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """`close` is run in the loop after the last test."""
    _at_end.append(close)


def run(main: Coroutine[Any, Any, T], *, debug: bool | None = None, **loop_of: Any) -> T:
    """`loop_of`: the `loop_factory` of Python 3.12, with which uvloop runs in a loop of its own."""
    if (
        loop_of
        or debug is not None
        or threading.current_thread() is not threading.main_thread()
        or _is_inside()
    ):
        return real(main, debug=debug, **loop_of)
    runner = _runner()
    threads = ThreadPoolExecutor(thread_name_prefix="asyncio")
    runner.get_loop().set_default_executor(threads)
    try:
        return runner.run(main, context=copy_context())
    finally:
        runner.run(_end_others(), context=copy_context())
        threads.shutdown()


def _is_inside() -> bool:
    try:
        return asyncio.get_running_loop() is not None
    except RuntimeError:
        return False


def _runner() -> asyncio.Runner:
    global _lasting
    if _lasting is None or _lasting.get_loop().is_closed():
        _lasting = asyncio.Runner()
    return _lasting


async def _end_others() -> None:
    loop, others = asyncio.get_running_loop(), asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for task in others:
        if not task.cancelled() and (error := task.exception()) is not None:
            loop.call_exception_handler(
                {"message": "failed as its test ended", "exception": error, "task": task}
            )


def pytest_configure() -> None:
    asyncio.run = run


def pytest_unconfigure() -> None:
    global _lasting
    asyncio.run = real
    if _lasting is not None:
        for close in _at_end:
            _lasting.run(close())
        _lasting.close()
        _lasting = None

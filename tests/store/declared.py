"""The SQL of a declared statement, for tests of its plan."""

from collections.abc import Callable
from typing import Any

from recoup.store.statement import STATEMENTS


def sql_of(function: Callable[..., Any]) -> str:
    return next(one.sql for one in STATEMENTS if one.name == f"{function.__module__}.{function.__name__}")

"""The SQL of a declared statement, and the plans of the statements in a function, for tests of them."""

import re
from collections.abc import Callable
from typing import Any

import asyncpg

from recoup.store.statement import STATEMENTS

COSTS = re.compile(r"  \(cost=[^)]*\)")
EXPLAINED = """
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET client_min_messages = log
"""


def sql_of(function: Callable[..., Any]) -> str:
    return next(one.sql for one in STATEMENTS if one.name == f"{function.__module__}.{function.__name__}")


async def plans_inside(connection: asyncpg.Connection, call: str) -> str:
    """How the statements of the function that is called find their rows; nothing is kept of what it does."""
    plans = list[str]()
    await connection.execute(EXPLAINED)
    connection.add_log_listener(lambda _, message: plans.append(COSTS.sub("", message.message)))
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(call)
    finally:
        await transaction.rollback()
        await connection.execute("RESET client_min_messages")
    return "\n".join(plans)

"""What the store gives is typed: no record of the driver's and no dictionary stands for a row.

A dictionary of whatever JSON says may be one column of a row; several of them in a list are rows.
"""

import inspect
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, Final, get_args, get_origin, get_type_hints

import asyncpg
from tests.subjects import modules_of

from recoup.db.statement import is_row
from recoup.orders.rules import disputed, refund_limits, snapshot

# What says nothing of rows.
EXCEPT: Final[Mapping[str, str]] = {
    "db.statement.Read.fetch": "the driver's own method, which statements call",
    "db.statement.Read.fetchrow": "the same",
    "db.statement.Read.fetchval": "the same",
    "db.statement.without_none": "gives an annotation",
    "db.statement.Statement.takes": "gives annotations",
    "db.statement.Statement.gives": "gives annotations",
    "db.pool.Each.fetch": "the same, by a connection of its own",
    "db.pool.Each.fetchrow": "the same",
    "db.pool.Each.fetchval": "the same",
}


# What `store` only names in annotations, and does not import.
ONLY_NAMED: Final[Mapping[str, Any]] = {**vars(snapshot), **vars(refund_limits), **vars(disputed)}
# Lists of dictionaries in a row, which others made.
DOCUMENTS: Final[Mapping[str, str]] = {
    "risk.store.advance_bounds.WeekRow.cells": "read by the rule that made them",
    "orders.store.wire_orders.WholeOrder.items": "an order's lines, as its merchant sent them",
    "insight.store.order_decisions.OrderDecision.alternatives": "passed on as the decision "
    "stored them",
    "insight.store.judged.JudgedDecision.alternatives": "read by the estimator as the decision "
    "stored them",
    "insight.store.proofs.decisions.StoredDecision.alternatives": "compared with what is decided "
    "again, field by field",
}


def modules() -> Iterator[ModuleType]:
    yield from modules_of("store")


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Functions and methods, by name."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        path = f"{module.__name__.removeprefix('recoup.')}.{name}"
        if inspect.isclass(thing):
            for inner, method in vars(thing).items():
                method = method.fget if isinstance(method, property) else method
                if inspect.isfunction(method) and not inner.startswith("_"):
                    yield f"{path}.{inner}", method
        elif inspect.isfunction(inspect.unwrap(thing)) if callable(thing) else False:
            yield path, thing


def untyped(annotation: Any) -> bool:
    """Whether a driver's record, `Any` or a dictionary of anything stands in it."""
    if annotation is Any or annotation is asyncpg.Record:
        return True
    inner = get_args(annotation)
    return any(map(untyped, inner[2:] if get_origin(annotation) is Coroutine else inner))


def test_no_function_gives_what_is_not_typed() -> None:
    found = {
        path
        for module in modules()
        for path, function in public(module)
        if untyped(get_type_hints(inspect.unwrap(function)).get("return"))
    }
    assert found == set(EXCEPT)


def rows(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Fields of the rows that it declares, with their annotations."""
    for name, thing in vars(module).items():
        if is_row(thing) and thing.__module__ == module.__name__:
            for field, annotation in get_type_hints(thing, None, ONLY_NAMED).items():
                yield f"{module.__name__.removeprefix('recoup.')}.{name}.{field}", annotation


def lists_dictionaries(annotation: Any) -> bool:
    inner = get_args(annotation)
    if get_origin(annotation) in (list, tuple, Sequence):
        return any(
            one is Any or get_origin(one) in (dict, Mapping) and untyped(one) for one in inner
        )
    return any(map(lists_dictionaries, inner))


def test_no_row_holds_rows_that_are_not_typed() -> None:
    found = {
        path
        for module in modules()
        for path, annotation in rows(module)
        if lists_dictionaries(annotation)
    }
    assert found == set(DOCUMENTS)

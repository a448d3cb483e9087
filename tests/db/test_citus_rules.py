"""No statement holds what unchanged Citus refuses, answers with another SQLSTATE, or ends a server
by: of those that are declared, those in functions, and those put together at run time."""

import asyncio
import json
import re
import uuid
from collections.abc import Iterator, Set
from functools import cache
from typing import Any, Final

import asyncpg
import pglast
import pytest
from pglast import ast
from pglast.enums import CTEMaterialize, SubLinkType
from pglast.visitors import Skip, Visitor
from tests.databases import empty
from tests.db.test_functions import SOURCES, queries
from tests.rings import each
from tests.subjects import modules_of

from recoup.db.server import ServerAddress
from recoup.db.statement import PEOPLE, STATEMENTS

TEMPORARY: Final = {"equal", "found", "others", "ours", "staged"}  # of a session, of no home
BEGINS: Final = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")
# Volatility goes by name: of one that has several the strictest counts.
_STABLE: Final = """
SELECT proname::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f'
GROUP BY 1 HAVING min(provolatile::text) >= 's'
"""


def _at_run_time() -> Iterator[tuple[str, str]]:
    """The statements that modules of the store keep as texts."""
    for module in modules_of("store"):
        for name, value in vars(module).items():
            if isinstance(value, str) and value.lstrip().startswith(BEGINS):
                try:
                    pglast.parse_sql(value)
                except pglast.parser.ParseError:
                    continue
                if not any(value in whole for whole in DECLARED.values()):  # a part of one
                    yield f"{module.__name__}.{name}", value


DECLARED: Final = {one.name: one.sql for one in STATEMENTS if one.home is not PEOPLE}
AT_RUN_TIME: Final = dict(_at_run_time())


@cache
def stable(server: ServerAddress) -> Set[str]:
    async def told() -> Set[str]:
        name = f"stable_{uuid.uuid4().hex[:12]}"
        connection = await asyncpg.connect(await empty(server, "world", name))
        try:
            return {name for (name,) in await connection.fetch(_STABLE)}
        finally:
            await connection.close()

    return asyncio.run(told())


class _Rules(Visitor):  # type: ignore[misc]
    def __init__(self, stable: Set[str]) -> None:
        self.stable = stable
        self.ctes, self.found = set[str](), list[str]()
        self.bare_exists = False

    def visit_CommonTableExpr(self, _: Any, node: Any) -> None:  # noqa: N802
        self.ctes.add(node.ctename)

    def visit_SubLink(self, _: Any, node: Any) -> None:  # noqa: N802
        if node.subLinkType == SubLinkType.EXISTS_SUBLINK and not node.subselect.targetList:
            self.bare_exists = True

    def visit_InsertStmt(self, _: Any, node: Any) -> None:  # noqa: N802
        if node.selectStmt is None or node.selectStmt.valuesLists or _temporary(node):
            return
        conflict = node.onConflictClause
        if not (conflict or node.returningList):
            self.found.append("R13: rows are inserted with neither ON CONFLICT nor RETURNING")
        does = [*(conflict.targetList or ()), conflict.whereClause] if conflict else []
        if any(_seen(part, _Given).found for part in filter(None, does)):
            self.found.append("R14: a parameter or a sub-query stands after ON CONFLICT")
        select = node.selectStmt
        ctes = [*_ctes(node), *_ctes(select)]
        if any(one.ctematerialized != CTEMaterialize.CTEMaterializeAlways for one in ctes):
            self.found.append("R14: what is inserted is read WITH … AS MATERIALIZED")
        if _seen(select, _Tables).found - {one.ctename for one in ctes} - self.ctes:
            self.found.append("R14: a table is read beside INSERT, not WITH … AS MATERIALIZED")
        if conflict:
            self._set(conflict.targetList or ())

    def visit_UpdateStmt(self, _: Any, node: Any) -> None:  # noqa: N802
        if _temporary(node):
            return
        self._set(node.targetList)
        self._changes([*node.targetList, node.whereClause])

    def visit_DeleteStmt(self, _: Any, node: Any) -> None:  # noqa: N802
        self._changes([node.whereClause])

    def _set(self, targets: Any) -> None:
        if any(one.indirection or _seen(one, _Subscripts).found for one in targets):
            self.found.append("R15: a subscript stands in SET")

    def _changes(self, parts: list[Any]) -> None:
        for part in filter(None, parts):
            mutable = _Mutable(self.stable)
            mutable(part)
            self.found += mutable.found


def _temporary(node: Any) -> bool:
    return node.relation.relname in TEMPORARY


def _ctes(node: Any) -> Any:
    return node.withClause.ctes if node.withClause else ()


def _seen(node: Any, kind: Any) -> Any:
    visitor = kind()
    visitor(node)
    return visitor


class _Given(Visitor):  # type: ignore[misc]
    """A parameter, a variable of a function, or a sub-query; a column is named with its table."""

    found = False

    def visit(self, _: Any, node: Any) -> None:
        alone = isinstance(node, ast.ColumnRef) and len(node.fields) == 1
        self.found = self.found or alone or isinstance(node, ast.ParamRef | ast.SubLink)


class _Tables(Visitor):  # type: ignore[misc]
    def __init__(self) -> None:
        self.found = set[str]()

    def visit_RangeVar(self, _: Any, node: Any) -> None:  # noqa: N802
        self.found.add(node.relname)

    def visit_CommonTableExpr(self, _: Any, __: Any) -> Any:  # noqa: N802
        return Skip


class _Subscripts(Visitor):  # type: ignore[misc]
    found = False

    def visit_A_Indices(self, _: Any, __: Any) -> None:  # noqa: N802
        self.found = True


class _Mutable(Visitor):  # type: ignore[misc]
    """STABLE functions in CASE or COALESCE, or of a column; what a sub-query holds is its own."""

    def __init__(self, stable: Set[str]) -> None:
        self.stable, self.found = stable, list[str]()

    def visit_SubLink(self, _: Any, __: Any) -> Any:  # noqa: N802
        return Skip

    def visit_CaseExpr(self, _: Any, node: Any) -> None:  # noqa: N802
        self._within(node, "CASE")

    def visit_CoalesceExpr(self, _: Any, node: Any) -> None:  # noqa: N802
        self._within(node, "COALESCE")

    def visit_FuncCall(self, _: Any, node: Any) -> None:  # noqa: N802
        if node.funcname[-1].sval in self.stable and _seen(node, _Columns).found:
            self.found.append(f"R15: {node.funcname[-1].sval} is STABLE, and of a column")

    def _within(self, node: Any, place: str) -> None:
        calls = _seen(node, _Calls).found & self.stable
        self.found += [f"R15: {name} is STABLE, and in {place}" for name in sorted(calls)]


class _Columns(Visitor):  # type: ignore[misc]
    found = False

    def visit_ColumnRef(self, _: Any, __: Any) -> None:  # noqa: N802
        self.found = True


class _Calls(Visitor):  # type: ignore[misc]
    def __init__(self) -> None:
        self.found = set[str]()

    def visit_FuncCall(self, _: Any, node: Any) -> None:  # noqa: N802
        self.found.add(node.funcname[-1].sval)

    def visit_SubLink(self, _: Any, __: Any) -> Any:  # noqa: N802
        return Skip


def broken(server: ServerAddress, sql: str) -> list[str]:
    rules = _Rules(stable(server))
    rules(pglast.parse_sql(sql))
    if rules.bare_exists and rules.ctes:
        rules.found.append("R15: EXISTS selects no column beside a CTE")
    return rules.found


@each("name", sorted(DECLARED))
def test_a_declared_statement_is_as_citus_takes_it(server: ServerAddress, name: str) -> None:
    assert broken(server, DECLARED[name]) == []


@each("name", sorted(SOURCES))
def test_a_function_is_as_citus_takes_it(server: ServerAddress, name: str) -> None:
    for sql in queries(json.loads(pglast.parser.parse_plpgsql_json(SOURCES[name]))):
        assert broken(server, sql) == [], sql


@each("name", sorted(AT_RUN_TIME))
def test_a_statement_of_run_time_is_as_citus_takes_it(server: ServerAddress, name: str) -> None:
    assert broken(server, AT_RUN_TIME[name]) == []


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("INSERT INTO t (a) SELECT a FROM unnest($1) AS i (a)", "R13"),
        ("INSERT INTO t (a) SELECT $1 ON CONFLICT (a) DO UPDATE SET b = $2", "R14"),
        ("INSERT INTO t (a) SELECT $1 ON CONFLICT (a) DO UPDATE SET b = wall", "R14"),
        ("INSERT INTO t (a) SELECT 1 ON CONFLICT (a) DO UPDATE SET b = (SELECT 1)", "R14"),
        ("INSERT INTO t (a) SELECT a FROM o ON CONFLICT DO NOTHING", "R14"),
        ("WITH i AS (SELECT a FROM o) INSERT INTO t SELECT a FROM i RETURNING 1", "R14"),
        ("INSERT INTO t VALUES ($1) ON CONFLICT (a) DO UPDATE SET b[1] = 2", ""),
        ("INSERT INTO t SELECT $1 ON CONFLICT (a) DO UPDATE SET b = (t.b)[1:3]", "R15"),
        ("UPDATE t SET b = (b || $1)[1:3]", "R15"),
        ("UPDATE t SET b[1] = $1", "R15"),
        ("UPDATE t SET b = concat_ws(' ', c, $1)", "R15"),
        ("UPDATE t SET b = CASE WHEN $1 THEN jsonb_build_object('a', $2) END", "R15"),
        ("DELETE FROM t WHERE a < now() AND coalesce(b < now(), true)", "R15"),
        ("DELETE FROM t WHERE a < now()", ""),
        ("WITH a AS (SELECT 1) SELECT EXISTS (SELECT FROM t)", "R15"),
        ("SELECT EXISTS (SELECT FROM t)", ""),
    ],
)
def test_what_breaks_a_rule_is_named(server: ServerAddress, sql: str, rule: str) -> None:
    found = broken(server, sql)
    assert [one[:3] for one in found] == [rule] * bool(rule)


def test_a_session_lock_is_a_hint() -> None:
    """Two servers may give one lock: `sender_holders` says who has the key."""
    holding = {name for name, sql in DECLARED.items() if re.search(r"advisory_(un)?lock", sql)}
    assert holding == {
        "recoup.chains.sends_store.lock_sender",
        "recoup.chains.sends_store.unlock_senders",
    }

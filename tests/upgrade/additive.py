"""What a migration that says `-- beside` may hold: what the former release does not notice as it
goes on."""

from typing import Final

from pglast import ast, parse_sql
from pglast.enums import AlterTableType, ConstrType, ObjectType
from pglast.stream import RawStream

RULE: Final = (
    "-- beside allows: CREATE TABLE, ADD COLUMN that may be null (a constant default is fine), "
    "CREATE INDEX of a new"
    " table or CONCURRENTLY in a `-- concurrently` file, a new CREATE FUNCTION, GRANT. Leave the "
    "line out to stop."
)


def noticed(sql: str) -> list[str]:
    """The statements that the former release could notice."""
    statements = [raw.stmt for raw in parse_sql(sql)]
    made = {stmt.relation.relname for stmt in statements if isinstance(stmt, ast.CreateStmt)}
    return [RawStream()(stmt)[:200] for stmt in statements if not _adds(stmt, made)]


def _adds(stmt: ast.Node, made: set[str]) -> bool:
    """`made`: tables that the same file makes, where nobody is."""
    match stmt:
        case ast.CreateStmt():
            return stmt.inhRelations is None  # a partition locks its parent
        case ast.CreateFunctionStmt():
            return not stmt.replace
        case ast.GrantStmt():
            return bool(stmt.is_grant)
        case ast.CommentStmt():
            return True
        case ast.IndexStmt():
            return stmt.relation.relname in made or (bool(stmt.concurrent) and not stmt.unique)
        case ast.DropStmt():  # before it is built again
            return stmt.removeType == ObjectType.OBJECT_INDEX and bool(
                stmt.concurrent and stmt.missing_ok
            )
        case ast.AlterTableStmt():
            return stmt.relation.relname in made or all(map(_adds_column, stmt.cmds))
    return False


def _adds_column(command: ast.AlterTableCmd) -> bool:
    if command.subtype != AlterTableType.AT_AddColumn:
        return False
    return all(
        constraint.contype == ConstrType.CONSTR_NULL
        or (constraint.contype == ConstrType.CONSTR_DEFAULT and _is_constant(constraint.raw_expr))
        for constraint in command.def_.constraints or ()
    )


def _is_constant(node: ast.Node) -> bool:
    return isinstance(node, ast.A_Const) or (
        isinstance(node, ast.TypeCast) and isinstance(node.arg, ast.A_Const)
    )

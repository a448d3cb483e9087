"""What a story draws in: a flow or a page imports what it needs, never the whole house."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
# module -> lines of all modules of ours that it reaches, types included, at most
CEILINGS = {
    "recoup.refunds.flows.refund": 24_500,
    "recoup.webhooks.flows.deliver": 17_000,
    "recoup.desk.page.keys": 20_500,
    "recoup.orders.rules.lifecycle": 770,
}


def test_a_story_draws_in_no_more_than_it_needs() -> None:
    drawn = {name: sum(map(lines, closure(name))) for name in CEILINGS}
    assert all(drawn[name] <= most for name, most in CEILINGS.items()), drawn


def closure(name: str) -> set[str]:
    found, left = set[str](), [name]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += imported_by(one)
    return found


@cache
def file_of(name: str) -> Path | None:
    stem = SOURCE / name.replace(".", "/")
    return next(
        (file for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file()), None
    )


def lines(name: str) -> int:
    file = file_of(name)
    return len(file.read_text().splitlines()) if file else 0


@cache
def imported_by(name: str) -> set[str]:
    """When it is imported or checked, not within a function. Its packages are, too."""
    file = file_of(name)
    if file is None:
        return set()
    named = {name.rpartition(".")[0]}
    for statement in when_imported(ast.parse(file.read_text()).body):
        if isinstance(statement, ast.Import):
            named |= {alias.name for alias in statement.names}
        else:
            assert statement.level == 0, f"{file}: imports are absolute"
            named |= {f"{statement.module}.{alias.name}" for alias in statement.names} | {
                statement.module or ""
            }
    return {one for one in named if one.startswith("recoup") and file_of(one)}


def when_imported(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement
        elif isinstance(statement, ast.If):
            yield from when_imported([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.Try):
            yield from when_imported([*statement.body, *statement.orelse, *statement.finalbody])

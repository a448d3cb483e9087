"""Recorded statements as a pgbench script, and its rate.

A row that ours sends as one JSON text is sent by pgbench as the same text: constant pieces and what
differs from run to run (fresh ids, running numbers) are bound parameters, put together by the
server.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.db.connect import connect, to_json
from recoup.db.statement import SEARCH_PATH
from recoup.kernel.problem import Problem
from recoup.kernel.time import wall_ms
from recoup_lab.bench.record import Statement

NUMBER: Final = 100_000_000_000_000  # fifteen digits: what follows a prefix of 17 makes a UUID
CLIENT_STEP: Final = 1_000_000_000_000
# As our connections are.
OPTIONS: Final = (
    "-c role=recoup_app -c jit=off -c timezone=UTC -c enable_seqscan=off -c "
    "max_parallel_workers_per_gather=0"
    f" -c search_path={SEARCH_PATH.replace(' ', '')}"
)
# \set lines by the variable they make: a number that no other client has; the client's next
# prepared order.
_FRESH: Final = f"\\set n :n + 1\n\\set id {NUMBER} + :client_id * {CLIENT_STEP} + :n\n"
_UUID7: Final = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b"
)
_TPS: Final = re.compile(r"^tps = ([0-9.]+)", re.M)
_FAILED: Final = re.compile(r"number of failed transactions: (\d+)")


@dataclass(frozen=True, slots=True)
class Mark:
    """Stands where a recorded value stood: constant text, then an SQL expression or pgbench
    variable."""

    prefix: str
    expression: str


@dataclass(slots=True)
class Script:
    """`text` of a pgbench script; `variables` go to it by -D."""

    text: str
    variables: dict[str, str] = field(default_factory=dict)


def prefix_of(number: int, at_ms: int | None = None) -> str:
    """The first 17 hex digits of UUIDv7s made now; fifteen digits of a number complete them."""
    return f"{at_ms or wall_ms():012x}7{number & 0xFFF:03x}8"


async def script_of(
    dsn: str,
    statements: Sequence[Statement],
    marks: Mapping[str, Mark],
    *,
    since: int,
    sets: str = "",
    name: str = "a",
    gset: int | None = None,
) -> Script:
    """`marks` by recorded text; every UUIDv7 made from `since` on (Unix milliseconds) becomes a
    fresh one by itself.

    `sets`: more \\set lines. `gset`: the statement whose row's columns become variables.
    """
    made = Script(_FRESH + sets, {"n": "0"})
    every = dict(marks)
    connection = await connect(dsn)
    try:
        for number, statement in enumerate(statements):
            kinds = await _kinds(connection, statement)
            texts = [
                to_json(value) if kind in ("json", "jsonb") and value is not None else _text(value)
                for kind, value in zip(kinds, statement.args, strict=True)
            ]
            for text in texts:
                _mark_fresh(text or "", since, every)
            sql = _bound(
                statement.sql.strip().rstrip(";"), kinds, texts, every, made, f"{name}{number}"
            )
            made.text += sql + ("\n\\gset\n" if gset == number else ";\n")
    finally:
        await connection.close()
    return made


def renewed(script: Script) -> Script:
    """The same script with numbers that no earlier round used."""
    return Script(script.text, script.variables | {"n": str(wall_ms() % 1_000_000_000 * 100)})


async def rate_of(
    pgbench: Path,
    dsn: str,
    scripts: Sequence[Script],
    folder: Path,
    *,
    clients: int,
    seconds: float = 0.0,
    each: int = 0,
) -> float:
    """Transactions per second of `-M prepared`; for `seconds`, or `each` transactions a client.

    Raises: Problem(internal) when it fails or any transaction does.
    """
    command = [str(pgbench), "-n", "-M", "prepared", "-c", str(clients), "-j", "2"]
    command += ["-t", str(each)] if each else ["-T", str(max(1, round(seconds)))]
    for number, script in enumerate(scripts):
        path = folder / f"{number}.pgbench"
        path.write_text(script.text)
        command += ["-f", str(path)]
        for variable, value in script.variables.items():
            command += ["-D", f"{variable}={value}"]
    process = await asyncio.create_subprocess_exec(
        *command,
        dsn,
        env={"PGOPTIONS": OPTIONS, "PATH": "/usr/bin:/bin"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 180)
    except BaseException:
        process.kill()
        raise
    found = _TPS.search(out.decode())
    failed = _FAILED.search(out.decode())
    if process.returncode or not found or (failed and failed[1] != "0"):
        raise Problem(
            "internal", f"pgbench failed: {err.decode().strip()[:600] or out.decode()[-300:]}"
        )
    return float(found[1])


async def _kinds(connection: asyncpg.Connection, statement: Statement) -> list[str]:
    if not statement.args:
        return []
    prepared = await connection.prepare(statement.sql)
    return [_spelled(kind) for kind in prepared.get_parameters()]


def _spelled(kind: Any) -> str:
    return f"{kind.name[:-2]}[]" if kind.name.endswith("[]") else str(kind.name)


def _text(value: Any) -> str | None:
    """A value as PostgreSQL reads it. A list of rows, or a row, is JSON; any other list is an
    array."""
    if value is None:
        return None
    if isinstance(value, dict) or (
        isinstance(value, (list, tuple)) and (not value or isinstance(value[0], dict))
    ):
        return to_json(value)
    if isinstance(value, list | tuple):
        quoted = (
            '"' + (_text(one) or "").replace("\\", "\\\\").replace('"', '\\"') + '"'
            for one in value
        )
        return "{" + ",".join(quoted) + "}"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return str(value)


def _mark_fresh(text: str, since: int, marks: dict[str, Mark]) -> None:
    for found in _UUID7.findall(text):
        if found not in marks and (UUID(found).int >> 80) >= since:
            marks[found] = Mark(prefix_of(len(marks)), ":id")


def _bound(
    sql: str,
    kinds: list[str],
    texts: list[str | None],
    marks: Mapping[str, Mark],
    script: Script,
    name: str,
) -> str:
    def value(match: re.Match[str]) -> str:
        index = int(match[1]) - 1
        text, kind = texts[index], kinds[index]
        if text is None:
            return f"(NULL::{kind})"
        if kind.endswith("[]") and text == "[]":
            text = "{}"
        return f"({_put_together(text, marks, script, f'{name}_{index}')})::{kind}"

    return re.sub(r"\$(\d+)", value, sql)


def _put_together(text: str, marks: Mapping[str, Mark], script: Script, name: str) -> str:
    """`text` with its marks replaced: bound pieces and expressions, concatenated."""
    present = [mark for mark in marks if mark in text]
    if not present:
        script.variables[name] = text
        return f":{name}"
    expressions: list[str] = []
    pieces = [""]
    for number, part in enumerate(re.split("(" + "|".join(map(re.escape, present)) + ")", text)):
        if number % 2 == 0:
            pieces[-1] += part
        else:
            pieces[-1] += marks[part].prefix
            expressions.append(f"{marks[part].expression}::text")
            pieces.append("")
    terms = []
    for number, piece in enumerate(pieces):
        if piece:
            script.variables[f"{name}_{number}"] = piece
            terms.append(f":{name}_{number}::text")
        if number < len(expressions):
            terms.append(expressions[number])
    return " || ".join(terms)

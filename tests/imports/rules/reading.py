"""Files as the reader of imports gets them, and what it makes of them as short text."""

import io
from datetime import UTC, datetime

from recoup.imports.rules.answers import Answers
from recoup.imports.rules.attempt import Attempt, BadLine
from recoup.imports.rules.file import Looked, look_over
from recoup.imports.rules.reader import Outcome
from recoup.kit.files.source import source_of

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)


def look(content: str | bytes, answers: Answers | None = None) -> Looked:
    raw = content.encode() if isinstance(content, str) else content
    return look_over(source_of(io.BytesIO(raw)), answers or Answers())


def read(
    content: str | bytes, answers: Answers | None = None, *, world: bool = False
) -> list[Outcome]:
    looked = look(content, answers)
    assert not looked.questions, looked.questions
    return list(looked.read(UNTIL, world=world))


def attempts(content: str | bytes, answers: Answers | None = None) -> list[Attempt]:
    return [one for one in read(content, answers) if isinstance(one, Attempt)]


def bad(content: str | bytes, answers: Answers | None = None) -> list[tuple[int, str]]:
    return [(one.line, one.code) for one in read(content, answers) if isinstance(one, BadLine)]


def written(outcome: Outcome) -> str:
    """One line for golden files: the fields that are filled."""
    fields = outcome._asdict()
    shown = {
        name: f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value
        for name, value in fields.items()
    }
    return (
        type(outcome).__name__
        + " "
        + " ".join(f"{k}={v}" for k, v in shown.items() if v not in ("", None, False))
    )

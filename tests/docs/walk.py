"""The steps of `docs/first-payment.md`, for a browser and a shell,
and the blocks of other guides."""

import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GAP: Final = "…"
STEPS_MAX: Final = 12
PROGRAMS: Final = ("python", "typescript")  # tests/clients runs these
_STEP: Final = re.compile(r"^## (\d+)\. .+$", re.M)
_PART: Final = re.compile(r"^```(\w+)\n(.*?)^```$|^- ([^\n]+)$", re.M | re.S)
_DOINGS: Final = {
    "open": re.compile(r"Open `([^`]+)`\."),
    "type": re.compile(r"Type `([^`]+)` into \*\*([^*]+)\*\*\."),
    "choose": re.compile(r"Choose `([^`]+)` in \*\*([^*]+)\*\*\."),
    "press": re.compile(r"Press \*\*([^*]+)\*\*\."),
    "read": re.compile(r"Read \*\*([^*]+)\*\*\."),
    "paste": re.compile(r"Paste into the shell\."),
}


@dataclass(frozen=True)
class Doing:
    """`kind`: one of the browser's, `paste`, `bash`, or `shown`: lines that the block before it
    printed."""

    kind: str
    words: tuple[str, ...]


def doings(page: Path) -> list[list[Doing]]:
    """Of each numbered step. Raises: ValueError for a line that tells to do
    what nobody here can."""
    text = page.read_text(encoding="utf-8")
    numbers = [int(number) for number in _STEP.findall(text)]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"steps are numbered {numbers}")
    steps = _STEP.split(text)[2::2]
    return [
        [_doing(*found.groups()) for found in _PART.finditer(step) if found[1] not in PROGRAMS]
        for step in steps
    ]


def blocks(page: Path) -> list[Doing]:
    """The `bash` and `text` blocks of a guide."""
    found = _PART.finditer(page.read_text(encoding="utf-8"))
    return [_doing(*one.groups()) for one in found if one[1] in ("bash", "text")]


def _doing(language: str | None, body: str | None, line: str | None) -> Doing:
    if language is not None:
        kind = {"bash": "bash", "text": "shown"}.get(language)
        if kind is None:
            raise ValueError(f"a block of {language}")
        return Doing(kind, (body or "",))
    for kind, form in _DOINGS.items():
        found = form.fullmatch(line or "")
        if found is not None:
            return Doing(kind, found.groups())
    raise ValueError(f"cannot be done: {line}")


class Shell:
    """One shell for all blocks; it ends at the first command that fails, as a reader would stop
    there."""

    END: Final = "--- end of block"

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environment,
            text=True,
            bufsize=1,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.run("set -euo pipefail")

    def run(self, script: str) -> list[str]:
        """What it prints. Raises: AssertionError with it when the shell ended."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{script}\nprintf '\\n%s\\n' '{self.END}'\n")
        process.stdin.flush()
        printed = []
        for line in process.stdout:
            if line.strip() == self.END:
                return printed
            printed.append(line)
        raise AssertionError(f"the shell ended in:\n{script}\n" + "".join(printed))

    def value(self, name: str) -> str:
        return "".join(self.run(f'printf %s "${name}"')).strip()

    def end(self) -> None:
        """With everything that it started."""
        os.killpg(self._process.pid, signal.SIGKILL)
        with self._process:
            pass


def shows(shown: str, printed: list[str]) -> bool:
    """Each line of `shown` is printed, in order; `…` stands for anything."""
    rest = iter(printed)
    return all(
        any(matches(wanted, line) for line in rest)
        for wanted in shown.splitlines()
        if wanted != GAP
    )


def matches(shown: str, line: str) -> bool:
    """`…` stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, shown.split(GAP))), line.strip()) is not None

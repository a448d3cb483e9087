"""The house rules that a program can hold."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.subjects import DOORS, files_of, tokens_of

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/recoup"
GIVEN_AWAY = SOURCE / "docs/consumers/consumer.py"  # readers' own program: no part of ours
TOKENS_MAX = 6_000

# file -> why it is longer than TOKENS_MAX
LONG_FILES: dict[str, str] = {}

# file or folder that may hold a number which looks like a card's -> why
CARD_NUMBERS_ALLOWED: dict[str, str] = {
    "src/recoup/networks/magic.py": "the sandbox's magic inputs: test numbers, no one's card",
    "src/recoup/networks/allow_list.py": "the documented cards of the sandbox",
    "src/recoup/docs/static/recoup.postman_collection.json": "the sample of /tokenize: a card of "
    "that list",
}

# 2-6: the first digit of the networks' numbers
CARD_NUMBER = re.compile(r"(?<![0-9A-Za-z.])[2-6](?:[ -]?[0-9]){15}(?![0-9A-Za-z])")
FLOWS_CONNECTION = re.compile(
    r"\.(?:connection|transaction|apart)\("
    r"|\bdb\.(?:fetch|fetchrow|fetchval|execute)\(|\bworld\.(?:db|people)[,)]"
)
CLOCK = re.compile(
    r"\bdatetime\.(?:now|today|utcnow)\(|\butcnow\(|\bdate\.today\(|\btime\.time(?:_ns)?\("
)


def project_files() -> list[Path]:
    """What git has, or would have after `git add`."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(
        listed, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def python_files() -> list[Path]:
    return sorted([*SOURCE.rglob("*.py"), *(ROOT / "packages").glob("*/src/**/*.py")])


def passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def test_every_file_stands_in_a_subject() -> None:
    """Which of them may import which, the contract in pyproject.toml says."""
    loose = {entry.name for entry in SOURCE.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert not loose, f"these stand in no subject: {sorted(loose)}"


def test_only_the_kernel_reads_the_clock() -> None:
    readers = [
        f"{name_of(file)}:{number}"
        for file in python_files()
        if file not in (SOURCE / "kernel/time.py", GIVEN_AWAY)
        for number, line in enumerate(text_of(file).splitlines(), 1)
        if CLOCK.search(line)
    ]
    assert not readers, f"take WallTime or BusinessTime from kernel/time: {readers}"


def test_doors_only_read() -> None:
    """By `db.read()` or `db.reader`, which PostgreSQL lets write nothing; what writes is a flow."""
    writers = [
        f"{name_of(file)}:{number}"
        for file in files_of(*DOORS)
        for number, line in enumerate(text_of(file).splitlines(), 1)
        if FLOWS_CONNECTION.search(line)
    ]
    assert not writers, f"make a flow of these, or read by db.read(): {writers}"


def test_every_connection_of_ours_finds_its_tables() -> None:
    """Made in `db/connect`, which says in which schemas they are. What plays the outside world has
    its own."""
    made = [
        name_of(file)
        for file in python_files()
        if "asyncpg.connect(" in text_of(file) and "/gateways/" not in name_of(file)
    ]
    assert made == [
        "packages/recoup-lab/src/recoup_lab/simulate/dying.py",
        "src/recoup/db/connect.py",
    ], made


def test_files_are_small() -> None:
    long = {
        name_of(file): count for file in python_files() if (count := tokens_of(file)) > TOKENS_MAX
    }
    assert set(long) <= set(LONG_FILES), f"split these or give a reason in LONG_FILES: {long}"
    assert set(LONG_FILES) <= set(long), "LONG_FILES names files that are short by now"


def test_no_file_holds_a_card_number() -> None:
    found = []
    for file in project_files():
        name = name_of(file)
        if name.startswith("requirements/") or any(
            name.startswith(allowed) for allowed in CARD_NUMBERS_ALLOWED
        ):
            continue
        for match in CARD_NUMBER.finditer(text_of(file)):
            if passes_luhn(re.sub(r"\D", "", match.group())):
                found.append(f"{name}: {match.group()[:6]}...")
    assert not found, f"take card numbers from the sandbox's magic inputs: {found}"


@pytest.mark.parametrize(("lock", "least"), [("run.txt", 21), ("dev.txt", 21), ("barman.txt", 4)])
def test_every_requirement_is_locked_by_hash_and_names_no_index(lock: str, least: int) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert "://" not in text
    assert not re.search(
        r"^\s*--?(?:i|index-url|extra-index-url|find-links|trusted-host)\b", text, re.M
    )
    requirements = re.split(r"\n(?=[A-Za-z])", text)[1:]
    assert len(requirements) >= least
    for requirement in requirements:
        assert re.match(r"[A-Za-z0-9._-]+==[^\s;]+", requirement), requirement.splitlines()[0]
        assert "--hash=sha256:" in requirement, requirement.splitlines()[0]


def test_the_development_lock_holds_the_runtime_lock() -> None:
    def pins(lock: str) -> set[str]:
        return set(
            re.findall(
                r"^([A-Za-z0-9._-]+==[^\s;]+)", (ROOT / "requirements" / lock).read_text(), re.M
            )
        )

    assert pins("run.txt") <= pins("dev.txt")


def test_the_checks_run_exactly_make_test() -> None:
    script = ROOT / ".ci/run"
    commands = [
        line
        for line in script.read_text().splitlines()
        if line and not line.startswith(("#", "set ", "cd "))
    ]
    assert commands == ["exec make test"]
    assert script.stat().st_mode & 0o111

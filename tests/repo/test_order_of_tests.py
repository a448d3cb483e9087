"""A run on several processors begins with the tests that take longest, and leaves none out."""

from pathlib import Path

from tests import rings
from tests.long_first import LONG, dealt
from tests.rings import each

ROOT = Path(__file__).parents[2]


@each("workers", [1, 2, 3, 16])
@each("others", [0, 5, 100])
def test_every_test_is_run_once(workers: int, others: int) -> None:
    items = [*(f"a{number}.py" for number in range(others)), *LONG, *LONG]
    assert sorted(dealt(items, workers, str)) == sorted(items)


def test_each_worker_begins_with_a_long_one() -> None:
    items = [f"a{number}.py" for number in range(120 - len(LONG))] + [*LONG]
    ordered = dealt(items, 3, str)
    assert [ordered[at] for at in (0, 40, 80)] == [*LONG[:3]]


def test_the_tests_of_a_file_stay_together() -> None:
    items = ["a.py", LONG[1], LONG[1], "b.py", "b.py", LONG[0], LONG[0], "c.py"]
    assert dealt(items, 2, str) == [
        LONG[0],
        LONG[0],
        "a.py",
        "b.py",
        LONG[1],
        LONG[1],
        "b.py",
        "c.py",
    ]


def test_the_long_files_are_there() -> None:
    assert not [name for name in LONG if not (ROOT / name).exists()]


def test_the_long_tests_are_there() -> None:
    gone = []
    for line in rings.LONG:
        path, name = line.split("::")
        if f"def {name}(" not in (ROOT / path).read_text("utf-8"):
            gone.append(line)
    assert not gone

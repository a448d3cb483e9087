"""Work in a process of its own: its answer comes back, its Problem too, and nothing that it made
stays."""

import sys

import pytest

from recoup.kernel.problem import Problem
from recoup.main.apart import apart


def test_its_answer_comes_back_and_what_it_imported_does_not() -> None:
    async def work() -> dict[str, bool]:
        import this  # noqa: F401

        return {"there": "this" in sys.modules}

    assert apart(work) == {"there": True}
    assert "this" not in sys.modules


def test_its_problem_is_raised_here() -> None:
    async def work() -> None:
        raise Problem("conflict", "There is one.", cure="Stop it.")

    with pytest.raises(Problem, match="There is one") as caught:
        apart(work)
    assert caught.value.cure == "Stop it."


def test_any_other_error_is_told_and_ends_us(capfd: pytest.CaptureFixture[str]) -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(SystemExit):
        apart(work)
    assert "ZeroDivisionError" in capfd.readouterr().err

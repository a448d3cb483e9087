"""What is like what is looked for in one place, and a bounded number of times for each text."""

import difflib
import re
from pathlib import Path

import msgspec
import pytest

import recoup
from recoup.kernel import nearest
from recoup.kit.edge.field_names import folding, names_of, unknown_names
from recoup.policies.rules.read import _TABLES, read_policy

SOURCE = Path(recoup.__file__).parent


class Body(msgspec.Struct):
    amount: int = 0
    currency: str = ""


def test_likeness_is_looked_for_in_one_place() -> None:
    found = [
        str(one.relative_to(SOURCE))
        for one in SOURCE.rglob("*.py")
        if re.search(r"\bdifflib\b", one.read_text())
    ]
    assert found == ["kernel/nearest.py"]


def test_of_one_text_few_names_are_compared_however_many_are_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A policy of 900 unknown lines kept the process busy for seconds."""
    compared: list[str] = []
    real = difflib.get_close_matches

    def counted(name: str, *known: object, **more: object) -> list[str]:
        compared.append(name)
        return real(name, *known, **more)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    tables = {name: {f"al{'l' * (n % 90)}{n}": 1 for n in range(100)} for name in _TABLES}
    _, complaints = read_policy({"tries.al": 1, **tables})
    assert (len(complaints), str(complaints[0].why)) == (
        801,
        "There is no line 'tries.al'; the nearest is tries.all.",
    )
    names = list(
        unknown_names(
            {"amuont": 1, **{f"currenc{n}": 1 for n in range(900)}}, folding(names_of(Body))
        )
    )
    assert (len(names), names[0]) == (901, ("amuont", "amount"))
    assert len(compared) == 2 * nearest.NAMES_MAX
    assert max(map(len, compared)) <= nearest.CHARS_MAX

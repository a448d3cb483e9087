"""What is wrong with a list of features is said at start, in one line with its cure."""

from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from recoup.kernel import feature
from recoup.kernel.extended import Extended
from recoup.kernel.feature import Feature, Place, features, install
from recoup.kernel.problem import Problem
from recoup.mandates.feature import MANDATES

LETTER: Place[dict[str, int]] = Place("letter")
BAD = Feature(name="bad", folder=Path(__file__).parent)
ADDED = {
    name: EntryPoint(name, value, "recoup.features")
    for name, value in {
        "mandates": "recoup.mandates.feature:MANDATES",
        "raises": "tests.core.no_such_module:FEATURE",
        "other": "recoup.mandates.feature:flows",
    }.items()
}


def test_what_is_wrong_with_the_list_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature, "added", lambda group: ADDED)
    taking = Feature(name="taking", folder=BAD.folder, adds=(LETTER({"mandates": 2}),))
    monkeypatch.setattr(feature, "_features", (*features(), taking))
    complaints = {
        "twice": (lambda: install(["mandates"]), "mandates is listed twice"),
        "missing": (lambda: install(["unknown"]), "unknown, which no package"),
        "raises": (lambda: install(["raises"]), "'raises' to recoup.features"),
        "no feature": (lambda: install(["other"]), "it is no Feature"),
        "needs": (
            lambda: feature.checked((replace(BAD, needs=("mandates",)), MANDATES)),
            "needs mandates, which is not",
        ),
        "no place": (
            lambda: feature.checked((replace(BAD, adds=("page",)),)),
            "adds 'page' to no place",
        ),
        "taken": (lambda: dict(Extended({"mandates": 1}, LETTER, dict)), "brings mandates"),
    }
    for name, (act, said) in complaints.items():
        with pytest.raises(Problem) as caught:
            act()
        assert said in caught.value.message, (name, caught.value.message)
        assert caught.value.cure, name
        assert "\n" not in caught.value.message, name


def test_features_stand_where_the_core_lists_them(monkeypatch: pytest.MonkeyPatch) -> None:
    adding = [replace(BAD, name=name, adds=(LETTER({name: 3}),)) for name in ("x", "y")]
    monkeypatch.setattr(feature, "_features", tuple(adding))
    assert list(Extended({"a": 1, "b": 2}, LETTER, dict, "b")) == ["a", "x", "y", "b"]
    assert LETTER.first() == {"x": 3}
    assert [one.added(LETTER) for one in adding] == [[{"x": 3}], [{"y": 3}]]

"""What is wrong with a list of features is said at start, in one line with its cure."""

from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from recoup.core.kit import feature
from recoup.core.kit.extended import Extended
from recoup.core.kit.feature import Feature, features, install
from recoup.features.mandates.feature import MANDATES
from recoup.kernel.problem import Problem

BAD = Feature(name="bad", folder=Path(__file__).parent)
ADDED = {
    name: EntryPoint(name, value, "recoup.features")
    for name, value in {
        "mandates": "recoup.features.mandates.feature:MANDATES",
        "raises": "tests.core.no_such_module:FEATURE",
        "other": "recoup.features.mandates.feature:flows",
    }.items()
}


def test_what_is_wrong_with_the_list_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature, "added", lambda group: ADDED)
    monkeypatch.setattr(feature, "_features", features())
    complaints = {
        "twice": (lambda: install(["mandates"]), "mandates is listed twice"),
        "missing": (lambda: install(["unknown"]), "unknown, which no package"),
        "raises": (lambda: install(["raises"]), "'raises' to recoup.features"),
        "no feature": (lambda: install(["other"]), "it is no Feature"),
        "needs": (
            lambda: feature.checked((replace(BAD, needs=("mandates",)), MANDATES)),
            "needs mandates, which is not",
        ),
        "no place": (lambda: feature.checked((replace(BAD, portal="tests.core.page"),)), "names tests.core.page"),
        "taken": (lambda: dict(Extended({"mandates": 1}, lambda one: {one.name: 2})), "brings mandates"),
    }
    for name, (act, said) in complaints.items():
        with pytest.raises(Problem) as caught:
            act()
        assert said in caught.value.message, (name, caught.value.message)
        assert caught.value.cure, name
        assert "\n" not in caught.value.message, name


def test_features_stand_where_the_core_lists_them() -> None:
    assert list(Extended({"a": 1, "b": 2}, lambda one: {one.name: 3}, "b")) == [
        "a",
        *(one.name for one in features()),
        "b",
    ]

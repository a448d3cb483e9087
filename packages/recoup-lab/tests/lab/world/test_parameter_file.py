"""A world's file: what it may say, and what is said of a mistake."""

import re
from dataclasses import is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest

from recoup.kernel.problem import Problem
from recoup_lab.world.parameter_file import base_text, read, shipped
from recoup_lab.world.parameters import Parameters, Weight


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[money]\n\nlate_shares = 0.2\n",
            r"mine.toml, line 3: money.late_shares is unknown.*There are steady_share",
        ),
        ("[mony]\nlate_share = 0.2\n", r"mine.toml, line 1: mony is unknown.*There are world"),
        (
            "[money]\nlate_share = 1.2\n",
            r"line 2: money.late_share cannot be 1.2. It is a number in 0..1",
        ),
        ("[money]\nlate_share = true\n", r"line 2: money.late_share cannot be True"),
        ("money = 3\n", r"line 1: money is no table"),
        (
            "[world]\norders = 0\n",
            r"line 2: world.orders cannot be 0. It is a whole number in 1..200000",
        ),
        ("[world]\norders = 2.5\n", r"line 2: world.orders cannot be 2.5"),
        ("[world]\nnow = 2027-03-01T00:00:00\n", r"line 2: world.now .* instant like"),
        ('[world]\nname = ""\n', r"line 2: world.name"),
        (
            "[issuers]\n# one\nstrict_hours = [3]\n",
            r"line 3: issuers.strict_hours is no list of 2 to 64 values",
        ),
        ("[issuers]\ngeneric_share = [0.1, 7]\n", r"line 2: issuers.generic_share cannot be 7"),
        (
            "[issuers]\ngeneric_share = [0.7, 0.1]\n",
            r"line 2: issuers.generic_share has values that fall",
        ),
        ("[world]\ncurrency = 'usd'\n", r"line 2: world.currency cannot be 'usd'"),
        ("[world]\nnow = 1027-03-01T00:00:00Z\n", r"line 2: world.now cannot be"),
        ("[money]\nlate_share = nan\n", r"line 2: money.late_share cannot be nan"),
        ("[cards.endings]\nclosed = -1\n", r"line 2: cards.endings.closed cannot be -1"),
        (
            "[cards.endings]\nclosed = 0\nlost = 0\nrevoked = 0\nreplaced = 0\n",
            r"line 1: cards.endings has no weight",
        ),
        ("[routes]\nnames = []\n", r"line 2: routes.names is no list of 1"),
        ("[money]\nlate_share == 3\n", r"mine.toml: not valid TOML.*line 2"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_allowed(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(Problem) as caught:
        read(path)
    assert re.search(said, caught.value.sentence())


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be read"):
        read(tmp_path / "none.toml")


def test_a_file_overrides_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[money]\nlate_share = 0.9\n[cards.endings]\nlost = 1\n")
    base, mine = read(), read(path, seed=5)
    assert (mine.money.late_share, mine.money.bill_share) == (0.9, base.money.bill_share)
    assert (mine.cards.endings.lost, mine.cards.endings.closed) == (1, base.cards.endings.closed)
    assert (mine.world.seed, mine.issuers) == (5, base.issuers)


def test_each_parameter_is_explained_with_its_range() -> None:
    """In base.toml, in the comment above its line; weights in the one above their table."""
    lines = base_text().splitlines()
    explained: dict[str, str] = {}
    table, comment, head = "", "", ""
    for line in lines:
        if line.startswith("#"):
            comment += line
        elif line.startswith("["):
            table, head, comment = line.strip("[]"), comment, ""
        elif "=" in line:
            explained[f"{table}.{line.split(' =')[0]}"] = comment or head
            if comment:
                head = comment
            comment = ""
        else:
            comment = ""
    for name, hint in _leaves(Parameters, ""):
        between = _between(hint)
        assert name in explained, name
        assert (
            between is None or f"{between})" in explained[name] or f"{between};" in explained[name]
        ), name


def _leaves(kind: Any, place: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        here = f"{place}.{name}" if place else name
        found += _leaves(hint, here) if is_dataclass(hint) else [(here, hint)]
    return found


def _between(hint: Any) -> Any:
    if get_origin(hint) is tuple:
        return _between(get_args(hint)[0])
    return get_args(hint)[1] if get_origin(hint) is Annotated and hint != Weight else None


def test_the_worlds_that_are_shipped_differ_from_the_base() -> None:
    names = set(shipped())
    assert names == {"base", "folklore", "hardening", "outages", "credit", "sparse", "change"}
    base = read()
    for name in names - {"base"}:
        other = read(shipped()[name])
        assert other.world.name == name
        assert (other.world.orders, other.costs) == (base.world.orders, base.costs)
        assert other != base

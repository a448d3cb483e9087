"""Whole comparisons of small worlds: budgets, hashes, scores that are checked, intervals."""

import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from lab.compare.tiny_world import TinyWorlds, order
from rich.console import Console
from tests.docs.running import clean_environment

from recoup.main.cli import cli
from recoup_lab.compare.budgets import CLOSE, length_guess, length_of, search_length, search_price
from recoup_lab.compare.compare import compare
from recoup_lab.compare.intervals import difference, ratio
from recoup_lab.compare.job import Options
from recoup_lab.compare.readings import note_unlisted, read
from recoup_lab.compare.report import as_dict, show
from recoup_lab.compare.result import Comparison
from recoup_lab.compare.sample import sample_of, search_by_sample
from recoup_lab.world.port import WorldBroke

TARGETS = (1.5, 3.0)
NAMES = ("daily", "kill-bill", "retry-2", "slots")


def run(
    processes: int = 1, seeds: int = 1, log: Path | None = None, names: Sequence[str] = NAMES
) -> Comparison:
    options = Options(TARGETS)
    return compare(TinyWorlds(), range(1, seeds + 1), names, options, processes=processes, log=log)


@pytest.fixture(scope="module")
def found() -> Comparison:
    return run()


def test_budgets_are_met_or_told_to_be_out_of_reach(found: Comparison) -> None:
    for section, target in zip(found.sections, TARGETS, strict=False):
        for row in section.rows:
            if row.reached:
                assert row.sends == pytest.approx(target, abs=0.05), (section.level, row.arm)
            else:
                assert row.sends < target, (section.level, row.arm)
    own = {row.arm: row.sends for row in found.sections[-1].rows}
    assert own["daily"] > 3, "so that something was cut"
    assert [row.reached for row in found.sections[1].rows if row.arm == "daily"] == [True]


@pytest.mark.prove("engine")
def test_two_processes_find_the_same_to_the_last_bit(found: Comparison) -> None:
    other = run(processes=2)
    assert json.dumps(as_dict(other)) == json.dumps(as_dict(found))
    assert other.hash != run(seeds=2).hash


@pytest.mark.prove("engine")
def test_the_hash_does_not_depend_on_how_python_hashes() -> None:
    program = (
        "from lab.compare.test_compare import run\n"
        "if __name__ == '__main__': print(run(names=('kill-bill', 'slots')).hash)\n"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            env=clean_environment()
            | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


def test_a_world_that_lies_about_its_score_ends_the_run_with_both_figures() -> None:
    with pytest.raises(
        WorldBroke, match=r"arm daily: recovered \d+ by our count, \d+ by the world's"
    ):
        compare(TinyWorlds(lying=True), [1], ["daily"], Options(TARGETS), processes=1)


def test_a_code_that_no_list_has_is_a_soft_decline_and_named(found: Comparison) -> None:
    strange = compare(TinyWorlds(code="ZZ"), [1], ["daily-3"], Options((1.0,)), processes=1)
    assert strange.unlisted == ["amex ZZ"]
    assert as_dict(strange)["unlistedCodes"] == strange.unlisted
    console = Console(record=True, width=140, file=StringIO())
    show(strange, console)
    assert (
        "Unknown codes, without which the declines were classified: amex ZZ."
        in console.export_text()
    )
    assert found.unlisted == []


def test_an_advice_code_that_no_list_has_is_named_beside_its_code() -> None:
    names: set[str] = set()
    for code, advice in (("51", "24"), ("51", "77"), ("ZZ", "78"), (None, None)):
        note_unlisted(names, "mastercard", read("mastercard", code, advice, date(2027, 3, 1)))
    assert names == {
        "mastercard advice 77",
        "mastercard ZZ",
        "mastercard advice 78",
        "mastercard without a code",
    }


def test_the_log_holds_each_decision_and_its_answer(found: Comparison, tmp_path: Path) -> None:
    log = tmp_path / "decisions.jsonl"
    assert run(log=log).hash == found.hash
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    own = {row.arm: row for row in found.sections[-1].rows}
    for name in NAMES:
        answered = [
            row
            for row in rows
            if row["arm"].startswith(name) and row["level"] == "own" and row["answer"]
        ]
        assert len(answered) == own[name].levels[0].ours.attempts
    first = next(row for row in rows if row["answer"])
    assert set(first) >= {
        "seed",
        "level",
        "order",
        "arm",
        "decision",
        "candidates",
        "at",
        "propensity",
        "answer",
    }


@pytest.mark.parametrize("target", [0.4, 1.5, 2.0, 2.7])
def test_a_length_that_is_guessed_from_what_was_sent_has_the_mean(target: float) -> None:
    sends = [random.Random(number).randint(0, 6) for number in range(4_000)]

    def mean_at(length: float) -> float:
        limits = (length_of(length, 1, f"o{number}") for number in range(len(sends)))
        return sum(map(min, sends, limits)) / len(sends)

    assert mean_at(length_guess(sends, target)) == pytest.approx(target, abs=0.03)
    seen: dict[float, float] = {}
    assert mean_at(search_length(mean_at, target, 9.0, seen)) == pytest.approx(target, abs=CLOSE)
    assert len(seen) < 10


@pytest.mark.parametrize("target", [0.5, 1.5, 6.0])
def test_a_price_is_found_from_either_side(target: float) -> None:
    seen: dict[float, float] = {}
    for first in (0.01, 12.0, 1e5):
        price = search_price(lambda price: 8 / (1 + price / 40), target, first, seen)
        assert 8 / (1 + price / 40) == pytest.approx(target, abs=CLOSE)


def test_an_arm_that_never_sends_so_often_is_not_asked_for_ever() -> None:
    seen: dict[float, float] = {}
    search_price(lambda price: min(3.0, 8 / (1 + price / 40)), 6.0, 40.0, seen)
    assert len(seen) < 5
    assert max(seen.values()) == 3.0


def test_intervals_cover_the_true_difference_in_nine_of_ten_worlds() -> None:
    """Customers of one to four orders that rise and fall together; one arm is 5 points better."""
    draw, covered = random.Random(7), 0
    for _ in range(300):
        ours, theirs, weights = [], [], []
        for _ in range(150):
            count, mood = draw.randint(1, 4), draw.uniform(-0.25, 0.25)
            luck = [draw.random() for _ in range(count)]
            ours.append(sum(one < 0.45 + mood for one in luck))
            theirs.append(sum(draw.random() < 0.40 + mood for _ in luck))
            weights.append(count)
        interval = difference([ours], [theirs], [weights])
        covered += interval.low <= 0.05 <= interval.high
    assert 0.85 <= covered / 300 <= 0.95


def test_with_several_seeds_the_spread_between_worlds_widens_the_interval() -> None:
    ours = [[1.0] * share + [0.0] * (100 - share) for share in (10, 50, 90)]
    theirs = [[0.0] * 100] * 3
    weights = [[1.0] * 100] * 3
    found = difference(ours, theirs, weights)
    assert found.value == pytest.approx(0.5)
    assert found.seeds_spread == pytest.approx(0.4)
    assert found.high - found.value == pytest.approx(2.920 * 0.4 / 3**0.5)
    assert ratio(ours, theirs) is None, "of nothing there is no multiple"


def test_the_verb_compares_our_own_world_and_says_its_hash(tmp_path: Path) -> None:
    world = tmp_path / "world.toml"
    world.write_text("[world]\norders = 60\nintake_days = 10\n[history]\ndays = 20\n")
    words = (
        f"lab compare --world {world} --arms next-day,kill-bill,oracle --sends 1 --processes 1"
    ).split()
    shown = CliRunner().invoke(cli, words, catch_exceptions=False)
    told = CliRunner().invoke(cli, [*words, "--json"], catch_exceptions=False)
    report = json.loads(told.stdout)
    assert shown.stdout.splitlines()[-1] == report["hash"]
    assert "60 declined orders" in shown.stdout
    assert report["breaches"] == {"ours": 0, "world": 0, "early": 0}
    at_one = {row["arm"]: row["orders"]["value"] for row in report["levels"][0]["arms"]}
    assert at_one["oracle"] > max(at_one["next-day"], at_one["kill-bill"])
    assert [one["level"] for one in report["levels"]] == ["1", "own", "retry-2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sends", "0,3"], "is not a list of mean numbers of sends"),
        (["--arms", "weekly"], "There is no arm 'weekly'"),
        (["--arms", "oracle", "--world-command", "world"], "which a program keeps"),
        (["--world-command", "world", "--seeds", "3"], "the command takes none"),
        (["--holdout", "0.1", "--arms", "daily"], "None of the chosen arms uses --holdout"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(words: list[str], said: str) -> None:
    done = CliRunner().invoke(cli, ["lab", "compare", *words])
    assert said in str(done.exception)


def _sends_of(price: float, numbers: Iterable[int]) -> float:
    """Orders of very different worth: mean sends of those numbers at a price."""
    found = [min(20.0, random.Random(one).expovariate(1 / 90) / price) for one in numbers]
    return sum(found) / len(found)


@pytest.mark.parametrize("target", [0.5, 1.5, 6.0])
def test_a_price_that_is_searched_on_a_sample_holds_for_all_orders(target: float) -> None:
    sample, seen, whole = range(0, 4_000, 10), dict[float, float](), list[float]()

    def search(mean: float, close: float) -> float:
        return search_price(lambda price: _sends_of(price, sample), mean, 30.0, seen, close)

    def of_all(price: float) -> tuple[float, float]:
        whole.append(price)
        return _sends_of(price, range(4_000)), _sends_of(price, sample)

    played = {math.inf: (0.3, 0.25)}
    price = search_by_sample(search, target, of_all, played)
    assert _sends_of(price, range(4_000)) == pytest.approx(target, abs=CLOSE)
    assert len(whole) <= 3 < len(seen)


def test_a_mean_that_no_price_reaches_is_asked_for_once() -> None:
    seen: dict[float, float] = {}
    played = {math.inf: (1.0, 1.1)}
    found = search_by_sample(
        lambda mean, close: search_price(
            lambda price: min(3.0, 8 / (1 + price / 40)), mean, 40.0, seen, close
        ),
        6.0,
        lambda price: (2.9, min(3.0, 8 / (1 + price / 40))),
        played,
    )
    assert played[found] == (2.9, 3.0)
    assert len(played) == 2


def test_the_sample_is_the_same_for_all_and_leaves_small_worlds_whole() -> None:
    orders = [order(number, customer_id=f"c{number // 2}") for number in range(1_200)]
    places = sample_of(1, orders)
    assert places is not None
    assert 300 < len(places) < 500
    assert {place ^ 1 for place in places} == set(places), "a customer's orders are there together"
    assert places != sample_of(2, orders)
    assert sample_of(1, orders[:800]) is None

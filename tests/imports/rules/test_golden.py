"""Example files of each export, made up: what is read of them stands beside them."""

import csv
import tomllib
from pathlib import Path
from typing import Any

from tests.imports.rules.reading import look, read, written
from tests.rings import each

from recoup.imports.rules.answers import Answers
from recoup.imports.rules.attempt import BadLine, Skipped
from recoup.imports.rules.profile import profiles

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(one for one in GOLDEN.iterdir() if one.suffix in (".csv", ".jsonl"))
PUBLISHED = tomllib.loads(GOLDEN.with_name("published.toml").read_text("utf-8"))["list"]
ANSWERS = {"stripe-payments-2014.csv": Answers(zone="America/New_York")}


@each("file", FILES)
def test_a_file_is_known_and_read(file: Path) -> None:
    looked = look(file.read_bytes(), ANSWERS.get(file.name))
    lines = [f"profile {looked.profile.key}", *(f"note {note}" for note in looked.notes)]
    lines += [written(outcome) for outcome in read(file.read_bytes(), ANSWERS.get(file.name))]
    assert "\n".join(lines) + "\n" == file.with_name(file.name + ".txt").read_text("utf-8")


def test_each_export_has_an_example() -> None:
    assert {look(file.read_bytes(), ANSWERS.get(file.name)).profile.name for file in FILES} == set(
        profiles()
    )


@each("published", PUBLISHED)
def test_each_word_that_a_vendor_publishes_is_read(published: dict[str, Any]) -> None:
    file, column = GOLDEN / f"{published['profile']}-values.csv", published["column"]
    text = file.read_text("utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t" if "\t" in text else ",")
    first: dict[str, Any] = {}
    for row, outcome in zip(rows, read(text), strict=True):
        assert not isinstance(outcome, BadLine), row
        first.setdefault(
            row[column], outcome.reason if isinstance(outcome, Skipped) else outcome.state
        )
    wanted = published.get("read_as", "")
    assert {
        word: first.get(word)
        for word in published["values"]
        if not first.get(word, "").startswith(wanted)
    } == {}


def test_each_profile_has_the_words_of_its_vendor() -> None:
    assert {one["profile"] for one in PUBLISHED} == set(profiles())

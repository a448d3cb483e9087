"""Example files of each export, made up: what is read of them stands beside them."""

from pathlib import Path

from tests.rings import each
from tests.rules.imports.reading import look, read, written

from recoup.rules.imports.answers import Answers
from recoup.rules.imports.profile import profiles

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(one for one in GOLDEN.iterdir() if one.suffix in (".csv", ".jsonl"))
ANSWERS = {"stripe-payments-2014.csv": Answers(zone="America/New_York")}


@each("file", FILES)
def test_a_file_is_known_and_read(file: Path) -> None:
    looked = look(file.read_bytes(), ANSWERS.get(file.name))
    lines = [f"profile {looked.profile.key}", *(f"note {note}" for note in looked.notes)]
    lines += [written(outcome) for outcome in read(file.read_bytes(), ANSWERS.get(file.name))]
    assert "\n".join(lines) + "\n" == file.with_name(file.name + ".txt").read_text("utf-8")


def test_each_export_has_an_example() -> None:
    assert {look(file.read_bytes(), ANSWERS.get(file.name)).profile.name for file in FILES} == set(profiles())

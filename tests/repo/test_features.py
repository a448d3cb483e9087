"""A feature is its folder: the rest of the house asks its places and hardly knows its name."""

import re
from pathlib import Path

from recoup.kernel.feature import features

SOURCE = Path(__file__).parents[2] / "src/recoup"
KNOWN_TO_MAX = 5
# What a file says that knows the feature: its modules, tables, facts, events, due work, alerts.
# That an order may have
# several charges, of which some is collected and the rest owed, is the core's.
SIGNS = {
    "chains": (
        r"recoup\.chains|deposit_addresses"
        r"|(FROM|INTO|UPDATE|JOIN)\s+settlement_addresses|facts\[\"chain\"\]"
    ),
    "engine": r"recoup\.engine|engine-[23]\b|take_prior|train_nightly",
    "mandates": r"recoup\.mandates|mandate_\w+|mandate\.revoked|[\"'/]mandates?[\"'/]",
    "network_tokens": r"(?i)network_?token",
    "parts": r"recoup\.parts|part_terms|parts-1|no_parts|order\.parts|/engine/parts|PartTerms"
    r"|PartInput|[Cc]ollecting in parts|least_share|count_max|at_expiry",
}


def files() -> list[tuple[str, str]]:
    found = (file for file in sorted(SOURCE.rglob("*")) if file.suffix in (".py", ".html", ".sql"))
    named = ((file.relative_to(SOURCE).as_posix(), file) for file in found)
    return [
        (name, file.read_text()) for name, file in named if not name.startswith("db/migrations/")
    ]  # the schema again


def test_few_files_know_a_feature() -> None:
    assert set(SIGNS) == {one.name for one in features() if one.folder}, "say by what each is known"
    for name, signs in SIGNS.items():
        known = [
            file
            for file, text in files()
            if not file.startswith(f"{name}/") and re.search(signs, text)
        ]
        assert len(known) <= KNOWN_TO_MAX, f"{name} is known to {known}"


def test_the_core_imports_no_feature() -> None:
    imports = re.compile(rf"^\s*(?:from|import) recoup\.(?:{'|'.join(SIGNS)})\b", re.MULTILINE)
    own = (*(f"{name}/" for name in SIGNS), "main/")  # which wires them
    assert [
        file for file, text in files() if not file.startswith(own) and imports.search(text)
    ] == []


def test_the_kit_stays_small() -> None:
    assert len((SOURCE / "kernel/feature.py").read_text().splitlines()) <= 150

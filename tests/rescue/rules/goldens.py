"""Sentences in every language against a golden file, a line each. `GOLDEN=write pytest FILE`
accepts a change."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from recoup.kernel.problem import noted
from recoup.kit.languages.catalogues import ENGLISH, languages
from recoup.kit.languages.said import said

FOLDER: Final = Path(__file__).parent / "golden"
TRANSLATED: Final = sorted({*languages()} - {ENGLISH})
ALL: Final = sorted({ENGLISH, *languages()})


def check_golden(name: str, language: str, sentences: Sequence[str]) -> None:
    """Against `golden/NAME.LANGUAGE.txt`."""
    text = "".join(f"{said(language, one, noted)}\n" for one in sentences)
    file = FOLDER / f"{name}.{language}.txt"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(text)
    assert text == file.read_text()

"""Keeps the portal's catalogues: what is said, in each language.

.venv/bin/python scripts/make_languages.py [--lacks de | --take de FILE]

Alone it drops what nobody says any more and tells how much lacks. `--lacks` prints that, a numbered
line each; `--take` takes lines with the same numbers, translated: `12<TAB>words`.
"""

import sys
from pathlib import Path
from typing import Final

import msgspec

from recoup.kit.languages.catalogues import Catalogue
from recoup.kit.languages.slots import faults
from recoup_languages import harvest

FOLDER: Final = Path(harvest.__file__).parent


def read(language: str) -> Catalogue:
    return msgspec.json.decode((FOLDER / f"{language}.json").read_bytes(), type=Catalogue)


def write(language: str, known: Catalogue) -> None:
    text = msgspec.json.format(msgspec.json.encode(known), indent=1)
    (FOLDER / f"{language}.json").write_bytes(text + b"\n")


def lacking(known: Catalogue) -> list[tuple[str, str]]:
    """(kind, message)"""
    return [("pages", one) for one in harvest.pages() if one not in known.pages] + [
        ("words", one) for one in harvest.words() if one not in known.words
    ]


def current(known: Catalogue) -> Catalogue:
    """In the order of the source, without what is said no more."""
    return msgspec.structs.replace(
        known,
        pages={one: known.pages[one] for one in harvest.pages() if one in known.pages},
        words={one: known.words[one] for one in harvest.words() if one in known.words},
    )


def take(language: str, lines: list[str]) -> int:
    """`12<TAB>words` each, numbered as `--lacks` did. Answers how many were refused."""
    known, refused = read(language), 0
    lacks = dict(enumerate(lacking(known), 1))
    for line in lines:
        number, _, words = line.partition("\t")
        if not number.strip().isdigit() or int(number) not in lacks:
            continue
        kind, message = lacks[int(number)]
        wrong = faults(message, words.strip())
        if wrong or not words.strip():
            refused += 1
            print(f"{number}\t{message}\n\t{words}\n\t{'; '.join(wrong) or 'empty'}")
        else:
            getattr(known, kind)[message] = words.strip()
    write(language, current(known))
    return refused


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--lacks"]:
        for number, (kind, message) in enumerate(lacking(read(arguments[1])), 1):
            print(f"{number}\t{kind}\t{message}")
        return 0
    if arguments[:1] == ["--take"]:
        return (
            1
            if take(arguments[1], Path(arguments[2]).read_text(encoding="utf-8").splitlines())
            else 0
        )
    for language in sorted(file.stem for file in FOLDER.glob("*.json")):
        write(language, current(read(language)))
        print(f"{language}: lacks {len(lacking(read(language)))}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

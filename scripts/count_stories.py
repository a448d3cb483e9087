"""Counts what somebody reads to explain a story: files, lines, words.

.venv/bin/python scripts/count_stories.py [PART [GIT_DIR COMMIT FOLDER]]

PART is one of `scripts/stories.toml`: `now` in this tree, another as it stands under FOLDER at
COMMIT of GIT_DIR:

scripts/count_stories.py polarsource/polar /path/to/polar/.git HEAD server/polar
"""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
STORIES: Final = ROOT / "scripts/stories.toml"


def stories(part: str) -> dict[str, list[str]]:
    """story -> its files, in order"""
    found: dict[str, list[str]] = tomllib.loads(STORIES.read_text())[part]
    return found


def text_of(file: str, where: list[str]) -> str:
    if not where:
        return (ROOT / "src/recoup" / file).read_text()
    git, commit, folder = where
    show = ["git", f"--git-dir={git}", "show", f"{commit}:{folder}/{file}"]
    return subprocess.run(show, check=True, capture_output=True, text=True).stdout


def main(arguments: list[str]) -> int:
    part, where = arguments[0] if arguments else "now", arguments[1:]
    print("| story | files | lines | words |\n|---|---|---|---|")
    for story, files in stories(part).items():
        texts = [text_of(file, where) for file in files]
        lines, words = (
            sum(len(cut(text)) for text in texts) for cut in (str.splitlines, str.split)
        )
        print(f"| {story} | {len(files)} | {lines:,} | {words:,} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

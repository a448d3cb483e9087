"""Storage of the keys: one file of mode 0600 in a folder of mode 0700."""

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from recoup.kernel.private_files import in_turn, write_whole
from recoup.kernel.problem import Problem
from recoup.outside.keys.material import Material, fresh, from_text, to_text, without, without_vault

FILE_NAME: Final = "keyring.json"
RETIRED: Final = (
    "keyring-retired.json"  # what was forgotten, for backups from its time; never read at a start
)


def load_or_create(folder: Path, *, vault: bool = True) -> Material:
    """The folder's keys; made when there are none yet, with those of cards or without. Of several
    processes that start at once one makes them. Raises: Problem(internal) when the file is open to
    others or unreadable."""
    if not (folder / FILE_NAME).exists():
        with in_turn(folder):
            if not (folder / FILE_NAME).exists():
                write_whole(folder / FILE_NAME, to_text(fresh(vault=vault)).encode())
    return load(folder)


def load(folder: Path) -> Material:
    path = folder / FILE_NAME
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Problem(
            "internal", f"The keys in {path} cannot be read.", "Check owner and mode."
        ) from None
    if mode & 0o077:
        raise Problem(
            "internal", f"The keys in {path} are open to others.", f"Run: chmod 600 {path}"
        )
    return from_text(text, str(path))


def change(folder: Path, how: Callable[[Material], Material]) -> Material:
    """Reads, changes and replaces the file while other processes wait. Returns the new keys."""
    with in_turn(folder):
        material = how(load(folder))
        write_whole(folder / FILE_NAME, to_text(material).encode())
    return material


def forget(folder: Path, gone: Collection[tuple[str, str]]) -> Material:
    """Moves those keys (purpose, id) to the file of the retired ones, which first has them. Returns
    the others. Raises: Problem(internal) when that file cannot be read: nothing is forgotten
    then."""
    return _retire(folder, lambda material: without(material, gone))


def forget_vault(folder: Path, *, keep: bool) -> Material:
    """Takes the keys of cards away; with `keep` to the file of the retired ones. That nothing needs
    them is the caller's to know. Raises: Problem(internal) when that file cannot be read: nothing
    is forgotten then."""
    return _retire(folder, without_vault) if keep else change(folder, without_vault)


def _retire(folder: Path, how: Callable[[Material], Material]) -> Material:
    with in_turn(folder):
        material = load(folder)
        left = how(material)
        kept, had = json.loads(to_text(left)), json.loads(to_text(material))
        dropped = {
            purpose: {
                key_id: secret
                for key_id, secret in keys.items()
                if key_id not in kept.get(purpose, {})
            }
            for purpose, keys in had.items()
        }
        retired = _retired(folder)
        for purpose, keys in dropped.items():
            if keys:
                retired[purpose] = retired.get(purpose, {}) | keys
        if any(dropped.values()):
            write_whole(folder / RETIRED, (json.dumps(retired, indent=2) + "\n").encode())
            write_whole(folder / FILE_NAME, to_text(left).encode())
    return left


def _retired(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / RETIRED
    try:
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError):
        kept = None
    if not isinstance(kept, dict) or not all(isinstance(keys, dict) for keys in kept.values()):
        raise Problem(
            "internal",
            f"The retired keys in {path} cannot be read.",
            "Restore it from the backup of the keys, or move it elsewhere and keep it.",
        )
    return kept

"""Secrets from files: `RECOUP_SMTP_PASSWORD_FILE` names the file that holds `RECOUP_SMTP_PASSWORD`,
and so do all other secrets, in variables and in the settings file. Read at start, and by the
successors that SIGHUP starts."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from recoup.kernel.problem import Problem, invalid

SECRET_BYTES_MAX: Final = 65_536
FILE: Final = "_FILE"


def read_secret(path: Path, name: str, *, lines: bool = False) -> str:
    """The file's text without the newline at its end. `lines`: it may have several. Raises:
    Problem(invalid), which names the file and repeats nothing of it."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o007 and not is_mounted(path):
                raise invalid(
                    f"{name}: any user of this machine can read {path}.", name, f"chmod o= {path}"
                )
            content = file.read(SECRET_BYTES_MAX + 1)
    except OSError as error:
        raise invalid(
            f"{name}: {path} cannot be read: {error.strerror}.",
            name,
            "Name a file that holds the secret, and that Recoup may read.",
        ) from None
    if len(content) > SECRET_BYTES_MAX:
        raise invalid(
            f"{name}: {path} has more than 64 KiB.", name, "Write the secret alone into it."
        )
    try:
        text = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        text = "\0"
    if not text.strip():
        raise invalid(
            f"{name}: {path} is empty.", name, "Write the secret into it, or remove the setting."
        )
    if not lines and not text.isprintable():
        raise invalid(
            f"{name}: {path} does not hold one line of text.",
            name,
            "Write the secret alone into it.",
        )
    return text


def is_mounted(path: Path) -> bool:
    """True when a container's runtime has put it there: such files are readable to all, and there
    is nobody else."""
    return any(os.path.ismount(place) for place in (path, *path.absolute().parents[:-1]))


def given_twice(name: str) -> Problem:
    return invalid(
        f"{name} and {name}{FILE if name.isupper() else '_file'} are both set.",
        name,
        "Remove one of them.",
    )


def secret_of(environment: Mapping[str, str], name: str, *, lines: bool = False) -> str:
    """The content of the variable, or of the file that `<name>_FILE` names; else empty. Raises:
    Problem(invalid)."""
    value, named = environment.get(name, ""), environment.get(name + FILE, "")
    if value and named:
        raise given_twice(name)
    return read_secret(Path(named), name + FILE, lines=lines) if named else value

"""The schema of a database as text that does not depend on the order in which it was made."""

import re
import subprocess
from typing import Final

from recoup.db.server.binaries import find_binaries

_SIMULATED: Final = ("issuer", "mock_channel", "mailbox")
_PARTITION: Final = re.compile(
    r"_(\d{4}_\d\d|first|default)(?=_|\b)"
)  # made by upkeep, by the hour


def schema_text(dsn: str) -> list[str]:
    """Its statements, sorted; the lines of each sorted too, but for functions."""
    without = [f"--exclude-schema={name}" for name in _SIMULATED]
    command = [
        find_binaries().folder / "pg_dump",
        "--schema-only",
        "--no-owner",
        "--restrict-key=same",
        *without,
        dsn,
    ]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    bare = "\n".join(
        line for line in found.splitlines() if line and not line.startswith(("--", "\\"))
    )
    return sorted(
        _sorted(part) for part in re.split(r";\n(?=[A-Z])", bare) if not _PARTITION.search(part)
    )


def _sorted(statement: str) -> str:
    if statement.startswith(("CREATE FUNCTION", "CREATE PROCEDURE")):
        return statement
    return "\n".join(sorted(line.rstrip(",") for line in statement.splitlines()))

"""Keeps the schema of a release for good, before its tag: `0001_schema.sql` of the first one, and
the checksums of all migrations that were not released yet. What was released before is not touched.

.venv/bin/python scripts/freeze.py
"""

import hashlib
from pathlib import Path

from recoup.db.migrate import FOLDER, RELEASED, schema_sql

ROOT = Path(__file__).resolve().parent.parent


def freeze(store: Path = FOLDER) -> list[Path]:
    """The files that were written."""
    written = []
    for database in ("people", "world"):
        folder = store / "migrations" / database
        folder.mkdir(parents=True, exist_ok=True)
        if not (first := folder / "0001_schema.sql").exists():
            first.write_text(schema_sql(database), encoding="utf-8")
            written.append(first)
        released = folder / RELEASED
        before = released.read_text().splitlines() if released.exists() else []
        known = {line.split()[1] for line in before}
        new = [path for path in sorted(folder.glob("*.sql")) if path.name not in known]
        if new:
            sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in new]
            released.write_text("\n".join([*before, *sums]) + "\n")
            written.append(released)
    return written


if __name__ == "__main__":
    for path in freeze():
        print(path.relative_to(ROOT))

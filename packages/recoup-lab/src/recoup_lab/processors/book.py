"""The stand-in's book on disk: its objects as JSON, newest first, and the answers kept under
idempotency keys."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

KEPT_FOR: Final = timedelta(hours=24)
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS objects (no INTEGER PRIMARY KEY, id TEXT UNIQUE, kind TEXT,
  created INTEGER, body TEXT);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, no DESC);
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, call TEXT, status INTEGER, body TEXT,
  at REAL);
"""


class Book:
    """Each `done` is on disk before the next call is answered. `kept_for`: how long it knows an
    idempotency key."""

    def __init__(self, path: Path | str, kept_for: timedelta = KEPT_FOR) -> None:
        self._kept_for = kept_for
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL;" + _SCHEMA)

    def close(self) -> None:
        self._db.close()

    def begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def done(self) -> None:
        self._db.execute("COMMIT")

    def undo(self) -> None:
        self._db.execute("ROLLBACK")

    def put(self, plain: dict[str, Any]) -> dict[str, Any]:
        self._db.execute(
            "INSERT INTO objects (id, kind, created, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body, kind = excluded.kind",
            (plain["id"], plain["object"], plain.get("created", 0), json.dumps(plain)),
        )
        return plain

    def get(self, kind: str, id: str) -> dict[str, Any] | None:
        row = self._db.execute(
            "SELECT body FROM objects WHERE id = ? AND kind = ?", (id, kind)
        ).fetchone()
        return dict(json.loads(row[0])) if row else None

    def count(self, kind: str) -> int:
        return int(
            self._db.execute("SELECT count(*) FROM objects WHERE kind = ?", (kind,)).fetchone()[0]
        )

    def all(self, kind: str) -> Iterator[dict[str, Any]]:
        """Newest first."""
        for (body,) in self._db.execute(
            "SELECT body FROM objects WHERE kind = ? ORDER BY no DESC", (kind,)
        ).fetchall():
            yield json.loads(body)

    def answered(self, key: str, now: float) -> tuple[str, int, str] | None:
        """The call, status and body that are kept under a key."""
        oldest = now - self._kept_for / timedelta(seconds=1)
        found = self._db.execute(
            "SELECT call, status, body FROM answers WHERE key = ? AND at > ?", (key, oldest)
        )
        row = found.fetchone()
        return (row[0], row[1], row[2]) if row else None

    def keep(self, key: str, call: str, status: int, body: str, now: float) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", (key, call, status, body, now)
        )

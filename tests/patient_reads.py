"""Lists and counts that take their time: what they hold is looked at, not how soon. On a machine
that stands still for 20 ms nothing is left out of a page."""

from typing import Final

import asyncpg
import pytest

from recoup.kit.lists import bounded

PATIENCE_MS: Final = 30_000
real = bounded.bound_statement


async def _patiently(connection: asyncpg.Connection, timeout_ms: int) -> None:
    await real(connection, max(timeout_ms, PATIENCE_MS))


@pytest.fixture(autouse=True)
def patient_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that look at the limits themselves have a fixture of this name that does nothing."""
    monkeypatch.setattr(bounded, "bound_statement", _patiently)

"""What every test of the store may count on."""

import pytest

from recoup.store.read import order_counts, orders

PATIENCE_MS = 30_000


@pytest.fixture(autouse=True)
def patient_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a search finds is looked at here, not how soon: a machine that stands still for 150 ms narrows none."""
    monkeypatch.setattr(orders, "SEARCH_TIMEOUT_MS", PATIENCE_MS)
    monkeypatch.setattr(orders, "WALK_TIMEOUT_MS", PATIENCE_MS)
    monkeypatch.setattr(order_counts, "EXACT_TIMEOUT_MS", PATIENCE_MS)

"""The same story on the bridge and on each connector, over HTTP: declined, tried again, approved,
held and captured, refunded in parts, disputed and won, reconciled to 0.00, while the stand-in
spoils one call in ten and the worker is killed with SIGKILL between any two of them.

Again: `pytest tests/prove/connectors/test_vendor_kills.py --timeout=0 -s`
"""

import asyncio
import os
from pathlib import Path

import pytest
from tests.kills.vendor_routes import ROUTES
from tests.kills.vendor_story import tell

from recoup.db.server import ServerAddress

ORDERS = int(os.environ.get("PROVE_VENDOR_ORDERS", "40"))
SEEDS = tuple(range(1, 1 + int(os.environ.get("PROVE_VENDOR_SEEDS", "2"))))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ROUTES)
def test_killed_between_any_two_calls_both_books_agree(
    server: ServerAddress, tmp_path: Path, kind: str, seed: int
) -> None:
    figures = asyncio.run(
        tell(server, ROUTES[kind](), tmp_path, orders=ORDERS, seed=seed, rest=(0.0, 1.0))
    )
    print("\n" + figures.text(kind))
    assert figures.charges == ORDERS
    assert figures.kills > ORDERS // 4
    assert figures.lost > ORDERS // 8

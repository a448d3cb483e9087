"""A rescue by a vendor, its worker killed with SIGKILL between calls; `tests/prove` has each kind of route."""

import asyncio
from pathlib import Path

import pytest
from tests.kills.vendor_routes import ROUTES
from tests.kills.vendor_story import tell

from recoup.store.server import ServerAddress

pytestmark = pytest.mark.prove("kills")


@pytest.mark.parametrize("kind", ["adyen"])
def test_a_worker_that_is_killed_leaves_one_charge_an_attempt_and_books_that_agree(
    server: ServerAddress, tmp_path: Path, kind: str
) -> None:
    figures = asyncio.run(tell(server, ROUTES[kind](), tmp_path, orders=4, seed=11, rest=(0.4, 2.0)))
    print(figures.text(kind))
    assert figures.kills > 1
    assert figures.charges == 4

from collections.abc import Iterator

import pytest
from tests.isolation.ground import Ground, opened_ground

from recoup.db.server import ServerAddress
from recoup.main.logs import start_logs


@pytest.fixture(scope="session")
def ground(server: ServerAddress) -> Iterator[Ground]:
    start_logs("critical")
    with opened_ground(server) as made:
        yield made

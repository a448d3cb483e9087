"""One world behind one door for all of a worker's tests here;
each test takes merchants of its own."""

from collections.abc import Iterator

import pytest
from tests.door import Caller, Door, opened_door

from recoup.db.server import ServerAddress
from recoup.main.logs import start_logs


@pytest.fixture(scope="session")
def door(server: ServerAddress) -> Iterator[Door]:
    start_logs("error")
    with opened_door(server) as door:
        yield door


@pytest.fixture
def shop(door: Door) -> Caller:
    return door.shop()


@pytest.fixture
def other(door: Door) -> Caller:
    return door.shop(name="Other & Sons")

"""One world behind one door for all of a worker's tests here;
each test takes merchants of its own."""

from collections.abc import Iterator

import pytest
from tests.stablecoin.door import Door, Merchant, opened_door

from recoup.db.server import ServerAddress
from recoup.main.logs import start_logs


@pytest.fixture(scope="session")
def stable_door(server: ServerAddress) -> Iterator[Door]:
    start_logs("error")
    with opened_door(server) as door:
        yield door


@pytest.fixture
def door(stable_door: Door) -> Door:
    return stable_door


@pytest.fixture
def merchant(door: Door) -> Merchant:
    return door.merchant()


@pytest.fixture
def other(door: Door) -> Merchant:
    return door.merchant(name="Other & Sons")

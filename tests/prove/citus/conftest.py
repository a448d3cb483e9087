"""Three servers with Citus, for a module."""

from collections.abc import Iterator

import pytest
from scripts.citus import NEEDS, Node, built, nodes

from recoup.db.server import ServerAddress


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    if built() is None:
        pytest.skip(NEEDS)
    with nodes(tmp_path_factory.mktemp("citus")) as made:
        yield made


@pytest.fixture(scope="module")
def servers(machines: list[Node]) -> list[ServerAddress]:
    return [node.address for node in machines]

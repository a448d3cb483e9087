"""A request as a sample shows it: its path, query and body hold the reader's variables as
`$NAME`."""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

from recoup.kernel.encode import encode, to_plain
from recoup.kernel.frozen import frozen
from recoup.kit.edge.described import Example, Operation
from recoup.kit.edge.dialect import Dialect
from recoup.kit.edge.example_values import NAME, Fresh, in_path


@frozen
class SampleRequest:
    """`body` None: none is sent. `status`: what the documented answer has. `bearer`: the variable
    of its token."""

    method: str
    path: str
    query: str
    body: Any
    proof: Literal["token", "signature", "none"]
    status: int
    bearer: str = "TOKEN"

    @property
    def variables(self) -> list[str]:
        """Variables that the reader has to know besides address and credential."""
        text = f"{self.path}?{self.query} {encode(self.body).decode()}"
        return list(dict.fromkeys(NAME.findall(text)))


def sample_request(dialect: Dialect, operation: Operation, fresh: Fresh) -> SampleRequest:
    """The request of the operation's first example; without one, the bare call."""
    example = (
        operation.examples[0]
        if operation.examples
        else Example("", status=min(operation.answers, default=200))
    )
    given = to_plain(example.request)
    query = _query(fresh, given) if operation.body is None and isinstance(given, Mapping) else ""
    return SampleRequest(
        operation.method.upper(),
        in_path(operation.path),
        query,
        fresh.in_body(given) if operation.body is not None else None,
        dialect.proof if operation.credential else "none",
        example.status,
        "PARTNER_TOKEN" if operation.credential == "partner" else "TOKEN",
    )


def _query(fresh: Fresh, given: Mapping[str, Any]) -> str:
    """A list repeats its name. A variable stays as it is: its value must be URL-safe."""
    pairs = []
    for name, value in fresh.in_body(given).items():
        for member in value if isinstance(value, list) else [value]:
            text = str(member).lower() if isinstance(member, bool) else str(member)
            pairs.append(f"{quote(name)}={text if NAME.fullmatch(text) else quote(text, safe='')}")
    return "&".join(pairs)

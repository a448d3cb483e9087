"""An operation of an API as its callers see it. The OpenAPI document, the reference and the
collection are made of these; the doors read bodies by the same Structs, so that documentation and
checks agree."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

import msgspec

from recoup.kernel.frozen import frozen
from recoup.kit.edge.json_body import TEXT_CHARS_MAX

ANY_KEY: Final = ""  # the scope of an operation that every key allows
JSON: Final = "application/json"
CSV: Final = "text/csv"
JSON_LINES: Final = "application/x-ndjson"


@frozen
class Example:
    """A request and its answer as they go over the wire; golden tests hold the answer's members."""

    name: str
    request: Any = None
    status: int = 200
    answer: Any = None


@frozen
class Operation:
    """`path` with `{name}` for variables, the door's prefix included. `body` and `query`: Structs
    whose fields (with the limits of their `msgspec.Meta` and the text below them) become JSON
    Schema; None where there is none. `answers`: status -> Struct of the answer, None for an empty
    one. `problems`: codes of the dialect's error table that this operation may give besides those
    that every call may. `types`: what an answer may be, JSON or a file; `takes`: what a body may
    be. `body_optional`: the body may be left out; None: where no field of it is required.
    `streams`: the body is read by what handles the call, piece by piece. `chars_max`: of each text
    of the body. `intake`: it only writes down what comes, or nothing, and goes on while the
    database is quarantined, as reads do. `lenient`: fields that the body does not know are named in
    `warnings` of the answer, as clients of the contract send more than is read; elsewhere they are
    refused. `keyed`: the header Idempotency-Key makes a repeat the same call. `deprecated`: goes
    on, and another call does better. `credential`: name of the door's security scheme, None for
    open calls; `scope`: the resource, or the whole scope, that the credential must allow, None for
    calls without one. `partners`: a partner's key may call it, too. `items`: the path to a list's
    records in its answer. `verb`: how the command line calls it, like `parcels show`; empty: it
    does not."""

    method: str
    path: str
    summary: str
    text: str = ""
    group: str = ""
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    answers: Mapping[int, type[msgspec.Struct] | None] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    types: tuple[str, ...] = (JSON,)
    takes: tuple[str, ...] = (JSON,)
    body_optional: bool | None = None
    streams: bool = False
    chars_max: int = TEXT_CHARS_MAX
    intake: bool = False
    lenient: bool = False
    keyed: bool = False
    deprecated: bool = False
    items: str = "data"
    credential: str | None = "bearer"
    scope: str | None = ANY_KEY
    partners: bool = False
    verb: str = ""
    examples: tuple[Example, ...] = ()

    @property
    def needs(self) -> str:
        """The scope in full: GET reads, the others write, unless it says."""
        scope = self.scope or ""
        return (
            scope
            if ":" in scope or not scope
            else f"{scope}:{'read' if self.method == 'GET' else 'write'}"
        )

"""An API as its readers see it: its operations, its errors, how a caller proves who it is. The
OpenAPI document, the reference and the collection are made of this."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from recoup.kernel.frozen import frozen
from recoup.kit.edge.described import Operation

VARIABLE = re.compile(r"\{([a-z_]+)\}")


@frozen
class ErrorRow:
    """`wire_code` is what clients branch on: six digits or a word. `sample`: the body as it is
    sent; `for_example`: a call that hears it, where one is named."""

    code: str
    status: int
    wire_code: str
    meaning: str
    cure: str
    sample: Any
    for_example: str = ""


@frozen
class Dialect:
    """`schemes`: OpenAPI security schemes by name. `credentials`: what `Operation.credential` may
    name -> the schemes that it asks for, one of the alternatives being enough. `always`: codes that
    any call may give, `when_known` those that a call with a credential may give. `error_schemas`:
    JSON Schema of an error's body by status, 0 for all others. `webhooks`: bodies by format;
    `words`: lists of words by the name that shapes refer to."""

    name: str
    title: str
    text: str
    prefix: str
    proof: Literal["token", "signature"]
    operations: Sequence[Operation]
    errors: Mapping[str, ErrorRow]
    always: Sequence[str]
    when_known: Sequence[str]
    schemes: Mapping[str, Any]
    credentials: Mapping[str, Sequence[Mapping[str, list[str]]]]
    error_schemas: Mapping[int, Any]
    webhooks: Mapping[str, type[Struct]]
    words: Mapping[str, Iterable[str]]

    def errors_of(self, operation: Operation) -> list[ErrorRow]:
        """Errors of an operation, its own first. Raises: KeyError for a code without a row."""
        known = self.when_known if operation.credential else ()
        return _once(self._row(code) for code in (*operation.problems, *known, *self.always))

    @property
    def error_table(self) -> list[ErrorRow]:
        """Errors by status, each word once."""
        return sorted(_once(self.errors.values()), key=lambda row: (row.status, row.wire_code))

    def _row(self, code: str) -> ErrorRow:
        """Row by our code, or by the code on the wire."""
        by_wire_code = (row for row in self.errors.values() if row.wire_code == code)
        return (
            self.errors[code]
            if code in self.errors
            else next(by_wire_code, None) or self.errors[code]
        )


def _once(rows: Iterable[ErrorRow]) -> list[ErrorRow]:
    """The first of those that say the same to the caller."""
    kept: dict[tuple[int, str], ErrorRow] = {}
    for row in rows:
        kept.setdefault((row.status, row.wire_code), row)
    return list(kept.values())


def words_of(operation: Operation) -> list[str]:
    """`POST /v1/orders/{id}/refund` -> post, orders, id, refund: the name that links, ids and files
    are made of."""
    steps = [step.strip("{}") for step in operation.path.split("/")]
    kept = [step for step in steps if step not in ("", "api", "v1")]
    return [operation.method.lower(), *kept]


def anchor_of(operation: Operation) -> str:
    return re.sub(r"[^a-z0-9]+", "-", "-".join(words_of(operation)).lower())


def variables_of(path: str) -> list[str]:
    return VARIABLE.findall(path)

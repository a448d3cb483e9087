"""Verbs of an API's operations, for those whose declaration names one: what is typed is sent
through the operation's own resource, by the operator, and the answer is printed."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import click
from msgspec import Struct, structs

from recoup.kernel.encode import encode
from recoup.kernel.scope import Actor
from recoup.kernel.unseen import shown_by_number
from recoup.keys.api.resource import Reply
from recoup.keys.api.v1_resource import Caller, Dialect, Method, Resource, Services
from recoup.keys.rules.key_scopes import CUSTOMERS, every
from recoup.kit.cli.command import Printed
from recoup.kit.cli.parameters import argument, option
from recoup.kit.edge.asgi import Receive, Scope
from recoup.kit.edge.field_texts import texts_of
from recoup.merchants.cli import AtMerchant, Opened, verb


@dataclass(frozen=True, slots=True)
class Operator(Caller):
    """The operator, who may do all that a merchant's key may."""

    @property
    def actor(self) -> Actor:
        return Actor("operator", "command")


class _CommandLine(Dialect):
    """The dialect of the API, where the operator calls for a merchant."""

    def __init__(self, at: Opened) -> None:
        super().__init__(Services(at.world, *at.services.given, url=at.url))
        scopes = frozenset(every("merchant")) - {CUSTOMERS}  # who looks at these is logged
        self._caller = Operator("command", at.merchant_id, scopes)

    async def authenticate(self, scope: Scope, receive: Receive) -> tuple[Caller, bytes]:
        return self._caller, b""


def add_verb(group: click.Group, method: Method) -> None:
    """Adds the verb of an operation, under the groups that its name has before its last word."""
    operation = method.operation
    *above, name = operation.verb.split()
    for word in above:
        made = group.commands.setdefault(word, click.Group(word))
        assert isinstance(made, click.Group)
        group = made
    variables = re.findall(r"\{(\w+)\}", operation.path)
    body, query = _fields(operation.body), _fields(operation.query)

    @verb(
        group,
        name,
        with_orders=operation.method == "GET",
        json="Output as one JSON object.",
        help=f"{operation.summary}. {operation.text}",
    )
    async def call(at: AtMerchant, **typed: Any) -> Printed | None:
        content = encode(_sent(body, typed))
        path = {name: typed[name] for name in variables}
        scope: Scope = {
            "type": "http",
            "method": operation.method,
            "path": operation.path.format(**path),
            "path_params": path,
            "query_string": urlencode(_sent(query, typed), doseq=True).encode(),
            "headers": [(b"content-length", b"%d" % len(content))],
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content}

        resource = Resource(_CommandLine(at), {operation.method: method})
        reply, _ = await resource.answer(scope, receive)
        return await _printed(reply)

    listed: list[click.Parameter] = [argument(name, str) for name in variables]
    for shape, fields in ((operation.body, body), (operation.query, query)):
        texts = texts_of(shape) if shape else {}
        for field in fields:  # the operation itself has the default of what is not typed
            of_field = option(field.name, field.type, *(() if field.required else (None,)))
            of_field.help = texts.get(field.name) or of_field.help
            listed.append(of_field)
    call.params[:0] = listed


def _fields(shape: type[Struct] | None) -> list[structs.FieldInfo]:
    """Fields that are typed: `mid` is what --merchant names."""
    return [field for field in structs.fields(shape) if field.name != "mid"] if shape else []


def _sent(fields: Sequence[structs.FieldInfo], typed: Mapping[str, Any]) -> dict[str, Any]:
    given = {field.encode_name: typed[field.name] for field in fields}
    return {name: value for name, value in given.items() if value not in (None, ())}


async def _printed(reply: Reply) -> Printed | None:
    if isinstance(reply.body, AsyncIterator):
        async for part in reply.body:
            click.echo(part, nl=False)
        return None
    content = encode(reply.body) if reply.body is not None else b"{}"
    answer = json.loads(content)
    units = ("Amounts are in minor units.",) if b'"currency' in content else ()
    return Printed(answer, (*_lines(answer), *units))


def _lines(answer: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """A line a value, by its dotted name; of a list, a table under the names of its columns."""
    for name, value in answer.items():
        match value:
            case dict():
                yield from _lines(value, f"{above}{name}.")
            case [dict(), *_]:
                yield f"{above}{name}:"
                yield from _table(value)
            case list():
                yield f"{above + name:22} {', '.join(map(_word, value)) or '-'}"
            case _ if value is not None and name != "success":
                yield f"{above + name:22} {_word(value)}"


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Columns that some row fills with a plain value; what is nested stands in --json."""
    names = dict.fromkeys(name for row in rows for name, value in row.items() if _word(value))
    lines = [list(names), *([_word(row.get(name)) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield "  ".join(map(str.ljust, line, widths)).rstrip()


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, dict | list):
        return ""
    return shown_by_number(" ".join(str(value).split()))

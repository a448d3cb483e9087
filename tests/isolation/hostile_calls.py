"""Every text that a call can bring to a route, each in its place: variables of the path, names and
values of the query, of a form, of a body and of headers.

Nothing of this is listed: an operation says its query and body (`kit/edge/described.py`), a page's
form its fields (`people/page/form_shape.py`); what a page reads of its query is noted while it is
called, what it reads of headers stands in the doors' source.
"""

import ast
import inspect
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal
from urllib.parse import quote, unquote, urlencode

import msgspec
from msgspec import inspect as mi
from starlette.datastructures import ImmutableMultiDict
from starlette.routing import Route
from tests.hostile import TEXTS
from tests.isolation.ground import Ground, Key, Side
from tests.isolation.table import Line
from tests.subjects import SOURCE, files_of

from recoup.kit.edge.asgi import App, Message, Scope
from recoup.networks.magic import script_card
from recoup.people.page.endpoint import COOKIE
from recoup.people.page.form_shape import readers_of
from recoup.people.page.pages import DECLARED

Where = Literal["path", "query", "form", "parts", "json", "body", "header", "file"]
APIS: Final = ("/v1", "/api/v1", "/inbound")
# Of the text as it is sent: a form has 64 KiB; of a longer path, parameter or header none is looked
# at.
BYTES: Final[dict[str, int]] = {"path": 1_000, "query": 32_000, "header": 8_000}
USUAL_BYTES: Final = 64_000
NEW: Final = ""  # the name of a slot whose name is the text
CARD: Final = script_card(
    "visa", "51", 0
)  # beside it: what has a card number is refused by its name


@dataclass(frozen=True)
class Slot:
    """`way`: the names that lead there, in a body; of others the last alone counts, `NEW` where it
    is the name."""

    where: Where
    way: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.where} {'.'.join(self.way) or 'name'}"


@dataclass
class Sent:
    """A call before it is written. `content`: of a body that is no form and no JSON."""

    method: str
    path: str
    ids: dict[str, str]
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    form: list[tuple[str, str]] | None = None
    parts: list[tuple[str, str]] | None = None
    body: Any = None
    content: bytes | None = None


def text_in(slot: Slot, name: str, size: int) -> str:
    """So much of it that it has about `size` bytes where it is sent."""
    sample = TEXTS[name](100)
    if slot.where in ("path", "query", "form"):
        each = len(quote(sample, safe="")) / 100
    else:
        each = len(sample.encode()) / 100
    return TEXTS[name](int(size / each))


def filled(sent: Sent, slot: Slot, text: str) -> Sent:
    """The call with the text in that slot."""
    made = deepcopy(sent)
    last = slot.way[-1] if slot.way else NEW
    pair = (text, CARD) if last == NEW else (last, text)
    if slot.where == "path":
        made.ids[last] = text
    elif slot.where == "query":
        made.query = [one for one in made.query if one[0] != pair[0]] + [pair]
    elif slot.where == "form":
        made.form = [one for one in made.form or [] if one[0] != pair[0]] + [pair]
    elif slot.where == "parts":
        made.parts = [one for one in made.parts or [] if one[0] != pair[0]] + [pair]
    elif slot.where == "header":
        made.headers[pair[0].strip() or "x"] = pair[1]
    elif slot.where == "body":
        made.content = text.encode()
    else:
        made.body = _placed(made.body if isinstance(made.body, dict) else {}, slot.way, text)
    return made


def _placed(body: dict[str, Any], way: tuple[str, ...], text: str) -> dict[str, Any]:
    *above, last = way
    here = body
    for name in above:
        inner = here.get(name)
        if isinstance(inner, list):
            inner = inner[0] if inner and isinstance(inner[0], dict) else {}
            here[name] = [inner]
        elif not isinstance(inner, dict):
            inner = here[name] = {}
        here = inner
    here[last or text] = text if last else CARD
    return body


def written(sent: Sent) -> tuple[str, bytes, bytes, list[tuple[bytes, bytes]]]:
    """Path as it is sent, query, body, headers."""
    path = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: quote(sent.ids[found[1]], safe=""), sent.path)
    headers, content = dict(sent.headers), b""
    if sent.content is not None:
        content = sent.content
        headers.setdefault("content-type", "application/json")
    elif sent.form is not None:
        content = urlencode(sent.form).encode()
        headers.setdefault("content-type", "application/x-www-form-urlencoded")
    elif sent.parts is not None:
        content = b"".join(_part(name, value) for name, value in sent.parts) + b"--cut--\r\n"
        headers.setdefault("content-type", "multipart/form-data; boundary=cut")
    elif sent.body is not None:
        content = json.dumps(sent.body, ensure_ascii=False).encode()
        headers.setdefault("content-type", "application/json")
    if content:
        headers["content-length"] = str(len(content))
    raw = [(_header(name).lower(), _header(value)) for name, value in headers.items()]
    return path, urlencode(sent.query).encode(), content, raw


def _part(name: str, value: str) -> bytes:
    filename = '; filename="w.csv"' if name == "file" else ""
    shown = name.replace("\r", " ").replace("\n", " ").replace('"', "%22")
    return (
        f'--cut\r\ncontent-disposition: form-data; name="{shown}"{filename}\r\n\r\n{value}\r\n'
    ).encode()


def _header(text: str) -> bytes:
    return text.encode().translate(
        bytes(32 if one < 32 or one == 127 else one for one in range(256))
    )


def ready(
    sent: Sent, sign: Callable[[str, str, str, bytes], Mapping[str, str]] | None = None
) -> tuple[Scope, bytes]:
    """The call as a server hands it on, and its body. `sign`: for a call whose proof is over its
    bytes."""
    path, query, content, headers = written(sent)
    if sign is not None:
        proof = sign(sent.method, path, query.decode(), content)
        headers += [(name.lower().encode(), value.encode()) for name, value in proof.items()]
    scope: Scope = {
        "type": "http",
        "method": sent.method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(b"host", b"door.test"), *headers],
        "scheme": "http",
        "client": ("192.0.2.7", 5000),
        "server": ("door.test", 80),
        "http_version": "1.1",
        "root_path": "",
    }
    return scope, content


async def asked(app: App, call: tuple[Scope, bytes]) -> int:
    """The status of the answer."""
    scope, content = call
    status, waiting = 0, [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(dict(scope), receive, send)
    return status


# which slots a route has
# ----------------------------------------------------------------------------------------------


def slots_of(route: Route, method: str, noted: Collection[str] = ()) -> list[Slot]:
    """`noted`: names of the query that the page read when it was called."""
    found = [Slot("path", (name,)) for name in route.param_convertors]
    found += [
        Slot("query", (name,)) for name in (NEW, *sorted(_query_of(route, method) | set(noted)))
    ]
    if method in ("GET", "DELETE"):
        return found
    if route.path.startswith(APIS):
        return [
            *found,
            *(Slot("json", way) for way in _ways(_body_of(route, method))),
            Slot("body", ()),
        ]
    kind: Where = "parts" if (method, route.path) in FILE_FORMS else "form"
    return [
        *found,
        *(Slot(kind, (name,)) for name in (NEW, *_fields_of(method, route.path))),
        Slot("body", ()),
    ]


def _operation(route: Route, method: str) -> Any:
    methods = getattr(getattr(route.app, "_signed", route.app), "_methods", {})
    return getattr(methods.get(method), "operation", None)


def _query_of(route: Route, method: str) -> set[str]:
    operation = _operation(route, method)
    query = operation.query if operation is not None else None
    return (
        {one.encode_name for one in msgspec.structs.fields(query)} if query is not None else set()
    )


def _body_of(route: Route, method: str) -> Any:
    operation = _operation(route, method)
    return operation.body if operation is not None else None


def _ways(shape: Any) -> Iterator[tuple[str, ...]]:
    """To each field of a body, and to a new one beside it."""
    yield (NEW,)
    if shape is None:
        line = ("id", "order", "kind", "stage", "method", "tokenId", "noticeId", "signalId")
        yield from ((name,) for name in line)
        return
    for one in mi.type_info(shape).fields:  # type: ignore[attr-defined]
        yield (one.encode_name,)
        if (inner := _struct(one.type)) is not None:
            yield from ((one.encode_name, *way) for way in _ways(inner))
        elif isinstance(one.type, mi.DictType):
            yield (one.encode_name, NEW)


def _struct(kind: mi.Type) -> Any:
    match kind:
        case mi.StructType():
            return kind.cls
        case mi.Metadata():
            return _struct(kind.type)
        case mi.ListType():
            return _struct(kind.item_type)
        case mi.UnionType():
            return next((found for one in kind.types if (found := _struct(one)) is not None), None)
    return None


@cache
def _declared() -> dict[Key, frozenset[str]]:
    """Of each form of the portal its fields."""
    found = {}
    for one in DECLARED:
        if one.method == "POST":
            inside = inspect.getclosurevars(one.work).nonlocals
            names = frozenset(
                name.removesuffix("_") for name in readers_of(inside["shape"] or inside["work"])
            )
            found["POST", one.path] = found["POST", f"/partner{one.path}"] = names | {"csrf"}
    return found


@cache
def _written_in_pages() -> frozenset[str]:
    """Names of the fields of payers' forms."""
    files = SOURCE.glob("*/payer/*.html")
    return frozenset(
        name for file in files for name in re.findall(r'\bname="(\w+)"', file.read_text())
    )


def _fields_of(method: str, path: str) -> list[str]:
    return sorted(_declared().get((method, path)) or _written_in_pages())


FILE_FORMS: Final = {
    ("POST", path)
    for path in (
        "/reconciliation/files",
        "/uploads",
        "/imports",
        "/applications/{application_id}/documents",
        "/disputes/{dispute_id}/files",
    )
}


@cache
def headers_read() -> list[str]:
    """Names of the headers that the doors read, as their source has them."""
    found = {"cookie"}
    for file in [*files_of("api", "page"), *(SOURCE / "orders/rules").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = ast.unparse(node.func)
            literals = [one.value for one in node.args if isinstance(one, ast.Constant)]
            if called.endswith(("header", "text", "headers.get", "first.get")):
                found |= {_text(one) for one in literals if isinstance(one, str | bytes)}
    return sorted(
        name for name in found if re.fullmatch(r"[a-z-]{2,40}", name) and name != "content-length"
    )


def _text(name: str | bytes) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else name


class Noting:
    """What is asked of queries and forms while it is open."""

    names: set[str]

    def __enter__(self) -> "Noting":
        self.names, self._before = set(), {}
        for method in ("__getitem__", "__contains__", "getlist", "get"):
            self._before[method] = getattr(ImmutableMultiDict, method)
            setattr(ImmutableMultiDict, method, self._note(self._before[method]))
        return self

    def _note(self, real: Any) -> Any:
        def read(whole: Any, name: Any, *more: Any) -> Any:
            self.names.add(name)
            return real(whole, name, *more)

        return read

    def __exit__(self, *_: object) -> None:
        for method, real in self._before.items():
            setattr(ImmutableMultiDict, method, real)


# who calls
# --------------------------------------------------------------------------------------------------


def sent_by(
    ground: Ground, side: Side, key: Key, line: Line, session: tuple[str, str] | None
) -> Sent:
    """The call of the line, by the rightful caller, or with None by nobody."""
    ids = side.ids | {word: word for word in ("sandbox", "sites", "csv", "jsonl", "week")}
    named = {name: ids[kind.removeprefix("forged ")] for name, kind in line.ids.items()}
    query = [tuple(one.split("=", 1)) for one in line.query.split("&") if one]
    made = Sent(key[0], key[1], named, query)  # type: ignore[arg-type]
    body = line.body(side) if line.body else {}
    if key[0] not in ("GET", "DELETE"):
        if key[1].startswith(APIS):
            made.body = body
        else:
            pairs = [
                (name, str(value))
                for name, value in (body | {"csrf": session[1] if session else ""}).items()
            ]
            if key in FILE_FORMS:
                made.parts = [*pairs, ("file", "id\n")]
            else:
                made.form = pairs
    if not key[1].startswith(APIS):
        made.headers["accept"] = "text/html"
    if session is not None:
        if line.whose == "merchant":
            made.headers |= side.caller.headers
        elif line.whose == "partner":
            made.headers |= side.partner.headers
        elif line.whose in ("owner", "operator", "seat"):
            made.headers["cookie"] = f"{COOKIE}={session[0]}"
    return made

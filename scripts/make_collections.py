"""Writes the collections for Postman and Bruno, from the calls that the documentation shows as
samples.

.venv/bin/python scripts/make_collections.py [--check]

`--check` writes nothing and ends with 1 when one is not current.
"""

import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from recoup.docs.reference import Shown, make_reference
from recoup.docs.samples.literal import JSON_WORDS, Literals
from recoup.docs.samples.request import SampleRequest, sample_request
from recoup.kit.edge.dialect import Dialect
from recoup.kit.edge.example_values import NAME, Fresh
from recoup.main.docs import dialects

ROOT: Final = Path(__file__).resolve().parent.parent
HOME: Final = ROOT / "src/recoup/docs/static"
SCRIPTS: Final = ROOT / "scripts/collections"
SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
FRESH: Final = Fresh("$NUMBER", "$NOW", "$EXPIRY")
# As `recoup bootstrap`, sign-up and the samples of the documentation name them.
KEYS: Final = (
    "BASE",
    "APP_KEY",
    "APP_SECRET",
    "PARTNER_APP_KEY",
    "PARTNER_APP_SECRET",
    "STABLECOIN_KEY_ID",
    "STABLECOIN_SECRET",
    "MID",
    "SITE_ID",
    "TOKENIZATION_KEY",
)
_BEGUN: Final = (1980, 1, 1, 0, 0, 0)  # the same file of the same calls


class Sent(NamedTuple):
    """One call, its variables in braces."""

    name: str
    text: str
    request: SampleRequest
    url: str
    body: str | None


def main(check: bool = False) -> int:
    stale = []
    for name, content in (
        ("recoup.postman_collection.json", postman()),
        ("recoup-bruno.zip", bruno()),
    ):
        path = HOME / name
        if not path.exists() or path.read_bytes() != content:
            stale.append(name)
            if not check:
                path.write_bytes(content)
    print(f"{'not current' if check else 'written'}: {', '.join(stale) or 'none'}")
    return 1 if stale and check else 0


def _calls(dialect: Dialect) -> Iterator[tuple[str, list[Sent]]]:
    """The operations by group, in the order of the documentation."""
    for group, several in make_reference(dialect, "0").groups.items():
        yield group, [_sent(dialect, one) for one in several]


def _sent(dialect: Dialect, shown: Shown) -> Sent:
    request = sample_request(dialect, shown.operation, FRESH)
    query = f"?{request.query}" if request.query else ""
    body = None
    if request.body is not None:
        body = _in_braces(Literals(JSON_WORDS, lambda name: f'"${name}"', "  ").write(request.body))
    return Sent(
        shown.operation.summary,
        shown.operation.text,
        request,
        "{{BASE}}" + _in_braces(request.path + query.replace("%24", "$")),
        body,
    )


def _in_braces(text: str) -> str:
    return NAME.sub(r"{{\1}}", text)


def _script(name: str, kind: str) -> str:
    return (SCRIPTS / f"{name}.{kind}.js").read_text(encoding="utf-8").rstrip()


# Postman
# --------------------------------------------------------------------------------------------------


def postman() -> bytes:
    made: dict[str, Any] = {
        "info": {
            "_postman_id": "7ec009c0-5a1e-4d0c-b0c5-c011ec7105b5",
            "name": "Recoup",
            "description": "Both APIs of a Recoup. Set the variables of the collection; it signs "
            "in by itself.",
            "schema": SCHEMA,
        },
        "item": [_folder(dialect) for dialect in dialects()],
        "variable": [
            {"key": name, "value": "http://127.0.0.1:8400" if name == "BASE" else ""}
            for name in _names()
        ],
    }
    return (json.dumps(made, indent=1, ensure_ascii=False) + "\n").encode()


def _names() -> list[str]:
    found = dict.fromkeys(KEYS)
    for dialect in dialects():
        for _, calls in _calls(dialect):
            found |= dict.fromkeys(
                re.findall(r"\{\{([A-Z_]+)\}\}", " ".join(f"{one.url} {one.body}" for one in calls))
            )
    return list(found)


def _folder(dialect: Dialect) -> dict[str, Any]:
    when = {"prerequest": dialect.name, "test": "ids"}
    return {
        "name": dialect.title,
        "item": [
            {"name": group, "item": [_item(one) for one in calls]}
            for group, calls in _calls(dialect)
        ],
        "auth": _bearer("TOKEN") if dialect.proof == "token" else {"type": "noauth"},
        "event": [
            {"listen": listen, "script": _run(_script(name, "postman"))}
            for listen, name in when.items()
        ],
    }


def _run(script: str) -> dict[str, Any]:
    return {"type": "text/javascript", "exec": script.split("\n")}


def _bearer(name: str) -> dict[str, Any]:
    return {
        "type": "bearer",
        "bearer": [{"key": "token", "value": "{{" + name + "}}", "type": "string"}],
    }


def _item(one: Sent) -> dict[str, Any]:
    path, _, query = one.url.removeprefix("{{BASE}}/").partition("?")
    url: dict[str, Any] = {"raw": one.url, "host": ["{{BASE}}"], "path": path.split("/")}
    if query:
        pairs = (pair.partition("=") for pair in query.split("&"))
        url["query"] = [{"key": key, "value": value} for key, _, value in pairs]
    request: dict[str, Any] = {
        "method": one.request.method,
        "header": [],
        "url": url,
        "description": one.text,
    }
    if one.body is not None:
        request["header"].append({"key": "Content-Type", "value": "application/json"})
        request["body"] = {"mode": "raw", "raw": one.body, "options": {"raw": {"language": "json"}}}
    if one.request.proof == "none":
        request["auth"] = {"type": "noauth"}
    elif one.request.bearer != "TOKEN":
        request["auth"] = _bearer(one.request.bearer)
    return {"name": one.name, "request": request, "response": []}


# Bruno
# --------------------------------------------------------------------------------------------------


def bruno() -> bytes:
    files = {
        "bruno.json": json.dumps({"version": "1", "name": "Recoup", "type": "collection"}, indent=2)
        + "\n",
        "environments/Recoup.bru": _block(
            "vars", {name: "http://127.0.0.1:8400" if name == "BASE" else "" for name in _names()}
        ),
    }
    for dialect in dialects():
        files |= _folder_of_bruno(dialect)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(f"recoup/{name}", _BEGUN)
            info.compress_type = zipfile.ZIP_STORED  # another zlib would make another file
            archive.writestr(info, text)
    return held.getvalue()


def _folder_of_bruno(dialect: Dialect) -> dict[str, str]:
    auth = "bearer" if dialect.proof == "token" else "none"
    head = _block("meta", {"name": dialect.title}) + "\n" + _block("auth", {"mode": auth}) + "\n"
    if auth == "bearer":
        head += _block("auth:bearer", {"token": "{{TOKEN}}"}) + "\n"
    scripts = [
        _text("script:pre-request", _script(dialect.name, "bruno")),
        _text("script:post-response", _script("ids", "bruno")),
    ]
    files = {f"{dialect.name}/folder.bru": head + "\n".join(scripts)}
    for place, (group, calls) in enumerate(_calls(dialect), 1):
        folder = f"{dialect.name}/{_file(group)}"
        files[f"{folder}/folder.bru"] = _block("meta", {"name": group, "seq": place})
        for number, one in enumerate(calls, 1):
            files[f"{folder}/{number:02} {_file(one.name)}.bru"] = _request(one, number)
    return files


def _request(one: Sent, number: int) -> str:
    auth = {"none": "none", "signature": "none"}.get(one.request.proof, "inherit")
    partner = auth == "inherit" and one.request.bearer != "TOKEN"
    method = {
        "url": one.url,
        "body": "text" if one.body is not None else "none",
        "auth": "bearer" if partner else auth,
    }
    parts = [
        _block("meta", {"name": one.name, "type": "http", "seq": number}),
        _block(one.request.method.lower(), method),
    ]
    _, _, query = one.url.partition("?")
    if query:
        pairs = (pair.partition("=") for pair in query.split("&"))
        parts.append(
            "params:query {\n" + "".join(f"  {key}: {value}\n" for key, _, value in pairs) + "}\n"
        )
    if one.body is not None:
        parts.append(_block("headers", {"Content-Type": "application/json"}))
    if partner:
        parts.append(_block("auth:bearer", {"token": "{{" + one.request.bearer + "}}"}))
    if one.body is not None:
        parts.append(_text("body:text", one.body))
    if one.text:
        parts.append(_text("docs", one.text))
    return "\n".join(parts)


def _block(name: str, values: Mapping[str, object]) -> str:
    return (
        f"{name} {{\n"
        + "".join(f"  {key}: {value}".rstrip() + "\n" for key, value in values.items())
        + "}\n"
    )


def _text(name: str, text: str) -> str:
    return (
        f"{name} {{\n" + "".join(f"  {line}".rstrip() + "\n" for line in text.split("\n")) + "}\n"
    )


def _file(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", " ", name).strip()


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))

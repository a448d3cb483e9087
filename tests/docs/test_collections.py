"""The collections for Postman and Bruno: of every call, current,
and what either program can open."""

import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.docs.running import ROOT

from recoup.docs.routes import SETUP, STATIC
from recoup.main.docs import dialects
from recoup.onboarding.page.shell import _MERCHANT

SCHEMA = json.loads(
    Path(__file__).with_name("data").joinpath("postman-collection-2.1.0.json").read_text()
)
CALLS = {
    (one.method.upper(), re.sub(r"\{[^}]+\}", "{}", one.path))
    for d in dialects()
    for one in d.operations
}
TAGS = {
    "meta",
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "params:query",
    "headers",
    "auth",
    "auth:bearer",
    "body:text",
    "docs",
    "script:pre-request",
    "script:post-response",
    "vars",
}


@pytest.fixture(scope="module")
def postman() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(STATIC["recoup.postman_collection.json"].read_text())
    return found


@pytest.fixture(scope="module")
def bruno() -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(STATIC["recoup-bruno.zip"].read_bytes())) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def requests_of(folder: dict[str, Any]) -> list[dict[str, Any]]:
    if "request" in folder:
        return [folder["request"]]
    return [one for inner in folder["item"] for one in requests_of(inner)]


def called(method: str, url: str) -> tuple[str, str]:
    return method, re.sub(r"\{\{\w+\}\}", "{}", url.partition("?")[0].removeprefix("{{BASE}}"))


def test_the_collections_are_current() -> None:
    command = [sys.executable, "scripts/make_collections.py", "--check"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, f"run scripts/make_collections.py: {ran.stdout}{ran.stderr}"


def test_postmans_schema_takes_the_collection(postman: dict[str, Any]) -> None:
    schema = jsonschema.Draft7Validator(SCHEMA)
    assert [error.message for error in schema.iter_errors(postman)] == []
    wrong = json.loads(json.dumps(postman))
    requests_of(wrong)[0]["url"] = 5
    assert list(schema.iter_errors(wrong)), "a schema that takes everything proves nothing"


def test_both_have_every_call_and_the_names_that_sign_up_prints(
    postman: dict[str, Any], bruno: dict[str, str]
) -> None:
    assert {called(one["method"], one["url"]["raw"]) for one in requests_of(postman)} == CALLS
    found = [
        re.search(r"^(get|post|put|patch|delete) \{\n  url: (\S+)$", text, re.M)
        for text in bruno.values()
    ]
    assert {called(one[1].upper(), one[2]) for one in found if one} == CALLS
    names = {one["key"] for one in postman["variable"]}
    needed = {"BASE", *map(str.upper, _MERCHANT)} - {"WEBHOOK_KEY", "STABLECOIN_WEBHOOK_SECRET"}
    assert needed <= names
    used = set(re.findall(r"\{\{([A-Z_]+)\}\}", json.dumps(postman["item"])))
    assert used - {"TOKEN", "PARTNER_TOKEN"} <= names
    assert all(f'"{name}"' not in SETUP for name in names - {"BASE"}), "no name of its own"
    assert set(re.findall(r"^  (\w+):", bruno["recoup/environments/Recoup.bru"], re.M)) == names


def test_bodies_are_json_and_secrets_are_none(postman: dict[str, Any]) -> None:
    for one in requests_of(postman):
        if "body" in one:
            json.loads(one["body"]["raw"])
    filled = {one["key"]: one["value"] for one in postman["variable"] if one["value"]}
    assert filled == {"BASE": "http://127.0.0.1:8400"}


def blocks_of(text: str) -> dict[str, list[str]]:
    """The blocks of a file of Bruno: `name {`, lines that begin with two blanks, `}`. Source:
    docs.usebruno.com (Bru Lang) and the grammar of @usebruno/lang 0.39.0, which parsed all files on
    2026-11-30. Raises: ValueError."""
    found: dict[str, list[str]] = {}
    inside: list[str] | None = None
    for line in text.splitlines():
        if inside is None and (head := re.fullmatch(r"([a-z:-]+) \{", line)):
            inside = found.setdefault(head[1], [])
        elif inside is not None and line == "}":
            inside = None
        elif inside is not None and (line.startswith("  ") or not line):
            inside.append(line[2:])
        elif line or inside is not None:
            raise ValueError(line)
    if inside is not None:
        raise ValueError("a block without an end")
    return found


def test_brunos_grammar_takes_every_file(bruno: dict[str, str]) -> None:
    assert json.loads(bruno.pop("recoup/bruno.json"))["type"] == "collection"
    for name, text in bruno.items():
        blocks = blocks_of(text)
        assert set(blocks) <= TAGS, name
        for tag in set(blocks) - {
            "body:text",
            "docs",
            "script:pre-request",
            "script:post-response",
        }:
            assert all(re.fullmatch(r"[\w:.-]+: ?.*", line) for line in blocks[tag]), (name, tag)
    with pytest.raises(ValueError, match="without an end"):
        blocks_of("meta {\n  name: A\n")

"""The first-party snippet in a bare JavaScript engine: one key a visit, in the forms that want it,
and no call out."""

import json
import subprocess
from pathlib import Path

import playwright

from recoup.kernel.ids import parse_id

NODE = str(Path(playwright.__file__).parent / "driver/node")
SCRIPT = Path(__file__).resolve().parents[2] / "src/recoup/docs/static/sense.js"
PAGE = """
const kept = new Map(Object.entries(JSON.parse(process.argv[2])));
const put = (form) => Object.assign(form,
  { appendChild: (field) => (form.elements.senseKey = field) });
const forms = [0, 1].map(() => put({ elements: {} }));
const refused = () => { throw new Error("storage is off"); };
const storage = process.argv[3] === "off" ? { getItem: refused, setItem: refused }
  : { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value) };
const calls = () => { throw new Error("it calls out"); };
for (const name of ["fetch", "XMLHttpRequest", "WebSocket"]) globalThis[name] = calls;
globalThis.sessionStorage = storage;
globalThis.document = { createElement: () => ({}), querySelectorAll: () => forms };
await import(process.argv[1]);
const fields = forms.map((form) => form.elements.senseKey);
console.log(JSON.stringify({ key: recoupSense.key, fields, kept: [...kept] }));
"""


def visited(kept: dict[str, str], storage: str = "on") -> dict[str, object]:
    command = [NODE, "--input-type=module", "-e", PAGE, SCRIPT.as_uri(), json.dumps(kept), storage]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, object] = json.loads(ran.stdout)
    return found


def test_a_visit_has_one_key_in_every_form() -> None:
    first = visited({})
    key = str(first["key"])
    assert parse_id(key)
    assert first["fields"] == [{"type": "hidden", "name": "senseKey", "value": key}] * 2
    assert first["kept"] == [["recoup-sense-key", key]]
    assert visited({"recoup-sense-key": key})["key"] == key
    assert visited({})["key"] != key


def test_what_somebody_else_kept_there_is_not_sent() -> None:
    assert visited({"recoup-sense-key": "<script>"})["key"] != "<script>"


def test_a_browser_that_keeps_nothing_still_has_a_key() -> None:
    assert parse_id(str(visited({}, "off")["key"]))

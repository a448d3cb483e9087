"""For Node 18 and newer, as a module (`.mjs`)."""

from typing import Final

from recoup.doors.docs.samples.literal import JSON_WORDS, Literals
from recoup.doors.docs.samples.request import SampleRequest
from recoup.doors.edge.example_values import NAME

_LITERALS: Final = Literals(JSON_WORDS, lambda name: f"process.env.{name}", "  ")


def javascript(request: SampleRequest) -> str:
    return _signed(request) if request.proof == "signature" else _plain(request)


def _plain(request: SampleRequest) -> str:
    headers = []
    if request.proof == "token":
        headers.append(f"    Authorization: `Bearer ${{process.env.{request.bearer}}}`,")
    if request.body is not None:
        headers.append('    "Content-Type": "application/json",')
    options = [f'  method: "{request.method}",']
    if headers:
        options += ["  headers: {", *headers, "  },"]
    if request.body is not None:
        options.append(f"  body: JSON.stringify({_LITERALS.write(request.body, '  ')}),")
    target = request.path + (f"?{request.query}" if request.query else "")
    url = _text("${process.env.BASE}" + target)
    return "\n".join([f"const answer = await fetch({url}, {{", *options, "});", _PRINT])


def _signed(request: SampleRequest) -> str:
    body = '""' if request.body is None else f"JSON.stringify({_LITERALS.write(request.body)})"
    url = "process.env.BASE + path" + (' + "?" + query' if request.query else "")
    lines = [
        'import { createHash, createHmac } from "node:crypto";',
        "",
        f'const method = "{request.method}", path = {_text(request.path)}, query = {_text(request.query)};',
        f"const body = {body};",
        "const stamp = String(Math.floor(Date.now() / 1000));",
        'const sorted = query.split("&").sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).join("&");',
        'const digest = createHash("sha256").update(body).digest("hex");',
        'const told = [method, path, sorted, stamp, digest].join("\\n");',
        'const signature = createHmac("sha256", process.env.SECRET).update(told).digest("hex");',
        "",
        f"const answer = await fetch({url}, {{",
        "  method,",
        "  headers: {",
        '    "X-Api-Key": process.env.KEY_ID,',
        '    "X-Timestamp": stamp,',
        '    "X-Signature": signature,',
        *(['    "Content-Type": "application/json",'] if request.body is not None else []),
        "  },",
        *(["  body,"] if request.body is not None else []),
        "});",
        _PRINT,
    ]
    return "\n".join(lines)


_PRINT: Final = "console.log(answer.status, await answer.text());"


def _text(text: str) -> str:
    made = NAME.sub(lambda found: f"${{process.env.{found[1]}}}", text)
    return f"`{made}`" if "${" in made else f'"{made}"'

"""Samples for Python with httpx."""

from typing import Final

from recoup.docs.samples.literal import Literals
from recoup.docs.samples.request import SampleRequest
from recoup.kit.edge.example_values import NAME

_LITERALS: Final = Literals(
    {None: "None", True: "True", False: "False"}, lambda name: f'os.environ["{name}"]', "    "
)


def python(request: SampleRequest) -> str:
    return _signed(request) if request.proof == "signature" else _plain(request)


def _plain(request: SampleRequest) -> str:
    lines = ["import os", "", "import httpx", "", 'base = os.environ["BASE"]']
    arguments = [f'"{request.method}"', _text(f"{{base}}{_target(request)}")]
    if request.proof == "token":
        lines.append(
            f"""headers = {{"Authorization": f"Bearer {{os.environ['{request.bearer}']}}"}}"""
        )
        arguments.append("headers=headers")
    if request.body is not None:
        lines.append(f"body = {_LITERALS.write(request.body)}")
        arguments.append("json=body")
    lines += [
        f"answer = httpx.request({', '.join(arguments)})",
        "print(answer.status_code, answer.text)",
    ]
    return "\n".join(lines)


def _signed(request: SampleRequest) -> str:
    body = '""' if request.body is None else f"json.dumps({_LITERALS.write(request.body)})"
    lines = [
        "import hashlib",
        "import hmac",
        *(["import json"] if request.body is not None else []),
        "import os",
        "from time import time",
        "",
        "import httpx",
        "",
        f'method, path, query = "{request.method}", {_text(request.path)}, {_text(request.query)}',
        f"body = {body}",
        "stamp = str(int(time()))",
        'sorted_query = "&".join(sorted(query.split("&"), key=str.encode))',
        "digest = hashlib.sha256(body.encode()).hexdigest()",
        'told = "\\n".join([method, path, sorted_query, stamp, digest])',
        (
            'signature = hmac.new(os.environ["STABLECOIN_SECRET"].encode(), told.encode(), '
            "hashlib.sha256).hexdigest()"
        ),
        "",
        "headers = {",
        '    "X-Api-Key": os.environ["STABLECOIN_KEY_ID"],',
        '    "X-Timestamp": stamp,',
        '    "X-Signature": signature,',
        *(['    "Content-Type": "application/json",'] if request.body is not None else []),
        "}",
        'url = os.environ["BASE"] + path' + (' + "?" + query' if request.query else ""),
        "answer = httpx.request(method, url, headers=headers, content=body)",
        "print(answer.status_code, answer.text)",
    ]
    return "\n".join(lines)


def _target(request: SampleRequest) -> str:
    return request.path + (f"?{request.query}" if request.query else "")


def _text(text: str) -> str:
    """A string; an f-string where it holds a variable or `{base}`."""
    made = NAME.sub(lambda match: f"{{os.environ['{match[1]}']}}", text)
    return f'f"{made}"' if made != text or "{" in text else f'"{text}"'

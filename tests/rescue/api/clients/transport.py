"""How these clients speak HTTP: a new connection for each call,
the path exactly as they build it."""

import json
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any


@dataclass(frozen=True)
class Heard:
    """`body`: parsed JSON, or the text where it is none."""

    status: int
    body: Any
    text: str


def call(port: int, method: str, path: str, headers: dict[str, str], body: Any = None) -> Heard:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        sent = json.dumps(body) if body is not None else None
        connection.request(method, path, body=sent, headers={"Connection": "close", **headers})
        answer = connection.getresponse()
        text = answer.read().decode()
        try:
            return Heard(answer.status, json.loads(text), text)
        except ValueError:
            return Heard(answer.status, None, text)
    finally:
        connection.close()


@dataclass(frozen=True)
class Credentials:
    """What a merchant hands to its integrator."""

    app_key: str
    app_secret: str
    mid: str
    site_id: str
    environment: str


@dataclass(frozen=True)
class Card:
    number: str
    month: int
    year: int
    code: str
    name: str = "Ana Roe"

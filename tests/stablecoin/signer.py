"""A merchant's client, written from the published contract alone: it shares no line with `src`."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any


def signature(secret: str, method: str, path: str, query: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over five lines; the query's parts sorted by their bytes as they are."""
    parts = sorted(query.encode("utf-8").split(b"&"))
    lines = [
        method.upper().encode(),
        path.encode(),
        b"&".join(parts),
        timestamp.encode(),
        hashlib.sha256(body).hexdigest().encode(),
    ]
    return hmac.new(secret.encode("utf-8"), b"\n".join(lines), hashlib.sha256).hexdigest()


@dataclass
class Signer:
    """`stamp` is advanced so that two equal calls in one second do not carry one signature."""

    key_id: str
    secret: str
    used: set[str] = field(default_factory=set)

    def headers(
        self, method: str, path: str, query: str = "", body: bytes = b"", *, at: int | None = None
    ) -> dict[str, str]:
        seconds = int(time.time()) if at is None else at
        while True:
            timestamp = str(seconds)
            made = signature(self.secret, method, path, query, timestamp, body)
            if at is not None or made not in self.used:
                break
            seconds -= 1
        self.used.add(made)
        return {"X-Api-Key": self.key_id, "X-Timestamp": timestamp, "X-Signature": made}


def written(body: Any) -> bytes:
    return json.dumps(body).encode() if body is not None else b""

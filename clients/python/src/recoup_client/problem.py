"""What a refusal says, in whichever of the dialects' shapes it came."""

from typing import Any

import httpx


class RecoupError(Exception):
    """`code`: six digits in the rescue API, a word in the stablecoin API. `fields`: name -> complaints."""

    def __init__(self, status: int, code: str, message: str, fields: dict[str, list[str]], request_id: str) -> None:
        super().__init__(f"{status} {message}" + (f" ({request_id})" if request_id else ""))
        self.status, self.code, self.message = status, code, message
        self.fields, self.request_id = fields, request_id


def told(response: httpx.Response) -> dict[str, Any]:
    """The arguments of `RecoupError`."""
    try:
        body = response.json()
    except ValueError:
        body = None
    body = body if isinstance(body, dict) else {}
    error = body.get("error")
    code, message = response.headers.get("x-recoup-code") or body.get("statusCode"), body.get("result")
    fields: dict[str, list[str]] = {}
    if isinstance(error, dict):  # the stablecoin API
        code, message = error.get("code"), error.get("message")
        fields = {error["param"]: [message or ""]} if error.get("param") else {}
    elif response.status_code == 400:  # fields, each with its complaints
        fields = {name: texts for name, texts in body.items() if name != "TraceId" and isinstance(texts, list)}
        message = next((text for texts in fields.values() for text in texts), None)
    return {
        "status": response.status_code, "code": str(code or ""), "fields": fields,
        "message": message or response.reason_phrase, "request_id": response.headers.get("x-request-id", ""),
    }  # fmt: skip

"""What a refusal says, in whichever of the dialects' shapes it came; and that there was no answer."""

from typing import Any

import httpx


class RecoupError(Exception):
    """`code`: six digits in the rescue API, a word in the stablecoin API. `fields`: name -> complaints.

    Without an answer `status` is 0 and `code` is `unreachable`: nothing was heard, nothing was done; or `no_answer`: it
    may have happened.
    """

    def __init__(self, status: int, code: str, message: str, fields: dict[str, list[str]], request_id: str) -> None:
        super().__init__((f"{status} " if status else "") + message + (f" ({request_id})" if request_id else ""))
        self.status, self.code, self.message = status, code, message
        self.fields, self.request_id = fields, request_id


def unanswered(error: httpx.TransportError) -> RecoupError:
    """For a call that got no answer, after all its tries."""
    try:
        where = f"{error.request.url.scheme}://{error.request.url.netloc.decode()}"
    except RuntimeError:  # it names no request
        where = "The server"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return RecoupError(0, "unreachable", f"{where} cannot be reached: {error}. Nothing was done.", {}, "")
    why = str(error) or type(error).__name__
    return RecoupError(0, "no_answer", f"{where} gave no answer: {why}. It may have been done.", {}, "")


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
        first = next((text for texts in fields.values() for text in texts), "")
        message = f"{first} {response.headers.get('x-recoup-hint', '')}".strip()
    return {
        "status": response.status_code,
        "code": str(code or ""),
        "fields": fields,
        "message": message or response.reason_phrase,
        "request_id": response.headers.get("x-request-id", ""),
    }

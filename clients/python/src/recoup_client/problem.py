"""What a refusal says, in whichever of the dialects' shapes it came;
and that there was no answer."""

from typing import Any

import httpx


class RecoupError(Exception):
    """The base of all errors; each code has a class in `recoup_client.errors`.

    `code`: six digits in the rescue API, a word in the stablecoin API. `status`: of HTTP, 0 without
    an answer. `message`: the API's own words. `fields`: name -> complaints.
    """

    def __init__(
        self, status: int, code: str, message: str, fields: dict[str, list[str]], request_id: str
    ) -> None:
        super().__init__(
            (f"{status} " if status else "") + message + (f" ({request_id})" if request_id else "")
        )
        self.status, self.code, self.message = status, code, message
        self.fields, self.request_id = fields, request_id


class UnreachableError(RecoupError):
    """`unreachable`: nothing was heard, nothing was done."""


class NoAnswerError(RecoupError):
    """`no_answer`: the call may have been done."""


class SignatureError(RecoupError):
    """`signature`: a webhook that Recoup did not sign with this secret, or not lately."""

    def __init__(self, message: str) -> None:
        super().__init__(0, "signature", message, {}, "")


BEFORE_SENDING = (
    httpx.ConnectError,  # DNS and TLS too
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def unanswered(error: httpx.TransportError, *, was_sent: bool) -> RecoupError:
    """For a call that got no answer, after all its tries."""
    try:
        where = f"{error.request.url.scheme}://{error.request.url.netloc.decode()}"
    except RuntimeError:  # it names no request
        where = "The server"
    why = str(error) or type(error).__name__
    if not was_sent:
        text = f"{where} cannot be reached: {why}. Nothing was done."
        return UnreachableError(0, "unreachable", text, {}, "")
    text = f"{where} gave no answer: {why}. It may have been done."
    return NoAnswerError(0, "no_answer", text, {}, "")


def told(response: httpx.Response) -> dict[str, Any]:
    """The arguments of `RecoupError`."""
    try:
        body = response.json()
    except ValueError:
        body = None
    body = body if isinstance(body, dict) else {"result": _strange(response)}
    error = body.get("error")
    code, message = (
        response.headers.get("x-recoup-code") or body.get("statusCode"),
        body.get("result"),
    )
    fields: dict[str, list[str]] = {}
    if isinstance(error, dict):  # the stablecoin API
        code, message = error.get("code"), error.get("message")
        fields = {error["param"]: [message or ""]} if error.get("param") else {}
    elif response.status_code == 400:  # fields, each with its complaints
        fields = {
            name: texts
            for name, texts in body.items()
            if name != "TraceId" and isinstance(texts, list)
        }
        first = next((text for texts in fields.values() for text in texts), "")
        message = f"{first} {response.headers.get('x-recoup-hint', '')}".strip()
    return {
        "status": response.status_code,
        "code": str(code or ""),
        "fields": fields,
        "message": message or response.reason_phrase,
        "request_id": response.headers.get("x-request-id", ""),
    }


def _strange(response: httpx.Response) -> str:
    status = f"{response.status_code} {response.reason_phrase}"
    return f"{status}: no answer of Recoup. Is {response.url} its address?"

"""Refusals of the stand-in: with Stripe's status, type and code."""

from typing import Any

Plain = dict[str, Any]


class Refused(Exception):
    def __init__(
        self, status: int, type: str, code: str | None = None, message: str = "", **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: Plain = (
            {"type": type} | ({"code": code} if code else {}) | {"message": message, **more}
        )


def bad(code: str | None, message: str, **more: Any) -> Refused:
    return Refused(400, "invalid_request_error", code, message, **more)


def whole(text: Any, param: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise bad("parameter_invalid_integer", f"Invalid integer: {text}", param=param) from None
    if value < 1:
        raise bad(
            "parameter_invalid_integer",
            "This value must be greater than or equal to 1.",
            param=param,
        )
    return value

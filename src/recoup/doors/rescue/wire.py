"""Shapes that several resources share."""

from typing import Any


def envelope(**fields: Any) -> dict[str, Any]:
    """The members every JSON answer carries; `fields` come first and may overrule them. Source: contract §1.1."""
    base: dict[str, Any] = dict.fromkeys(("success", "result", "status", "statusCode"))
    base |= {"success": True, "errors": [], "customProperties": {}}
    return {**fields, **{name: value for name, value in base.items() if name not in fields}}

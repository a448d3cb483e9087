"""Differences of one version of a policy from another, line by line. Pure."""

from typing import Any, NamedTuple

from recoup.policies.rules.terms import ATTRIBUTES, PolicyTerms


class LineDiff(NamedTuple):
    """Difference of a line; None: the line is not there."""

    line: str
    before: str | None
    after: str | None


def diff(before: PolicyTerms, after: PolicyTerms) -> list[LineDiff]:
    """The differences in the order of a file; none between equal terms."""
    old, new = before.lines(), after.lines()
    return [
        LineDiff(key, _text(old.get(key)), _text(new.get(key)))
        for key in ATTRIBUTES
        if old.get(key) != new.get(key)
    ]


def value_text(value: Any) -> str:
    """`07:00-22:00, 23:00-24:00`, `USD 500, EUR 450`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def _text(value: Any) -> str | None:
    return None if value is None else value_text(value)

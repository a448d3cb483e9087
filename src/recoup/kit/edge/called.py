"""Callers and how their calls ended, left by the doors for the request log. A call whose caller is
unknown is nobody's."""

import re
from collections.abc import Callable
from itertools import islice
from typing import Any, Final
from uuid import UUID

from recoup.kernel.problem import Problem, Sentence, changed, cut, joined
from recoup.kit.edge.asgi import Scope, state
from recoup.kit.whence import network_of as network

CHARS_MAX: Final = 200
FIELDS_MAX: Final = 3
WHY_MAX: Final = 300
TEXT_MAX: Final = 2_000  # of what somebody else wrote: it is looked at, and not kept
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,79}")
_QUOTED: Final = re.compile(
    r"(?<!\w)(['\"`“]).*?(?:(?:\1|”)(?!\w)|\Z)", re.S
)  # also what was cut within
_DATE: Final = r"\d{4}-\d\d-\d\d(?![ -]?\d)"  # our own: the bound that was missed
_NUMBERS: Final = re.compile(rf"({_DATE})|\d(?:[ -]?\d){{6,}}")


def called_by(kept: dict[str, Any], merchant_id: UUID | None, key_id: str) -> None:
    """`kept` is the call's state; `key_id` the public half of the key, of a partner's own without a
    merchant."""
    kept["called_by"] = (merchant_id, key_id)


def refused_with(scope: Scope, code: str, why: str = "") -> None:
    state(scope)["refused_with"], state(scope)["why"] = code, why


def why_refused(problem: Problem) -> str:
    """Reasons of a refusal, field by field, in our words. What the caller sent is left out wherever
    they quote it."""
    fields = problem.fields or {problem.field or "": [problem.message]}
    complaints = [
        Sentence("{0}: {1}", name, texts[0]) if _NAME.fullmatch(name) else texts[0]
        for name, texts in islice(fields.items(), FIELDS_MAX)
    ]
    sentence = changed(joined(complaints, "; "), _without_theirs)
    clean = _without_theirs(sentence)
    return cut(sentence if sentence == clean else clean, WHY_MAX)


def _without_theirs(text: str) -> str:
    return _NUMBERS.sub(lambda match: match[1] or "…", _QUOTED.sub("…", text[:TEXT_MAX]))


def acted(scope: Scope) -> None:
    """A page that is to be known although it was only read: a file that was taken."""
    state(scope)["acted"] = True


def note_call(
    note: Callable[..., None],
    scope: Scope,
    status: int,
    seconds: float,
    template: str | None = None,
) -> None:
    """`note` as the request log's; `template` of the path, where it is known. Calls with a key; of
    people what they sent, and what was refused."""
    kept = state(scope)
    by = kept.get("called_by")
    read = (
        by is not None
        and by[1].startswith("user:")
        and scope["method"] in ("GET", "HEAD")
        and status < 400
    )
    if by is not None and (not read or kept.get("acted")):
        note(
            *by,
            kept["request_id"],
            scope["method"],
            template_of(scope) if template is None else template,
            status,
            kept.get("refused_with"),
            round(seconds * 1000),
            network_of(scope),
            kept.get("why", ""),
        )


def network_of(scope: Scope) -> str:
    """Network that a call came from, as far as it is kept: `203.0.113.0/24`, a /48 of IPv6; empty
    when nobody knows."""
    client = scope.get("client")
    return network(client[0]) if client else ""


def template_of(scope: Scope) -> str:
    """The path with its variables as their names: ids, and tokens of links, stay out of the log."""
    path: str = scope["path"]
    params = scope.get("path_params")
    if not params:
        return path[:CHARS_MAX]
    variables = {str(value): name for name, value in params.items()}
    parts = [f"{{{variables[part]}}}" if part in variables else part for part in path.split("/")]
    for value, name in variables.items():
        if "/" in value:
            return path.replace(value, f"{{{name}}}")[:CHARS_MAX]
    return "/".join(parts)[:CHARS_MAX]

"""/partner/webhooks: a partner's endpoints, which hear of all its merchants. As a merchant's own, with keys of their
own. Source: contract §14, §16.5."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from recoup.doors.edge.described import Example
from recoup.doors.rescue import hooks, webhooks
from recoup.doors.rescue.resource import PARTNER, Method

_PREFIX: Final = "/v1/webhooks"
_LEFT_OUT: Final = frozenset({f"{_PREFIX}/rotate"})  # a partner has no key that its endpoints share
_TEXT: Final = (
    " For a partner: the endpoint gets the events of all your merchants, each with its `Mid`; every endpoint has "
    "its own key."
)


def _of_partners() -> Iterator[Method]:
    for method in (*webhooks.METHODS, *hooks.METHODS):
        operation = method.operation
        if operation.path in _LEFT_OUT:
            continue
        path = operation.path.replace(_PREFIX, "/v1/partner/webhooks")
        text = webhooks.CREATED if (operation.method, operation.path) == ("POST", _PREFIX) else operation.text
        examples = tuple(
            Example(e.name, e.request, e.status, e.answer)
            for e in operation.examples
            if not (isinstance(e.request, dict) and e.request.get("format") == "stablecoin")
        )
        yield Method(
            replace(operation, path=path, group="Partners", text=text + _TEXT, examples=examples, credential=PARTNER),
            method.handle,
            PARTNER,
            method.body_optional,
            strict=True,
        )


METHODS: Final = tuple(_of_partners())

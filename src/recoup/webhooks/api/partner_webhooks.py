"""/partner/webhooks: a partner's endpoints, which hear of all its merchants. As a merchant's own,
with keys of their own. Source: contract §14, §16.5."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from recoup.keys.api.v1_resource import PARTNER, Api, Method
from recoup.webhooks.api import hooks, webhooks

_PREFIX: Final = "/v1/webhooks"
_LEFT_OUT: Final = frozenset({f"{_PREFIX}/rotate"})  # a partner has no key that its endpoints share
_TEXT: Final = (
    " For a partner: the endpoint gets the events of all your merchants, each with its `Mid`; "
    "every endpoint has "
    "its own key."
)


def _of_partners() -> Iterator[Method]:
    for method in (*webhooks.api.methods, *hooks.api.methods):
        operation = method.operation
        if operation.path in _LEFT_OUT:
            continue
        path = operation.path.replace(_PREFIX, "/v1/partner/webhooks")
        text = (
            webhooks.CREATED
            if (operation.method, operation.path) == ("POST", _PREFIX)
            else operation.text
        )
        examples = tuple(
            example
            for example in operation.examples
            if not (
                isinstance(example.request, dict) and example.request.get("format") == "stablecoin"
            )
        )
        whose: dict[str, Any] = {"group": "Partners", "credential": PARTNER}
        yield Method(
            replace(operation, path=path, text=text + _TEXT, examples=examples, **whose),
            method.handle,
        )


api: Final = Api()
api.methods.extend(_of_partners())

"""The words of webhooks, the same on each of their pages."""

from collections.abc import Mapping
from typing import Final

from recoup.doors.portal.words import State
from recoup.flows.messages.endpoints import Endpoint

DIALECTS: Final = {"rescue": "Rescue events", "stablecoin": "Stablecoin events"}
FORMATS: Final = {
    "rescue": "Rescue: JSON, five x-fc headers, HMAC-SHA512",
    "rescue-text": "Rescue as text/plain, same signature",
    "standard": "Standard Webhooks: webhook-signature, HMAC-SHA256",
    "stablecoin": "Stablecoin API: x-fluxa headers, HMAC-SHA256",
}
RESULTS: Final = {
    "delivered": State("Delivered", "ok", "completed", "The receiver answered 2xx."),
    "failed": State("Failed", "hold", "retry", "The receiver did not accept it; it is retried."),
    "parked": State("Given up", "prob", "problem", "The last try failed; send it again by hand."),
    "disabled": State("Switched off", "off", "cancelled", "This answer switched the endpoint off."),
}
OVERLAPS: Final = {"24": "in 24 hours", "72": "in 3 days", "168": "in 7 days", "0": "at once"}
ERRORS: Final[Mapping[str, str]] = {
    "refused_address": "the address may not be called", "dns": "the host name is unknown", "connect": "no connection",
    "tls": "the certificate is not valid", "timeout": "no answer in time",
    "too_large": "the answer's head is too long, or it has too many parts",
    "protocol": "the answer is not HTTP, or not the only one", "not_rendered": "the event could not be written",
    "switched_off": "endpoint switched off",
}  # fmt: skip
_HEALTH: Final = {
    "new": State("Not tried yet", "off", "draft", "Nothing was sent yet, so it is not known whether it works."),
    "ok": State("Healthy", "ok", "completed", "The last delivery succeeded."),
    "failing": State("Failing", "hold", "onhold", "The last deliveries failed and are retried automatically."),
    "open": State(
        "Down", "prob", "problem", "Ten deliveries in a row failed: only probes are sent; no events are lost."
    ),
}
_OFF: Final = State("Switched off", "off", "cancelled", "Nothing is sent or queued for it.")


def state_of(endpoint: Endpoint) -> State:
    return _HEALTH[endpoint.health_state] if endpoint.state == "active" else _OFF


def error_words(error: str | None) -> str:
    """What went wrong with a try: `no answer in time`, `HTTP 500`."""
    return ERRORS.get(error, error) if error else ""


def formats_of(form: str) -> dict[str, str]:
    """Those of the same dialect."""
    stable = form == "stablecoin"
    return {name: words for name, words in FORMATS.items() if (name == "stablecoin") == stable}

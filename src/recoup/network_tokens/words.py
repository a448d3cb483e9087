"""The switch of network tokens, in the words of the portal."""

from typing import Final

from recoup.kernel.problem import Problem

AUDITS: Final = {"order.network_tokens": "switched network tokens"}
PAGE: Final = (
    "Charge by network tokens",
    "A network token is created for each card with another attempt planned. Later attempts use it "
    "where the route "
    "accepts it. The token stays when the card is replaced.",
)
MISSING: Final = Problem(
    "conflict",
    "No card route here makes network tokens.",
    field="network_tokens",
    cure="The operator sets tokens = true for a bridge that answers it; then switch it on.",
)

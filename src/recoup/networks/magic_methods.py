"""The sandbox's stored methods: ids of the simulated processor's that stand for its test cards.
Pure.

    pm_card_visa               approves
    pm_card_visa_51_01         declines once with code 51, then approves; 99: always declines
    pm_card_visa_51_01_00007   another card that does so
    pm_card_counting_visa      counts in the network limits over all orders; approves amounts
                               ending in 77
    pm_card_codes_visa         declines by the amount, as the code card does; pm_card_faults_visa
                               likewise
    pm_card_approve_1          one of the three cards of the contract
    pm_gone_visa               is no longer there

What follows two underscores is no part of the card: `pm_card_visa__2` is a second id of the first
one.
"""

import re
from typing import Final, NamedTuple

from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.card import scheme_of
from recoup.networks.magic import CODE_CARDS, COUNTING_CARDS, FAULT_CARDS, classify, script_card

_COUNTING: Final = {scheme_of(number): number for number in COUNTING_CARDS}
_APPROVES: Final = {"visa": "51", "mastercard": "51", "amex": "116", "discover": "51"}
_FORM: Final = re.compile(
    r"pm_(?P<what>card|gone)_(?P<counting>counting_)?(?P<scheme>visa|mastercard|amex|discover)"
    r"(?:_(?P<code>[0-9]{2,3})_(?P<declines>[0-9]{2})(?:_(?P<serial>[0-9]{3,5}))?)?"
    r"(?:__[0-9A-Za-z]{1,32})?"
)
_NAMED: Final = {
    **{f"codes_{scheme}": number for scheme, number in CODE_CARDS.items()},
    **{f"faults_{scheme}": number for scheme, number in FAULT_CARDS.items()},
    **{f"approve_{n}": number for n, number in enumerate(APPROVE_CARDS, 1)},
}
_OTHER: Final = re.compile(r"pm_card_(?P<name>[a-z]+_[a-z0-9]+)(?:__[0-9A-Za-z]{1,32})?")
EXAMPLES: Final = (
    "pm_card_visa",
    "pm_card_visa_51_01",
    "pm_card_visa_51_99",
    "pm_card_counting_visa",
    "pm_gone_visa",
)


class StandIn(NamedTuple):
    """`number`: of the test card that it stands for. `is_gone`: at every send."""

    number: str
    is_gone: bool


def method_of(id: str) -> StandIn | None:
    """The documented method of that id, or None for every other id."""
    other = _OTHER.fullmatch(id)
    if other is not None and other["name"] in _NAMED:
        return StandIn(_NAMED[other["name"]], False)
    match = _FORM.fullmatch(id)
    if match is None:
        return None
    scheme, code, is_gone = match["scheme"], match["code"], match["what"] == "gone"
    if match["counting"]:
        return None if code or scheme not in _COUNTING else StandIn(_COUNTING[scheme], is_gone)
    width = 3 if scheme == "amex" else 2
    serial = int(match["serial"] or 1)
    if len(code or "0" * width) != width or serial > (
        999 if width == 3 or len(match["serial"] or "") == 3 else 99_999
    ):
        return None
    return StandIn(
        script_card(scheme, code or _APPROVES[scheme], int(match["declines"] or 0), serial), is_gone
    )


def id_of(number: str) -> str | None:
    """The method that stands for a test card; None for a card that has none."""
    for name, card_number in _NAMED.items():
        if card_number == number:
            return f"pm_card_{name}"
    if number in COUNTING_CARDS:
        return f"pm_card_counting_{scheme_of(number)}"
    card = classify(number)
    if card is None or card.kind != "script":
        return None
    serial = number[-4:-1] if card.scheme == "amex" else number[-6:-1]
    return f"pm_card_{card.scheme}_{card.code}_{card.declines:02d}_{serial}"

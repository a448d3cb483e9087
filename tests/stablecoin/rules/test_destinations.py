"""Where custodial money may be sent."""

import pytest
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.stablecoin.rules.destinations import FORMS, check_destination

ZERO = "0x" + "0" * 40
ZERO_OF_TRON = "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb"


@each("chain", FORMS)
def test_the_example_of_each_chain_is_taken(chain: str) -> None:
    text = f"{chain}:{FORMS[chain].example}"
    assert check_destination(text, (chain,)) == text


@each(
    "text",
    [
        *(f"{chain}:{ZERO}" for chain, form in FORMS.items() if form.example.startswith("0x")),
        f"tron:{ZERO_OF_TRON}",
    ],
)
def test_a_payout_to_the_zero_address_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="is no address on"):
        check_destination(text, tuple(FORMS))


def test_an_address_that_only_begins_with_zeros_is_taken() -> None:
    text = "base:0x" + "0" * 39 + "1"
    assert check_destination(text, ("base",)) == text

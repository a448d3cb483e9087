"""Bank details with a wrong or exchanged digit are refused, without repeating them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.processors.rules.bank_account import BankAccount, check_currency, read_account

# Published examples of the registry and of the Federal Reserve's directory.
IBANS = [
    "DE89370400440532013000",
    "GB29 NWBK 6016 1331 9268 19",
    "FR1420041010050500013M02606",
    "NO9386011117947",
    "MT84MALT011000012345MTLCAST001S",
    "BE68-5390-0754-7034",
    "sa0380000000608010167519",
]
ROUTINGS = ["011000015", "021000021", "091000019", "322271627"]


@each("text", IBANS)
def test_published_ibans_are_taken_and_shown_masked(text: str) -> None:
    account = read_account("Ana Roe", iban=text)
    assert account.scheme == "iban"
    assert account.account == "".join(c for c in text if c.isalnum()).upper()
    assert account.masked == f"{account.account[:4]} •••• {account.account[-4:]}"
    assert account.account[6:-4] not in account.masked


@given(st.sampled_from(IBANS), st.integers(0, 40), st.sampled_from("0123456789"))
def test_one_wrong_digit_of_an_iban_is_found(text: str, place: int, digit: str) -> None:
    right = "".join(c for c in text if c.isalnum()).upper()
    place = 2 + place % (len(right) - 2)
    wrong = right[:place] + digit + right[place + 1 :]
    if wrong == right:
        return
    with pytest.raises(Problem) as refused:
        read_account("Ana Roe", iban=wrong)
    assert wrong not in refused.value.sentence()


@pytest.mark.parametrize("routing", ROUTINGS)
def test_routing_numbers_are_checked_by_their_last_digit(routing: str) -> None:
    assert read_account("Ana Roe", routing=routing, account="12345678").routing == routing
    for place in range(9):
        wrong = routing[:place] + str((int(routing[place]) + 1) % 10) + routing[place + 1 :]
        with pytest.raises(Problem) as refused:
            read_account("Ana Roe", routing=wrong, account="12345678")
        assert "routing" in refused.value.fields


@each(
    ("given", "field"),
    [
        ({"iban": "XX00123"}, "iban"),
        ({"iban": "DE8937040044053201300"}, "iban"),
        ({"iban": "DE89370400440532013O0Ö"}, "iban"),
        ({"iban": IBANS[0], "account": "1234"}, "iban"),
        ({}, "routing"),
        ({"routing": "000000000", "account": "12345"}, "routing"),
        ({"routing": ROUTINGS[0], "account": "123"}, "account"),
        ({"routing": ROUTINGS[0], "account": "1" * 18}, "account"),
        ({"routing": ROUTINGS[0], "account": "١٢٣٤"}, "account"),
    ],
)
def test_what_is_no_account_is_refused_by_field(given: dict[str, str], field: str) -> None:
    with pytest.raises(Problem) as refused:
        read_account("Ana Roe", **given)
    assert field in refused.value.fields


@pytest.mark.parametrize("holder", ["", "A", "x" * 71, "Ana\x00Roe"])
def test_a_holder_has_a_name(holder: str) -> None:
    with pytest.raises(Problem):
        read_account(holder, iban=IBANS[0])


def test_routing_numbers_take_dollars_only() -> None:
    with pytest.raises(Problem, match="USD"):
        check_currency(BankAccount("us", "Ana", "1234", ROUTINGS[0]), "EUR")
    check_currency(BankAccount("iban", "Ana", IBANS[0]), "EUR")

"""To which addresses a customer is sent, and what is kept of what their browser brings back."""

import pytest
from tests.rings import each

from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.payer_page import PARAMETERS_MAX, URL_MAX, as_brought, is_payer_page


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.stripe.com/3d_secure_2/hosted?merchant=acct_1&x=%2F#a",
        (
            "https://checkoutshopper-test.adyen.com:443/checkoutshopper/threeDS2.shtml"
            "?redirectData=X!~"
        ),
        "http://127.0.0.1:8600/authenticate/pi_1",
        "http://[::1]:8600/bank",
    ],
)
def test_a_page_of_https_or_of_this_machine(url: str) -> None:
    assert is_payer_page(url)
    assert Outcome("awaits_payer", redirect_url=url).redirect_url == url


@each(
    "url",
    [
        "",
        "/relative",
        "//bank.example/x",
        "http://bank.example/x",
        "http://127.0.0.1.bank.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https://user:pass@bank.example/",
        "https://bank.example:port/",
        "https://bank.example/a b",
        "https://bank.example/\n",
        'https://bank.example/"><script>',
        "https://bank.example/\u00e9",
        "https://[bank",
        "https://bank.example/" + "x" * URL_MAX,
    ],
)
def test_nobody_is_sent_anywhere_else(url: str) -> None:
    assert not is_payer_page(url)
    assert Outcome("awaits_payer", redirect_url=url).redirect_url is None


def test_what_is_brought_back_is_one_bounded_text() -> None:
    assert as_brought({"a": "1&b=2", "c": "\0é"}, 100) == "a=1%26b%3D2&c=%00%C3%A9"
    assert as_brought({}, 100) == ""
    assert as_brought({"a": "x" * 100}, 100) is None
    assert as_brought({f"p{n}": "" for n in range(PARAMETERS_MAX + 1)}, 10_000) is None

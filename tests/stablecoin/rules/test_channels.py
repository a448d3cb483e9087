"""Which channel a charge gets, and links, ids and event names."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.ids import parse_wire_id, wire_id
from recoup.kernel.problem import Problem
from recoup.orders.rules.cycles import check_link
from recoup.stablecoin.rules.channels import CHANNELS, MOCKS, Channel, choose, enabled, serve
from recoup.stablecoin.rules.event_names import DEFAULT, NAMES


@each(
    ("code", "network", "detail"),
    [
        ("nothing", None, "channel_not_found"),
        ("", None, "channel_not_found"),
        ("MOCK", None, "channel_not_found"),
        ("usdt_trc20", None, "channel_environment_mismatch"),
        ("stripe", None, "channel_environment_mismatch"),
        (None, "tron", "no_route"),
        (None, "moon", "no_route"),
        ("mock", "tron", "invalid_request"),
    ],
)
def test_charges_that_no_channel_takes(code: str | None, network: str | None, detail: str) -> None:
    with pytest.raises(Problem) as refused:
        choose(code, network, "USDT", test=True)
    assert refused.value.facts["detail"] == detail


def test_nothing_is_charged_where_nobody_could_pay() -> None:
    """A live charge without a channel was taken; its page waited for a payment that had no way."""
    assert choose(None, None, "USDT", test=True) is None, "the payer picks one"
    with pytest.raises(Problem) as caught:
        choose(None, None, "USDT", test=False)
    assert caught.value.facts["detail"] == "no_route"


def test_test_channels_are_no_live_channels() -> None:
    with pytest.raises(Problem) as refused:
        choose("mock", None, "USDT", test=False)
    assert refused.value.facts["detail"] == "channel_environment_mismatch"


def test_channels() -> None:
    mock, direct = (
        choose("mock", None, "USD", test=True),
        choose("mock_direct", None, "USDT", test=True),
    )
    assert mock is not None
    assert direct is not None
    assert (mock.name, mock.settlement, mock.supports_refund) == ("Mock (test)", "custodial", True)
    assert (direct.settlement, direct.supports_refund) == ("direct", False)
    assert choose(None, None, "USDT", test=True) is None
    assert {c.code for c in enabled(test=True)} == set(MOCKS)


def test_channels_of_the_settings_stand_beside_the_mock_ones() -> None:
    base = Channel(
        "usdc_base",
        "USDC on Base",
        "crypto",
        "direct",
        test=True,
        currencies=("USDC",),
        network="base",
    )
    before = serve([base])
    try:
        assert (CHANNELS["usdc_base"], [*CHANNELS]) == (base, ["mock", "mock_direct", "usdc_base"])
        assert choose(None, "base", "USDC", test=True) is base
        assert base in enabled(test=True)
        assert base not in enabled(test=False)
        with pytest.raises(Problem) as refused:
            choose("usdc_base", None, "USDC", test=False)
        assert refused.value.facts["detail"] == "channel_environment_mismatch"
        for taken in ([base, base], [replace(base, code="mock")]):
            with pytest.raises(ValueError, match="two channels"):
                serve(taken)
        assert serve(before) == (base,)
        assert "usdc_base" not in CHANNELS
    finally:
        serve(before)


@each(
    "url",
    [
        "javascript:alert(1)",
        "//shop.example/x",
        "/thanks",
        "ftp://shop.example",
        "https://",
        "https://a b.example",
        "https://user:pw@shop.example/",
        'https://shop.example/"><script>',
        "http://[::1",
        "https://x.example:99999/",
        "data:text/html,x",
        "https://shop.example/" + "x" * 2048,
    ],
)
def test_links_that_no_browser_is_sent_to(url: str) -> None:
    with pytest.raises(Problem):
        check_link(url, "return_url")


def test_links() -> None:
    assert (
        check_link("https://shop.example/thanks?a=1#b", "return_url")
        == "https://shop.example/thanks?a=1#b"
    )
    assert check_link("http://localhost:3000/x", "return_url") == "http://localhost:3000/x"
    assert check_link(None, "return_url") is None


@given(st.integers(0, 2**128 - 1))
def test_wire_ids_are_read_back(value: int) -> None:
    text = wire_id("ord", UUID(int=value))
    assert len(text) == 30
    assert parse_wire_id("ord", text) == UUID(int=value)
    assert parse_wire_id("pay", text) is None
    assert parse_wire_id("ord", text.upper()) is None


@each("text", ["", "ord_", "ord", "ord_2Zx9Qw8sUaM2", "ord_" + "z" * 26, "ord_" + "0" * 25 + "u"])
def test_what_is_no_wire_id(text: str) -> None:
    assert parse_wire_id("ord", text) is None


def test_every_event_has_one_name() -> None:
    assert len(set(NAMES.values())) == len(NAMES)
    assert set(NAMES) - set(DEFAULT) == {"order.expired"}

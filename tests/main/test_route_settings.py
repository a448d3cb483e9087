"""`[[routes]]`: what a route may say, and what is refused at start in one line,
without the secret."""

import asyncio
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from recoup.kernel.problem import Problem
from recoup.main.route_settings import shown
from recoup.main.settings import load_settings
from recoup.main.worlds import check_services, token_services_of, updaters_of
from recoup.processors.gateways import kinds
from recoup.processors.gateways.kinds import KINDS
from recoup.processors.rules.route_terms import Carried, why_not
from recoup_lab.processors.adyen.server import KEY as ADYEN
from recoup_lab.processors.braintree.server import PRIVATE, PUBLIC
from recoup_lab.processors.bridge import SECRET as BRIDGE_SECRET
from recoup_lab.processors.nmi.server import KEY as NMI
from recoup_lab.processors.stripe.server import KEY as STRIPE

SECRET = "4f" * 32
LIVE_KEY, TEST_KEY = "sk_live_" + "a" * 40, "sk_test_" + "b" * 40
BRIDGE = {
    "world": "live",
    "name": "acme",
    "kind": "bridge",
    "url": "https://bridge.example/x",
    "key_file": "acme.key",
}
USUAL = BRIDGE | {"acceptor": "123456789012345"}
TWIN = {"world": "sandbox", "name": "second", "kind": "simulated"}


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _load(folder: Path, *routes: dict[str, Any], key: str = SECRET) -> Any:
    (folder / "acme.key").write_text(f"{key}\n")
    lines = [
        f"[[routes]]\n{''.join(f'{k} = {_toml(v)}{chr(10)}' for k, v in one.items())}"
        for one in routes
    ]
    (folder / "recoup.toml").write_text("\n".join(lines))
    return load_settings(data_dir=folder)


def test_routes_are_read_in_their_order_with_all_that_they_carry(tmp_path: Path) -> None:
    more = {
        "currencies": ["EUR", "usd"],
        "schemes": ["visa"],
        "countries": ["de"],
        "amount_min": "0.50",
        "amount_max": 250,
        "cost": "1.4% + 0.25",
        "account": "acct_1",
        "fraud_rate": "0.06",
        "country": "de",
        "authenticates": True,
    }
    first, second = _load(tmp_path, USUAL | more, TWIN).routes
    assert (first.name, first.world, first.kind, second.name) == (
        "acme",
        "live",
        "bridge",
        "second",
    )
    assert (first.connection.key, first.connection.account, second.terms.acceptor) == (
        SECRET,
        "acct_1",
        "sandbox",
    )
    terms = first.terms
    assert (terms.country, first.connection.country, second.terms.country) == ("DE", "DE", "")
    assert (terms.currencies, terms.schemes, terms.countries) == (
        ("EUR", "USD"),
        ("visa",),
        ("DE",),
    )
    assert (terms.amount_min, terms.amount_max) == (500_000, 250_000_000)
    assert (terms.cost_share, terms.cost_fixed, terms.fraud_rate) == (14_000, 250_000, 600)
    assert (first.connection.authenticates, second.connection.authenticates) == (True, False)
    assert SECRET not in repr(first)
    assert why_not(terms, Carried(50, "EUR", "visa", "DE")) is None
    assert why_not(terms, Carried(49, "EUR", "visa", "DE")) == "too_small"
    assert why_not(terms, Carried(25_001, "EUR", "visa", "DE")) == "too_large"


def test_without_routes_there_are_none(tmp_path: Path) -> None:
    assert load_settings(data_dir=tmp_path).routes == ()


@pytest.mark.parametrize(
    ("routes", "field", "words"),
    [
        ([USUAL, USUAL], "name", "Two routes are called 'acme'"),
        ([USUAL, TWIN | {"name": "acme"}], "name", "Two routes are called 'acme'"),
        ([USUAL | {"kind": "teller"}], "routes[acme].kind", "no kind of route"),
        ([USUAL | {"key": SECRET}], "routes[acme].key", "in the clear"),
        ([USUAL | {"api_secret": SECRET}], "routes[acme].api_secret", "in the clear"),
        ([USUAL | {"key_file": LIVE_KEY}], "routes[acme].key_file", "in the clear"),
        ([USUAL | {"key_file": SECRET}], "routes[acme].key_file", "in the clear"),
        ([USUAL | {"key_file": "none.key"}], "routes[acme].key_file", "cannot be read"),
        (
            [USUAL | {"notice_secret_file": "."}],
            "routes[acme].notice_secret_file",
            "cannot be read",
        ),
        ([USUAL | {"url": "http://bridge.example/"}], "routes[acme].url", "HTTPS only"),
        ([USUAL | {"url": "http://localhost.example/"}], "routes[acme].url", "HTTPS only"),
        ([USUAL | {"url": "https://u:p@bridge.example/"}], "routes[acme].url", "HTTPS only"),
        ([USUAL | {"url": "https://[bad/"}], "routes[acme].url", "HTTPS only"),
        ([USUAL | {"url": "ftp://127.0.0.1/"}], "routes[acme].url", "HTTPS only"),
        ([USUAL | {"currencies": ["EUR", "XYZ"]}], "routes[acme].currencies", "'XYZ' is not known"),
        ([USUAL | {"currencies": "EUR"}], "routes[acme].currencies", "a list of texts"),
        ([USUAL | {"countries": ["Germany"]}], "routes[acme].countries", "'GERMANY' is not known"),
        ([USUAL | {"country": "Germany"}], "routes[acme].country", "'Germany' is no country"),
        ([USUAL | {"country": "EU"}], "routes[acme].country", "'EU' is no country"),
        ([USUAL | {"country": 49}], "routes[acme].country", "must be a text"),
        ([USUAL | {"schemes": ["giro"]}], "routes[acme].schemes", "'giro' is not known"),
        (
            [USUAL | {"amount_min": "5", "amount_max": "4.99"}],
            "routes[acme].amount_min",
            "larger than amount_max",
        ),
        ([USUAL | {"amount_min": "five"}], "routes[acme].amount_min", "must be an amount"),
        ([USUAL | {"fraud_rate": "low"}], "routes[acme].fraud_rate", "must be a percentage"),
        ([USUAL | {"authenticates": "yes"}], "routes[acme].authenticates", "true or false"),
        ([TWIN | {"authenticates": True}], "routes[second].authenticates", "is for bridges"),
        ([USUAL | {"updater": "yes"}], "routes[acme].updater", "true or false"),
        ([USUAL | {"tokens": 1}], "routes[acme].tokens", "true or false"),
        (
            [TWIN | {"updater": True}],
            "routes[second].updater",
            "says nothing of a route of the kind simulated",
        ),
        (
            [TWIN | {"tokens": True}],
            "routes[second].tokens",
            "says nothing of a route of the kind simulated",
        ),
        (
            [USUAL | {"kind": "bridge_stored", "tokens": True}],
            "routes[acme].tokens",
            "of the kind bridge_stored",
        ),
        ([USUAL | {"amount_max": -1}], "routes[acme].amount_max", "must be an amount"),
        ([USUAL | {"amount_max": True}], "routes[acme].amount_max", "must be an amount"),
        ([USUAL | {"cost": "cheap"}], "routes[acme].cost", "no cost of a send"),
        ([USUAL | {"colour": "red"}], "routes[acme].colour", "no setting 'colour'"),
        ([USUAL | {"world": "moon"}], "routes[acme].world", "sandbox or live"),
        ([USUAL | {"name": "Acme EUR"}], "routes[Acme EUR].name", "small letters"),
        ([USUAL | {"name": "sandbox"}], "routes[sandbox].name", "small letters"),
        ([USUAL | {"name": 7}], "routes[1].name", "must be a text"),
        ([BRIDGE], "routes[acme].acceptor", "counted by acceptor"),
        ([TWIN | {"world": "live"}], "routes[second].world", "belongs to the sandbox"),
        ([TWIN | {"name": f"r{number}"} for number in range(33)], "routes", "33 routes"),
    ],
)
def test_what_is_refused_names_route_and_member_in_one_line(
    tmp_path: Path, routes: list[dict[str, Any]], field: str, words: str
) -> None:
    with pytest.raises(Problem) as caught:
        _load(tmp_path, *routes)
    problem = caught.value
    said = f"{problem.message} {problem.cure}"
    assert (problem.code, problem.field) == ("invalid", field)
    assert words in problem.message
    assert problem.cure
    assert "\n" not in said
    assert SECRET not in said
    assert LIVE_KEY not in said


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("a_package_that_is_not_there:KIND", "ModuleNotFoundError"),
        ("json:KIND", "AttributeError"),
        ("json:dumps", "it is no Kind"),
    ],
)
def test_a_kind_whose_package_cannot_be_used_is_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, why: str
) -> None:
    monkeypatch.setattr(kinds, "added", lambda group: {"quack": EntryPoint("quack", value, group)})
    with pytest.raises(Problem) as caught:
        _load(tmp_path, USUAL | {"kind": "quack"})
    said = caught.value.sentence()
    assert caught.value.field == "routes[acme].kind"
    assert [
        word for word in ("'quack'", value, why, "Install a release of") if word not in said
    ] == []
    assert "\n" not in said


@pytest.mark.parametrize(
    ("world", "key", "words"),
    [
        ("sandbox", LIVE_KEY, "live key"),
        ("live", TEST_KEY, "test key"),
        ("live", "short", "at least 32 characters"),
    ],
)
def test_a_key_of_the_other_world_or_a_short_secret_is_refused_unseen(
    tmp_path: Path, world: str, key: str, words: str
) -> None:
    with pytest.raises(Problem) as caught:
        _load(tmp_path, USUAL | {"world": world}, key=key)
    assert words in caught.value.message
    assert key not in f"{caught.value.message}{caught.value.cure}"


def test_a_loopback_bridge_may_speak_in_the_clear(tmp_path: Path) -> None:
    (route,) = _load(tmp_path, USUAL | {"url": "http://127.0.0.1:9000/cards"}).routes
    assert route.connection.url == "http://127.0.0.1:9000/cards"


def test_what_a_bridge_offers_is_read_shown_and_made(tmp_path: Path) -> None:
    """In the settings' order; another world's and what offers nothing is left out."""
    other = {"updater": False, "tokens": False}
    routes = (
        USUAL | {"name": "plain"} | other,
        USUAL | {"name": "kept", "kind": "bridge_stored", "updater": True},
        USUAL | {"name": "both", "updater": True, "tokens": True},
        USUAL | {"name": "there", "world": "sandbox", "updater": True, "tokens": True},
    )
    settings = _load(tmp_path, *routes)
    assert "both (live, bridge, updater, tokens)" in shown(settings.routes)
    assert "plain (live, bridge)" in shown(settings.routes)

    async def inside() -> None:
        made = {one.name: KINDS[one.kind].make(one.connection, None) for one in settings.routes}
        updater = updaters_of(settings, "live", made)
        assert updater is not None
        assert updater.routes == ("kept", "both")
        assert updater.knows_numbers
        assert updater.keeps("kept")
        assert not updater.keeps("both")
        assert tuple(token_services_of(settings, "live", made)) == ("both",)
        assert made["both"].takes == {"card", "network_token"}
        assert updaters_of(load_settings(data_dir=tmp_path / "none"), "live", made) is None
        for one in made.values():
            await one.close()

    asyncio.run(inside())


@pytest.mark.parametrize("name", ["live_processor_updater", "live_processor_tokens"])
def test_what_no_bridge_is_set_for_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Problem) as refused:
        check_services(load_settings(data_dir=tmp_path, **{name: True}))
    assert refused.value.field == name
    assert name in (refused.value.cure or "")


def test_routes_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    (tmp_path / "recoup.toml").write_text('routes = "acme"\n')
    with pytest.raises(Problem, match="must be tables"):
        load_settings(data_dir=tmp_path)


def test_the_keys_of_the_stand_ins_may_stand_in_a_table() -> None:
    keys = {
        "stripe": STRIPE,
        "adyen": ADYEN,
        "nmi": NMI,
        "braintree": f"{PUBLIC}:{PRIVATE}",
        "bridge": BRIDGE_SECRET,
    }
    short = [kind for kind, key in keys.items() if len(key) < KINDS[kind].key_length_min]
    assert not short

"""The kinds of card routes: what each takes, needs, and how it is made. Settings are read with it, so that a connector
is imported only when one is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from recoup.gateways.cards.credential import CredentialKind
    from recoup.gateways.cards.port import Processor
    from recoup.gateways.cards.sandbox.connections import Connect

    class OpenProcessor(Processor, Protocol):
        """What is to be closed where it was made."""

        async def close(self) -> None: ...


def is_reached_safely(url: str) -> bool:
    """HTTPS, or this machine, without a user or a query."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    secure = parts.scheme == "https" or parts.scheme == "http" and is_this_machine(host)
    return bool(host and secure) and not (parts.username or parts.password or parts.query or parts.fragment)


def is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Connection:
    """What a route is made from. `url` is the vendor's where the settings name none; `key` and `notice_secret` never
    reach a repr. Of a bridge: `authenticates`: it sends customers to their bank; `updater`: it says what became of
    replaced cards; `tokens`: it makes network tokens and takes them. `multicapture`: the account
    may capture a hold several times, where no answer says so."""

    name: str
    url: str = ""
    key: str = field(default="", repr=False)
    notice_secret: str = field(default="", repr=False)
    account: str = ""
    acceptor: str = ""
    world: str = "sandbox"
    takes_files: bool = False
    authenticates: bool = False
    updater: bool = False
    tokens: bool = False
    multicapture: bool = False


@dataclass(frozen=True, slots=True)
class SimulatedIssuer:
    """The book behind simulated routes, and the key of its card identities."""

    source: "str | Connect"
    mac_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Kind:
    """`url`: the vendor's, empty where each route names its own; `sandbox_url`: of its tests, where that is another.
    `cards`, `stored`: what it takes. `sandbox_only`: it moves no money. `may_authenticate`, `may_update`,
    `may_make_tokens`: its settings say whether it sends customers to their bank, says what became of replaced cards,
    makes network tokens; `multicapture_set`: and whether a hold may be captured several times."""

    make: "Callable[[Connection, SimulatedIssuer | None], OpenProcessor]"
    url: str = ""
    sandbox_url: str = ""
    needs_url: bool = False
    needs_key: bool = True
    key_length_min: int = 1
    cards: bool = True
    stored: bool = False
    sandbox_only: bool = False
    needs_account: bool = False
    may_authenticate: bool = False
    may_update: bool = False
    may_make_tokens: bool = False
    multicapture_set: bool = False


def secrets_of(text: str) -> tuple[str, ...]:
    """Of notices: those that hold together are joined by commas, a space stands before the ones that roll out."""
    return tuple(text.replace(",", " ").split())


def _simulated(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    from recoup.gateways.cards.sandbox.processor import SandboxProcessor

    if issuer is None:
        raise LookupError("Only the sandbox has an issuer.")
    return SandboxProcessor(issuer.source, mac_key=issuer.mac_key, acceptor_id=given.acceptor, name=given.name)


def _bridge(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    return _bridge_for("card", given)


def _bridge_stored(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    return _bridge_for("stored", given)


def _bridge_for(credential: "CredentialKind", given: Connection) -> "OpenProcessor":
    from recoup.gateways.cards.bridge import Bridge

    return Bridge(
        given.url,
        secret=given.key,
        acceptor_id=given.acceptor,
        name=given.name,
        takes_files=given.takes_files,
        world=given.world,
        takes=frozenset({credential, "network_token"} if given.tokens else {credential}),
        authenticates=given.authenticates,
        updater=given.updater,
        multicapture=given.multicapture,
    )


def _stripe(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    from recoup.gateways.cards.stripe.connector import Stripe, check_mode

    check_mode(given.key, given.world)
    return Stripe(
        key=given.key,
        name=given.name,
        url=given.url,
        account=given.account,
        acceptor_id=given.acceptor,
        notice_secrets=secrets_of(given.notice_secret),  # two while it rolls
    )


def _adyen(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    from recoup.gateways.cards.adyen.connector import Adyen, check_mode

    check_mode(given.url, given.world)
    return Adyen(
        key=given.key,
        account=given.account,
        name=given.name,
        url=given.url,
        acceptor_id=given.acceptor,
        notice_secrets=secrets_of(given.notice_secret),  # of both kinds of notices, and two of each while they roll
        multicapture=given.multicapture,
    )


def _braintree(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    from recoup.gateways.cards.braintree.account import accounts_of, check_mode
    from recoup.gateways.cards.braintree.api import key_pair
    from recoup.gateways.cards.braintree.connector import Braintree

    check_mode(given.url, given.world)
    return Braintree(
        url=given.url,
        keys=key_pair(given.key),
        accounts=accounts_of(given.account),
        name=given.name,
        acceptor_id=given.acceptor,
        older_keys=tuple(key_pair(one) for one in given.notice_secret.split()),
    )


def _nmi(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    from recoup.gateways.cards.nmi.account import check_mode
    from recoup.gateways.cards.nmi.connector import Nmi

    check_mode(given.url, given.world)
    return Nmi(
        url=given.url,
        key=given.key,
        name=given.name,
        acceptor_id=given.acceptor,
        notice_secrets=secrets_of(given.notice_secret),  # two while it rolls
    )


KINDS: Final[Mapping[str, Kind]] = {
    "adyen": Kind(
        _adyen,
        sandbox_url="https://checkout-test.adyen.com",
        needs_url=True,  # in live, where each merchant has a prefix
        key_length_min=16,
        cards=False,
        stored=True,
        needs_account=True,
        multicapture_set=True,
    ),
    "simulated": Kind(_simulated, needs_key=False, sandbox_only=True, stored=True),
    "bridge": Kind(
        _bridge,
        needs_url=True,
        key_length_min=32,
        may_authenticate=True,
        may_update=True,
        may_make_tokens=True,
        multicapture_set=True,
    ),
    "bridge_stored": Kind(
        _bridge_stored,
        needs_url=True,
        key_length_min=32,
        cards=False,
        stored=True,
        may_authenticate=True,
        may_update=True,
        multicapture_set=True,
    ),
    "braintree": Kind(
        _braintree,
        url="https://payments.braintree-api.com/graphql",
        sandbox_url="https://payments.sandbox.braintree-api.com/graphql",
        key_length_min=16,
        cards=False,
        stored=True,
    ),
    "nmi": Kind(
        _nmi,
        url="https://secure.nmi.com/api",
        sandbox_url="https://sandbox.nmi.com/api",
        key_length_min=16,
        cards=False,
        stored=True,
    ),
    "stripe": Kind(_stripe, url="https://api.stripe.com", key_length_min=12, cards=False, stored=True),
}

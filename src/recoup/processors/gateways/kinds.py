"""The kinds of card routes: what each takes, needs, and how it is made. Packages add more by entry
points of the group `recoup.connectors`. Settings are read with it, so that a connector is imported
only when one is made."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from recoup.kernel.extensions import added, load, load_all
from recoup.kernel.frozen import frozen
from recoup.kernel.hosts import is_loopback
from recoup.kernel.problem import Problem
from recoup.processors.rules.connect_form import Form
from recoup.processors.rules.credential import TOKEN, CredentialKind

if TYPE_CHECKING:
    from recoup.processors.gateways.port import Processor
    from recoup.processors.gateways.sandbox.connections import Connect

    class OpenProcessor(Processor, Protocol):
        """Processor to be closed where it was made."""

        async def close(self) -> None: ...


GROUP: Final = "recoup.connectors"


def is_reached_safely(url: str) -> bool:
    """HTTPS, or this machine, without a user or a query."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    secure = parts.scheme == "https" or parts.scheme == "http" and is_loopback(host)
    return bool(host and secure) and not (
        parts.username or parts.password or parts.query or parts.fragment
    )


@frozen
class Connection:
    """Connection that a route is made from. `url` is the vendor's where the settings name none;
    `key` and `notice_secret` never reach a repr. Of a bridge: `authenticates`: it sends customers
    to their bank; `updater`: it says what became of replaced cards; `tokens`: it makes network
    tokens and takes them. `multicapture`: the account may capture a hold several times, where no
    answer says so. `country`: the account's, where the settings name it."""

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
    country: str = ""


@frozen
class SimulatedIssuer:
    """The book behind simulated routes, and the key of its card identities."""

    source: "str | Connect"
    mac_key: bytes = field(repr=False)


@frozen
class Kind:
    """`url`: the vendor's, empty where each route names its own; `sandbox_url`: of its tests, where
    that is another. `cards`, `stored`: what it takes. `sandbox_only`: it moves no money.
    `may_authenticate`, `may_update`, `may_make_tokens`: its settings say whether it sends customers
    to their bank, says what became of replaced cards, makes network tokens; `multicapture_set`: and
    whether a hold may be captured several times. `form`: what merchants connect their own account
    by."""

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
    form: Form | None = None


def secrets_of(text: str) -> tuple[str, ...]:
    """The secrets of notices: those that hold together are joined by commas, a space stands before
    the ones that roll out."""
    return tuple(text.replace(",", " ").split())


def _simulated(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    from recoup.processors.gateways.sandbox.processor import SandboxProcessor

    if issuer is None:
        raise LookupError("Only the sandbox has an issuer.")
    return SandboxProcessor(
        issuer.source, mac_key=issuer.mac_key, acceptor_id=given.acceptor, name=given.name
    )


def _bridge(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    return _bridge_for("card", given)


def _bridge_stored(given: Connection, issuer: SimulatedIssuer | None) -> "OpenProcessor":
    return _bridge_for("stored", given)


def _bridge_for(credential: "CredentialKind", given: Connection) -> "OpenProcessor":
    from recoup.processors.gateways.bridge import Bridge

    return Bridge(
        given.url,
        secret=given.key,
        acceptor_id=given.acceptor,
        name=given.name,
        takes_files=given.takes_files,
        world=given.world,
        takes=frozenset({credential, TOKEN} if given.tokens else {credential}),
        authenticates=given.authenticates,
        updater=given.updater,
        multicapture=given.multicapture,
    )


_OURS: Final[Mapping[str, Kind]] = {
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
}


class _Kinds(Mapping[str, Kind]):
    """The kinds of the tree and those that packages add, each loaded when it is first asked for."""

    def __getitem__(self, name: str) -> Kind:
        """Raises: KeyError; Problem(unavailable) for a package that cannot be used."""
        return _OURS[name] if name in _OURS else _loaded(name)

    def __iter__(self) -> Iterator[str]:
        return iter({**_OURS, **added(GROUP)})

    def __len__(self) -> int:
        return len({**_OURS, **added(GROUP)})


@cache
def _loaded(name: str) -> Kind:
    return load(added(GROUP)[name], Kind)


KINDS: Final[Mapping[str, Kind]] = _Kinds()


@cache
def usable_kinds() -> tuple[Mapping[str, Kind], tuple[Problem, ...]]:
    """Every kind that can be used, and why others that are installed cannot."""
    loaded, broken = load_all(GROUP, Kind)
    return {**loaded, **_OURS}, broken

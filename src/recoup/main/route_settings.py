"""`[[routes]]` of the settings file: the card routes of each world, read and checked before
anything is opened.

[[routes]] world = "live" name = "acme" kind = "bridge" url = "https://bridge.example/" key_file =
"/etc/recoup/acme.key" acceptor = "123456789012345" currencies = ["EUR"] cost = "1.4% + 0.25"
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, invalid
from recoup.merchants.rules.countries import COUNTRIES, checked_country
from recoup.networks.codes import SCHEMES
from recoup.processors.gateways.kinds import (
    KINDS,
    Connection,
    Kind,
    is_reached_safely,
    usable_kinds,
)
from recoup.processors.rules.route_terms import MILLION, RouteTerms

ROUTES_MAX: Final = 32
FILE_BYTES_MAX: Final = 4_096
AMOUNT_MAX: Final = Decimal(10_000_000)
WORLDS: Final = ("sandbox", "live")
RESERVED: Final = frozenset(
    {"sandbox", "world", "bridge"}
)  # names of the routes that need no table
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_ACCEPTOR: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MODE: Final = re.compile(r"^[a-z]{2}_(test|live)_")
_SECRET_LIKE: Final = re.compile(r"^(?:[a-z]{2}|whsec)_\w{6,}$|^[0-9a-fA-F]{32,}$")
_COST: Final = re.compile(
    r"(?:(?P<share>\d{1,2}(?:\.\d{1,4})?)%)?(?:\+?(?P<fixed>\d{1,4}(?:\.\d{1,6})?))?"
)
_TEXTS: Final = (
    "world",
    "name",
    "kind",
    "url",
    "key_file",
    "notice_secret_file",
    "account",
    "acceptor",
    "cost",
    "country",
)
_LISTS: Final = ("countries", "schemes", "currencies")
_SWITCHES: Final = ("updater", "tokens", "multicapture")
_SHARED: Final = "shared_methods"


@frozen
class RouteSettings:
    """Settings of one route. `key`, `notice_secret`: what stands in the files named."""

    connection: Connection
    kind: str
    terms: RouteTerms

    @property
    def name(self) -> str:
        return self.connection.name

    @property
    def world(self) -> str:
        return self.connection.world


def read_routes(listed: object, folder: Path) -> tuple[RouteSettings, ...]:
    """`listed`: `routes` as the file says it; files are named from `folder`. Raises:
    Problem(invalid) in one sentence, naming route and member."""
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise invalid("routes must be tables.", "routes", "Write [[routes]] above each.")
    if len(listed) > ROUTES_MAX:
        raise invalid(
            f"There are {len(listed)} routes; {ROUTES_MAX} at most.", "routes", "Remove some."
        )
    routes = tuple(_read(number, entry, folder) for number, entry in enumerate(listed, 1))
    seen: set[str] = set()
    for route in routes:
        if route.name in seen:
            raise invalid(
                f"Two routes are called {route.name!r}.",
                "name",
                "Give each its own name, in both worlds.",
            )
        seen.add(route.name)
    return routes


def _read(number: int, listed: Mapping[str, Any], folder: Path) -> RouteSettings:
    name = listed.get("name")
    at = f"routes[{name if isinstance(name, str) and name else number}]"
    _check_members(at, listed)
    kind = _kind(at, listed.get("kind", ""))
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in RESERVED:
        message = "a route needs a name of its own of small letters, digits and hyphens."
        raise _bad(
            at, "name", message, f"Name it like acme-eur; {', '.join(sorted(RESERVED))} are taken."
        )
    world = listed.get("world")
    if world not in WORLDS:
        raise _bad(
            at, "world", f"world must be sandbox or live, not {world!r}.", "Set one of these."
        )
    if kind.sandbox_only and world != "sandbox":
        message = f"a route of the kind {listed['kind']} belongs to the sandbox."
        raise _bad(at, "world", message, 'Set world = "sandbox".')
    acceptor = listed.get("acceptor") or ("sandbox" if kind.sandbox_only else "")
    if not _ACCEPTOR.fullmatch(acceptor):
        message = "network limits are counted by acceptor, so it needs an id."
        raise _bad(
            at,
            "acceptor",
            message,
            "It is the merchant or acceptor id that your acquirer gave you.",
        )
    if kind.needs_account and not listed.get("account"):
        message = "this kind of route needs the account that it charges for."
        raise _bad(at, "account", message, "Write the name of your merchant account at the vendor.")
    connection = Connection(
        name,
        url=_url(at, listed, kind),
        key=_key(at, listed, kind, folder),
        notice_secret=_secret(at, listed, "notice_secret_file", folder),
        account=listed.get("account", ""),
        acceptor=acceptor,
        world=world,
        authenticates=_authenticates(at, listed, kind),
        updater=_switch(at, listed, "updater", may=kind.may_update),
        tokens=_switch(at, listed, "tokens", may=kind.may_make_tokens),
        multicapture=_switch(at, listed, "multicapture", may=kind.multicapture_set),
        country=_country(at, listed),
    )
    return RouteSettings(connection, listed["kind"], _terms(at, name, acceptor, kind, listed))


def _kind(at: str, name: str) -> Kind:
    try:
        return KINDS[name]
    except KeyError:
        message = f"{name!r} is no kind of route that is installed."
        cure = (
            f"Install its package, like recoup-connectors, or write one of "
            f"{', '.join(sorted(KINDS))}."
        )
        raise _bad(at, "kind", message, cure) from None
    except Problem as broken:
        raise _bad(at, "kind", broken.message, broken.cure or "") from None


def _authenticates(at: str, listed: Mapping[str, Any], kind: Kind) -> bool:
    """Reads whether a bridge authenticates; what a vendor can is known."""
    value = listed.get("authenticates", False)
    if not isinstance(value, bool):
        raise _bad(
            at, "authenticates", "authenticates must be true or false.", "Write it without quotes."
        )
    if value and not kind.may_authenticate:
        raise _bad(
            at,
            "authenticates",
            "authenticates is for bridges; of other kinds it is known.",
            "Remove it.",
        )
    return value


def _check_members(at: str, listed: Mapping[str, Any]) -> None:
    known = {
        *_TEXTS,
        *_LISTS,
        *_SWITCHES,
        _SHARED,
        "amount_min",
        "amount_max",
        "fraud_rate",
        "authenticates",
    }
    for member, value in listed.items():
        if member not in known and any(
            word in member.lower() for word in ("key", "secret", "password", "token")
        ):
            message = f"{member} would stand here in the clear."
            raise _bad(
                at,
                member,
                message,
                "Write it into a file that only Recoup reads, and name key_file.",
            )
        if member not in known:
            raise _bad(
                at,
                member,
                f"there is no setting {member!r}.",
                f"There are {', '.join(sorted(known))}.",
            )
        if member in _TEXTS and not isinstance(value, str):
            raise _bad(at, member, f"{member} must be a text.", "Write it in quotes.")
        if member in (*_SWITCHES, _SHARED) and not isinstance(value, bool):
            raise _bad(at, member, f"{member} must be true or false.", "Write it without quotes.")
        if member in _LISTS and not (
            isinstance(value, list) and all(isinstance(text, str) for text in value)
        ):
            raise _bad(
                at, member, f"{member} must be a list of texts.", 'Write it like ["EUR", "USD"].'
            )


def _switch(at: str, listed: Mapping[str, Any], member: str, *, may: bool) -> bool:
    if listed.get(member) and not may:
        able = ", ".join(
            name for name, kind in usable_kinds()[0].items() if getattr(kind, _MAY[member])
        )
        message = f"{member} says nothing of a route of the kind {listed['kind']}."
        raise _bad(at, member, message, f"Remove it; it belongs to routes of the kind {able}.")
    return bool(listed.get(member))


_MAY: Final = {"updater": "may_update", "tokens": "may_make_tokens",
"multicapture": "multicapture_set",
               _SHARED: "stored"}  # fmt: skip


def _url(at: str, listed: Mapping[str, Any], kind: Kind) -> str:
    usual = kind.sandbox_url if listed["world"] == "sandbox" and kind.sandbox_url else kind.url
    url = str(listed.get("url") or usual)
    if not url:
        if kind.needs_url:
            raise _bad(at, "url", "this kind of route needs a url.", "Write https://host/path.")
        return ""
    if not is_reached_safely(url):
        message = "cards go over HTTPS only, or to this machine."
        raise _bad(at, "url", message, "Write https://host/path, without a user or a query.")
    return url


def _key(at: str, listed: Mapping[str, Any], kind: Kind, folder: Path) -> str:
    key = _secret(at, listed, "key_file", folder)
    if kind.needs_key and not key:
        raise _bad(
            at, "key_file", "this kind of route needs a key.", "Name the file that holds it."
        )
    mode = _MODE.match(key)
    if mode and mode[1] == "live" and listed["world"] == "sandbox":
        raise _bad(
            at,
            "key_file",
            "this is a live key, and the sandbox takes test keys.",
            "Use a test key.",
        )
    if mode and mode[1] == "test" and listed["world"] == "live":
        raise _bad(
            at,
            "key_file",
            "this is a test key, and the live world takes live keys.",
            "Use a live key.",
        )
    if kind.needs_key and len(key) < kind.key_length_min:
        message = f"the shared secret has at least {kind.key_length_min} characters."
        raise _bad(at, "key_file", message, "Make one: openssl rand -hex 32.")
    return key


def _secret(at: str, listed: Mapping[str, Any], member: str, folder: Path) -> str:
    """Secret in the file that `member` names, never repeated in an error."""
    named = str(listed.get(member, ""))
    if not named:
        return ""
    if _SECRET_LIKE.match(named):
        message = f"{member} names a file; this looks like the secret itself, in the clear."
        raise _bad(
            at, member, message, "Write it into a file that only Recoup reads, and name that file."
        )
    text = ""
    try:
        with (folder / named).open("rb") as file:
            text = file.read(FILE_BYTES_MAX + 1).decode("ascii").strip()
    except (OSError, ValueError):
        pass
    if not text or len(text) > FILE_BYTES_MAX or not text.isprintable():
        message = f"{member} cannot be read, or does not hold one line."
        raise _bad(
            at,
            member,
            message,
            "Name a file that holds the secret alone, and that Recoup may read.",
        )
    return text


def _terms(at: str, name: str, acceptor: str, kind: Kind, listed: Mapping[str, Any]) -> RouteTerms:
    least, most = _amount(at, listed, "amount_min"), _amount(at, listed, "amount_max")
    if least is not None and most is not None and least > most:
        raise _bad(
            at,
            "amount_min",
            "amount_min is larger than amount_max.",
            "Exchange them, or remove one.",
        )
    share, fixed = _cost(at, listed.get("cost", ""))
    return RouteTerms(
        name,
        acceptor,
        kind.cards,
        kind.stored,
        _names(at, listed, "countries", str.upper, COUNTRIES.__contains__),
        _names(at, listed, "schemes", str.lower, SCHEMES.__contains__),
        _names(at, listed, "currencies", str.upper, EXPONENTS.__contains__),
        least,
        most,
        share,
        fixed,
        _fraud_rate(at, listed),
        _switch(at, listed, _SHARED, may=kind.stored),
        _country(at, listed),
    )


def _country(at: str, listed: Mapping[str, Any]) -> str:
    """Country of the account; empty where the table does not say it."""
    if not listed.get("country"):
        return ""
    try:
        return checked_country(listed["country"])
    except Problem as problem:
        raise _bad(at, "country", str(problem.message), str(problem.cure)) from None


def _fraud_rate(at: str, listed: Mapping[str, Any]) -> int | None:
    """Percent, as millionths."""
    if "fraud_rate" not in listed:
        return None
    match = re.fullmatch(r"([0-9]{1,2})(?:\.([0-9]{1,4}))?%?", str(listed["fraud_rate"]).strip())
    if match is None:
        raise _bad(
            at,
            "fraud_rate",
            "fraud_rate must be a percentage.",
            'Write the acquirer\'s rate like "0.06".',
        )
    return int(match[1]) * 10_000 + int((match[2] or "").ljust(4, "0"))


def _names(
    at: str, listed: Mapping[str, Any], member: str, spelled: Any, known: Any
) -> tuple[str, ...]:
    names: Sequence[str] = [spelled(name) for name in listed.get(member, ())]
    unknown = next((name for name in names if not known(name)), None)
    if unknown is not None:
        examples = {"countries": "DE", "schemes": ", ".join(SCHEMES), "currencies": "EUR"}
        raise _bad(
            at,
            member,
            f"{unknown!r} is not known among the {member}.",
            f"Write codes like {examples[member]}.",
        )
    return tuple(dict.fromkeys(names))


def _amount(at: str, listed: Mapping[str, Any], member: str) -> int | None:
    """Millionths."""
    value = listed.get(member)
    if value is None:
        return None
    try:
        amount = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= AMOUNT_MAX or amount * MILLION % 1:
        message = f"{member} must be an amount, not {value!r}."
        raise _bad(at, member, message, 'Write it like "0.50", in the currency of the charge.')
    return int(amount * MILLION)


def _cost(at: str, text: str) -> tuple[int, int]:
    """Share and fixed part in millionths."""
    match = _COST.fullmatch(text.replace(" ", ""))
    if match is None:
        message = f"{text!r} is no cost of a send."
        raise _bad(
            at, "cost", message, 'Write it like "1.4% + 0.25": of the amount, and of each send.'
        )
    share, fixed = Decimal(match["share"] or 0), Decimal(match["fixed"] or 0)
    return int(share * MILLION / 100), int(fixed * MILLION)


def _bad(at: str, member: str, message: str, cure: str) -> Problem:
    return invalid(f"{at}: {message}", f"{at}.{member}", cure)


def shown(routes: Sequence[RouteSettings]) -> str:
    """Routes for `recoup settings`: names and kinds, no secrets."""
    return ", ".join(
        f"{route.name} ({', '.join((route.world, route.kind, *_offers(route.connection)))})"
        for route in routes
    )


def _offers(connection: Connection) -> tuple[str, ...]:
    return tuple(member for member in _SWITCHES if getattr(connection, member))

"""`[[channels]]` of the settings file: the chains that orders are paid on, read and checked before
anything is opened.

[[channels]] world = "live" code = "usdc_base" endpoints = ["https://one.example/v2/KEY",
"https://two.example/rpc"] factory = "0x…" treasury = "0x…" minimum = "1.00" confirmations = { 0 =
10, 1000 = "safe", 10000 = "finalized" }

The codes of the contract come with network, token, decimals, confirmations and explorer, by
`presets.toml`. Any other code says them all.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from importlib.resources import files
from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from recoup.chains.abi import DECIMALS_MAX
from recoup.chains.depth import Step, Steps, Tag, text_of
from recoup.chains.units import to_base, to_book
from recoup.kernel.money import EXPONENTS, from_text
from recoup.kernel.money import shown as shown_money
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.texts import is_printable
from recoup.stablecoin.rules.addresses import Kind, read_address
from recoup.stablecoin.rules.addresses import shown as shown_address
from recoup.stablecoin.rules.channels import MOCKS, NETWORKS, Channel

CHANNELS_MAX: Final = 32
ENDPOINTS_MAX: Final = 4
URL_MAX: Final = 2_048
STEPS_MAX: Final = 8
LOOKALIKES_MAX: Final = 16
COIN: Final = bytes(20)  # the chain's coin, where a token stands
COIN_DECIMALS: Final[Mapping[Kind, int]] = {"evm": 18, "tron": 6}
COIN_DIGITS: Final = Context(prec=6)
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_AMOUNT: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_SECRET: Final = re.compile(r"(?i)key|secret|password|mnemonic|seed")
_PATH: Final = re.compile(r" - at `\$\.?(\w*).*`$|^Object .*field `(\w+)`$")
Asset = Literal["USDT", "USDC"]
Required = Annotated[int, Meta(ge=1, le=100_000)] | Tag
ByAmount = dict[str, Required]
Decimals = Annotated[int, Meta(ge=0, le=DECIMALS_MAX)]
Amount = str | int


_WANTED: Final = {
    "world": "Write sandbox or live.", "code": "Write one of the contract, such as usdc_base, or "
                                               "your own.",
    "endpoints": f"Write 1 to {ENDPOINTS_MAX} nodes, each once: https://host/path; http is for "
                 f"this machine's own.",
    "treasury": "Write the address that gets its fees.", "currency": "Write USDT or USDC.",
    "confirmations": 'Write it like 12, "finalized", or { 0 = 10, 1000 = "safe" }.',
    "settlement": "Write direct or custodial.",
}  # fmt: skip


def gwei(price: int) -> str:
    """A price of gas in words: `0.25 gwei`."""
    return f"{COIN_DIGITS.create_decimal(Decimal(price).scaleb(-9)).normalize():f} gwei"


class NetworkPreset(Struct, frozen=True):
    """`coin`: what gas is paid in. `usual`: about how many blocks a tag stays behind the head, only
    to be shown. `block_ms`: between two blocks."""

    kind: Kind
    chain_id: int
    title: str
    coin: str
    block_ms: int
    explorer: str
    confirmations: ByAmount
    usual: dict[Tag, int]


class Token(Struct, frozen=True):
    network: str
    asset: Asset
    address: str
    decimals: Decimals


class _Presets(Struct, frozen=True):
    networks: dict[str, NetworkPreset]
    tokens: dict[str, Token]
    lookalikes: dict[str, Token]


_presets: Final = msgspec.toml.decode(
    (files(__package__) / "presets.toml").read_bytes(), type=_Presets
)
NETWORK_PRESETS: Final = _presets.networks
PRESETS: Final = _presets.tokens
LOOKALIKES: Final = _presets.lookalikes
MAINNETS: Final = frozenset(network.chain_id for network in NETWORK_PRESETS.values())


class _Listed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table as the file has it."""

    world: Literal["sandbox", "live"]
    code: str
    endpoints: Annotated[list[str], Meta(min_length=1, max_length=ENDPOINTS_MAX)]
    treasury: str
    factory: str | None = None
    name: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    network: str | None = None
    currency: Asset | None = None
    chain_id: Annotated[int, Meta(ge=1, le=(1 << 53) - 1)] | None = None
    token: str | None = None
    decimals: Decimals | None = None
    confirmations: Required | ByAmount | None = None
    minimum: Amount = "0"
    settlement: Literal["direct", "custodial"] = "direct"
    custody: str | None = None
    send_limit: Amount | None = None
    daily_limit: Amount | None = None
    explorer: str | None = None
    lookalikes: Annotated[list[str], Meta(max_length=LOOKALIKES_MAX)] = []


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """Settings of one channel. `minimum` in book units. `endpoints` may hold keys and never reach a
    repr. Without a `factory` nothing is taken yet: `recoup chain deploy` makes it. `custody`: where
    custodial money goes; `send_limit`, `daily_limit`: the most that leaves it at once and in 24
    hours, in book units. `lookalikes`: tokens that payers take for its own, by name; they are
    watched, and pay nothing."""

    code: str
    world: str
    name: str
    network: str
    kind: Kind
    chain_id: int
    block_ms: int
    asset: str
    token: bytes
    decimals: int
    confirmations: Steps
    usual: Mapping[Tag, int]
    minimum: int
    settlement: str
    factory: bytes | None
    treasury: bytes
    custody: bytes | None
    send_limit: int | None
    daily_limit: int | None
    explorer: str
    lookalikes: Mapping[bytes, str]
    endpoints: tuple[str, ...] = field(repr=False)

    def __str__(self) -> str:
        """The channel in one line for `recoup settings`; endpoints by host only."""
        parts = [self.world, self.settlement, f"{self.network} {self.chain_id}"]
        parts.append(f"{self.asset} {shown_address(self.token, self.kind)}")
        parts.append(f"confirmations {text_of(self.confirmations, self.asset)}")
        if self.minimum:
            parts.append(f"from {shown_money(self.minimum, self.asset)}")
        if self.factory is None:
            parts.append("no factory yet")
        return f"{self.code} ({', '.join([*parts, *map(without_secrets, self.endpoints)])})"

    @property
    def channel(self) -> Channel:
        """The core's row of this channel."""
        custodial = self.settlement == "custodial"
        return Channel(
            self.code,
            self.name,
            "crypto",
            "custodial" if custodial else "direct",
            test=self.world == "sandbox",
            currencies=(self.asset,),
            network=self.network,
            requires_watcher=True,
            pays_out_to=(self.network,) if custodial else (),
            chain=self.kind,
            minimum=self.minimum,
            confirmations=text_of(self.confirmations, self.asset),
        )

    def book(self, base: int | Decimal) -> int:
        """Base units of its token in book units, rounded down."""
        return to_book(int(base), self.asset, self.decimals).units

    def base(self, units: int) -> int:
        """Raises: Problem(invalid) for an amount that is finer than the token."""
        return to_base(units, self.asset, self.decimals)

    @property
    def chain(self) -> str:
        """The chain as people know it: `Base (8453)`."""
        return f"{NETWORK_PRESETS[self.network].title} ({self.chain_id})"

    def coins(self, base: int | Decimal | str) -> str:
        """Base units of the chain's coin in words, to six digits: `0.0021 ETH`."""
        amount = Decimal(base).scaleb(-COIN_DECIMALS[self.kind])
        return (
            f"{COIN_DIGITS.create_decimal(amount).normalize():f} "
            f"{NETWORK_PRESETS[self.network].coin}"
        )

    def link(self, what: str, raw: bytes) -> str:
        """The explorer's page of a `tx` or an `address`; empty without an explorer."""
        if not self.explorer:
            return ""
        if what == "address":
            return f"{self.explorer}/address/{shown_address(raw, self.kind)}"
        path = "transaction/" if self.kind == "tron" else "tx/0x"
        return f"{self.explorer}/{path}{raw.hex()}"


def read_channels(listed: object) -> tuple[ChannelSettings, ...]:
    """`listed`: `channels` as the file says it. Raises: Problem(invalid) in one sentence, naming
    channel and member, without any address of an endpoint."""
    if not isinstance(listed, list) or not all(isinstance(table, dict) for table in listed):
        raise invalid("channels must be tables.", "channels", "Write [[channels]] above each.")
    if len(listed) > CHANNELS_MAX:
        raise invalid(
            f"There are {len(listed)} channels; {CHANNELS_MAX} at most.", "channels", "Remove some."
        )
    channels = tuple(_read(number, table) for number, table in enumerate(listed, 1))
    _check_together(channels)
    return channels


def without_secrets(url: str) -> str:
    """An endpoint's host and port: its user, path and query may hold a key."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "***"
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else host


def _read(number: int, table: Mapping[str, Any]) -> ChannelSettings:
    code = table.get("code")
    at = f"channels[{code if isinstance(code, str) and code else number}]"
    try:
        listed = msgspec.convert(table, _Listed)
    except msgspec.ValidationError as error:
        raise _misread(at, str(error)) from None
    if not _CODE.fullmatch(listed.code):
        message = "a channel needs a code of its own of small letters, digits and underscores."
        raise _bad(at, "code", message, f"Write one of {', '.join(PRESETS)}, or your own.")
    if listed.code in MOCKS or listed.code == "stripe":
        raise _bad(
            at, "code", f"{listed.code} is the code of another channel.", "Write another code."
        )
    preset = PRESETS.get(listed.code)
    network = _of_preset(at, listed, "network", preset.network if preset else None, NETWORKS)
    known = NETWORK_PRESETS[network]
    asset = _of_preset(at, listed, "currency", preset.asset if preset else None, ("USDT", "USDC"))
    _check_endpoints(at, listed)
    chain_id = _chain_id(at, listed, known, has_preset=preset is not None)
    is_mainnet = chain_id == known.chain_id
    token, decimals = _token(at, listed, known.kind, preset if is_mainnet else None)
    factory = (
        None if listed.factory is None else _address(at, listed.factory, known.kind, "factory")
    )
    _check_custody(at, listed)
    places = {}
    for member in ("treasury", "custody"):
        if (text := getattr(listed, member)) is not None:
            places[member] = _address(at, text, known.kind, member)
        if places.get(member, b"") in (token, factory):
            message = f"{member} is a contract of this channel: what is sent there is lost."
            raise _bad(at, member, message, "Write the address of a wallet of yours.")
    depth = known.confirmations if listed.confirmations is None else listed.confirmations
    name = listed.name or f"{asset} on {known.title}"
    if not name.strip() or not name.isprintable():
        raise _bad(at, "name", "a name has letters.", f"Write it like {asset} on {known.title}.")
    return ChannelSettings(
        code=listed.code,
        world=listed.world,
        name=name,
        network=network,
        kind=known.kind,
        chain_id=chain_id,
        block_ms=known.block_ms,
        asset=asset,
        token=token,
        decimals=decimals,
        confirmations=_steps(at, depth, known.kind, asset),
        usual=known.usual,
        minimum=_amount(at, listed, asset, "minimum") or 0,
        settlement=listed.settlement,
        factory=factory,
        treasury=places["treasury"],
        custody=places.get("custody"),
        send_limit=_amount(at, listed, asset, "send_limit"),
        daily_limit=_amount(at, listed, asset, "daily_limit"),
        explorer=_explorer(
            at,
            listed.explorer
            if listed.explorer is not None
            else known.explorer
            if is_mainnet
            else "",
        ),
        lookalikes=_lookalikes(at, listed, known, (network, asset) if is_mainnet else None, token),
        endpoints=tuple(listed.endpoints),
    )


def _lookalikes(
    at: str, listed: _Listed, known: NetworkPreset, main: tuple[str, str] | None, token: bytes
) -> dict[bytes, str]:
    """`main`: network and asset of a main network's channel."""
    tokens = {
        _address(at, preset.address, known.kind, "lookalikes"): name.partition(" ")[0]
        for name, preset in LOOKALIKES.items()
        if (preset.network, preset.asset) == main
    }
    for text in listed.lookalikes:
        raw = _address(at, text, known.kind, "lookalikes")
        tokens.setdefault(raw, shown_address(raw, known.kind))
    if token in tokens or COIN in tokens:
        raise _bad(
            at,
            "lookalikes",
            "lookalikes names the channel's own token, or a coin.",
            "Write the contracts of other tokens.",
        )
    return tokens


def _misread(at: str, error: str) -> Problem:
    """The member that cannot be read, and why."""
    place = _PATH.search(error)
    member = (place and (place[1] or place[2])) or "code"
    cure = _WANTED.get(
        member, f"Members are {', '.join(sorted(_Listed.__struct_fields__))}; see docs/chains.md."
    )
    if "missing required" in error:
        return _bad(at, member, f"{member} is missing.", cure)
    if "unknown field" not in error:
        return _bad(at, member, f"{member} cannot be read: {_PATH.sub('', error)}.", cure)
    if _SECRET.search(member):
        message = f"{member} would stand here in the clear, and no channel needs it."
        return _bad(
            at, member, message, "Remove it; the sender's keys are in a keystore of their own."
        )
    return _bad(at, member, f"there is no setting {member!r}.", cure)


def _of_preset(
    at: str, listed: _Listed, member: str, preset: str | None, words: Sequence[str]
) -> str:
    """A member that the preset fixes: it may be repeated, not changed."""
    value = getattr(listed, member)
    if preset is None and value not in words:
        raise _bad(at, member, f"{member} must be one of {', '.join(words)}.", "Set one of these.")
    if preset is not None and value not in (None, preset):
        raise _bad(
            at,
            member,
            f"{listed.code} is {preset}, not {value!r}.",
            "Remove it, or write a code of your own.",
        )
    return str(preset or value)


def _chain_id(at: str, listed: _Listed, known: NetworkPreset, *, has_preset: bool) -> int:
    if listed.chain_id is None and (not has_preset or listed.world == "sandbox"):
        which = (
            "the test network that this channel is on" if listed.world == "sandbox" else "its chain"
        )
        raise _bad(at, "chain_id", f"chain_id must name {which}.", "Write it as a number.")
    chain_id = listed.chain_id or known.chain_id
    if (
        listed.world == "sandbox"
        and chain_id in MAINNETS
        and not all(map(_is_this_machine, listed.endpoints))
    ):
        raise _bad(
            at,
            "chain_id",
            f"chain {chain_id} moves real money, and the sandbox takes test networks.",
            "Write a test network's, or a node of this machine.",
        )
    return chain_id


def _token(at: str, listed: _Listed, kind: Kind, pinned: Token | None) -> tuple[bytes, int]:
    decimals = pinned.decimals if pinned and listed.decimals is None else listed.decimals
    if decimals is None:
        raise _bad(
            at,
            "decimals",
            "decimals must say how many the token has.",
            "Write what its contract answers.",
        )
    text = pinned.address if pinned and listed.token is None else listed.token
    if text is None:
        raise _bad(
            at, "token", "token must name the token's contract on this chain.", "Write its address."
        )
    token = _address(at, text, kind, "token")
    if pinned and (token, decimals) != (
        read_address(pinned.address, kind, "token"),
        pinned.decimals,
    ):
        raise _bad(
            at,
            "token",
            f"{pinned.asset} on this chain is {pinned.address} with {pinned.decimals} decimals.",
            "Remove token and decimals, or write a code of your own.",
        )
    return token, decimals


def _check_custody(at: str, listed: _Listed) -> None:
    if listed.settlement == "custodial" and listed.custody is None:
        message = "a custodial channel needs the wallet that keeps what is paid."
        raise _bad(at, "custody", message, "Write the address of your custody wallet.")
    for member in ("custody", "send_limit", "daily_limit"):
        if listed.settlement == "direct" and getattr(listed, member) is not None:
            message = f"{member} belongs to custodial channels."
            raise _bad(at, member, message, 'Remove it, or set settlement = "custodial".')


def _address(at: str, text: str, kind: Kind, member: str) -> bytes:
    try:
        return read_address(text, kind, member)
    except Problem as refused:
        raise _bad(at, member, f"{member}: {refused.message}", refused.cure or "") from None


def _check_endpoints(at: str, listed: _Listed) -> None:
    for number, url in enumerate(listed.endpoints, 1):
        if not is_endpoint(url):
            message = f"endpoint {number} is no address that is safe to call."
            raise _bad(at, "endpoints", message, _WANTED["endpoints"])
    if len(set(listed.endpoints)) != len(listed.endpoints):
        raise _bad(at, "endpoints", "an endpoint stands there twice.", _WANTED["endpoints"])
    if listed.world == "live" and len({_host(url) for url in listed.endpoints}) < 2:
        message = "a live channel believes only what two nodes of different hosts say."
        raise _bad(
            at, "endpoints", message, "Add an endpoint of another provider, or a node of your own."
        )


def is_endpoint(url: str) -> bool:
    if len(url) > URL_MAX or not is_printable(url) or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    secure = parts.scheme == "https" or parts.scheme == "http" and _is_this_machine(url)
    return bool(host) and secure and not parts.fragment


def _host(url: str) -> str:
    return "this machine" if _is_this_machine(url) else (urlsplit(url).hostname or "").rstrip(".")


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _steps(at: str, listed: Required | ByAmount, kind: Kind, asset: str) -> Steps:
    """A number or a tag for all amounts, or a table of them by the amount from which they hold."""
    by_amount = listed if isinstance(listed, dict) else {"0": listed}
    if (
        len(by_amount) > STEPS_MAX
        or not all(map(_AMOUNT.fullmatch, by_amount))
        or "0" not in by_amount
    ):
        raise _bad(
            at,
            "confirmations",
            f"confirmations has up to {STEPS_MAX} whole amounts, the first of them 0.",
            _WANTED["confirmations"],
        )
    if kind == "tron" and "safe" in by_amount.values():
        raise _bad(
            at, "confirmations", "TRON knows no safe block.", 'Write "finalized" or a number.'
        )
    return tuple(
        sorted(
            Step(int(amount) * 10 ** EXPONENTS[asset], need) for amount, need in by_amount.items()
        )
    )


def _amount(at: str, listed: _Listed, asset: str, member: str) -> int | None:
    """Book units."""
    if (value := getattr(listed, member)) is None:
        return None
    try:
        return from_text(str(value), asset, member).units
    except Problem:
        raise _bad(
            at,
            member,
            f"{member} must be an amount of {asset}.",
            'Write it like "1.00", in quotes.',
        ) from None


def _explorer(at: str, given: str) -> str:
    url = given.rstrip("/")
    if url and (
        not url.startswith("https://") or not is_endpoint(url.removesuffix("/#")) or "?" in url
    ):
        raise _bad(
            at,
            "explorer",
            "explorer must be an https address.",
            "Write it like https://basescan.org.",
        )
    return url


def _check_together(channels: Sequence[ChannelSettings]) -> None:
    """Refuses channels of one chain that disagree about the chain."""
    for number, channel in enumerate(channels):
        at = f"channels[{channel.code}]"
        for other in channels[:number]:
            if other.code == channel.code:
                message = f"two channels are called {channel.code}."
                raise _bad(at, "code", message, "Give each its own code, in both worlds.")
            if (other.world, other.chain_id) != (channel.world, channel.chain_id):
                continue
            if other.token == channel.token:
                message = f"{other.code} takes this token on this chain already."
                raise _bad(at, "token", message, "Remove one of them.")
            for member in ("network", "endpoints", "factory"):
                ours, theirs = getattr(channel, member), getattr(other, member)
                if ours != theirs and (member != "endpoints" or set(ours) != set(theirs)):
                    message = (
                        f"{member} differs from that of {other.code}, which is on the same chain."
                    )
                    raise _bad(at, member, message, "Write the same for all channels of a chain.")


def _bad(at: str, member: str, message: str, cure: str) -> Problem:
    return invalid(f"{at}: {message}", f"{at}.{member}", cure)

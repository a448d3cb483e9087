"""`[[channels]]` of the settings file: the chains that orders are paid on, read and checked before anything is opened.

[[channels]]
world = "live"
code = "usdc_base"
endpoints = ["https://one.example/v2/KEY", "https://two.example/rpc"]
factory = "0x…"
treasury = "0x…"
minimum = "1.00"
confirmations = { 0 = 10, 1000 = "safe", 10000 = "finalized" }

The codes of the contract come with network, token, decimals, confirmations and explorer. Any other code says them all.
Sources: stablecoin-api §2.5; the issuers' pages on tokens; Circle's table of confirmations; the chains' documents.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import ip_address
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from recoup.features.chains.abi import DECIMALS_MAX
from recoup.features.chains.addresses import Kind, read_address
from recoup.features.chains.addresses import shown as shown_address
from recoup.features.chains.depth import TAGS, Required, Step, Steps, Tag, text_of
from recoup.features.chains.units import to_base, to_book
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import from_text
from recoup.kernel.money import shown as shown_money
from recoup.kernel.problem import Problem, invalid
from recoup.rules.stable.channels import MOCKS, NETWORKS, Channel

CHANNELS_MAX: Final = 32
ENDPOINTS_MAX: Final = 4
URL_MAX: Final = 2_048
CONFIRMATIONS_MAX: Final = 100_000
CHAIN_ID_MAX: Final = (1 << 53) - 1
STEPS_MAX: Final = 8
WORLDS: Final = ("sandbox", "live")


class NetworkPreset(NamedTuple):
    """`usual`: about how many blocks a tag stays behind the head, only to be shown. `block_ms`: between two blocks."""

    kind: Kind
    chain_id: int
    title: str
    block_ms: int
    explorer: str
    confirmations: Mapping[str, Required]
    usual: Mapping[Tag, int]


# Confirmations: proposed by the chains' finality and what others ask. On an L2 a number of blocks trusts its sequencer
# alone, so value waits for a tag. Polygon's `finalized` is right since Heimdall v2; TRON's is the solidified block.
NETWORK_PRESETS: Final[Mapping[str, NetworkPreset]] = {
    "ethereum": NetworkPreset(
        "evm", 1, "Ethereum", 12_000, "https://etherscan.io", {"0": 12, "5000": "finalized"},
        {"safe": 32, "finalized": 64},
    ),
    "base": NetworkPreset(
        "evm", 8453, "Base", 2_000, "https://basescan.org", {"0": 10, "1000": "safe", "10000": "finalized"},
        {"safe": 180, "finalized": 750},
    ),
    "polygon": NetworkPreset(
        "evm", 137, "Polygon", 2_000, "https://polygonscan.com", {"0": "finalized"}, {"safe": 3, "finalized": 3},
    ),
    "arbitrum": NetworkPreset(
        "evm", 42161, "Arbitrum One", 250, "https://arbiscan.io", {"0": 300, "5000": "finalized"},
        {"safe": 2_400, "finalized": 4_000},
    ),
    "bsc": NetworkPreset(
        "evm", 56, "BNB Smart Chain", 1_500, "https://bscscan.com", {"0": 15}, {"safe": 1, "finalized": 2},
    ),
    "tron": NetworkPreset(
        "tron", 728126428, "TRON", 3_000, "https://tronscan.org/#", {"0": "finalized"}, {"safe": 19, "finalized": 19},
    ),
}  # fmt: skip


class Token(NamedTuple):
    """Pinned by contract and decimals, never by symbol."""

    network: str
    asset: str
    address: str
    decimals: int


PRESETS: Final[Mapping[str, Token]] = {
    "usdt_erc20": Token("ethereum", "USDT", "0xdAC17F958D2ee523a2206206994597C13D831ec7", 6),
    "usdc_erc20": Token("ethereum", "USDC", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", 6),
    "usdc_base": Token("base", "USDC", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", 6),
    "usdt_polygon": Token("polygon", "USDT", "0xc2132D05D31c914a87C6611C10748AEb04B58e8F", 6),
    "usdc_polygon": Token("polygon", "USDC", "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", 6),
    "usdt_arbitrum": Token("arbitrum", "USDT", "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9", 6),
    "usdc_arbitrum": Token("arbitrum", "USDC", "0xaf88d065e77c8cC2239327C5EDb3A432268e5831", 6),
    "usdt_bep20": Token("bsc", "USDT", "0x55d398326f99059fF775485246999027B3197955", 18),
    "usdc_bep20": Token("bsc", "USDC", "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d", 18),
    "usdt_trc20": Token("tron", "USDT", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", 6),
}
MAINNETS: Final = frozenset(network.chain_id for network in NETWORK_PRESETS.values())
_TEXTS: Final = (
    "world", "code", "name", "network", "currency", "token", "factory", "treasury", "custody",
    "settlement", "explorer",
)  # fmt: skip
_KNOWN: Final = frozenset({
    *_TEXTS, "chain_id", "decimals", "endpoints", "minimum", "confirmations", "send_limit", "daily_limit",
})  # fmt: skip
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_AMOUNT: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_NAME_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """One channel. `minimum` in book units. `endpoints` may hold keys and never reach a repr. Without a `factory`
    nothing is taken yet: `recoup chain deploy` makes it. `custody`: where custodial money goes; `send_limit`,
    `daily_limit`: the most that leaves it at once and in 24 hours, in book units."""

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

    def link(self, what: str, raw: bytes) -> str:
        """The explorer's page of a `tx` or an `address`; empty without an explorer."""
        if not self.explorer:
            return ""
        if what == "address":
            return f"{self.explorer}/address/{shown_address(raw, self.kind)}"
        path = "transaction/" if self.kind == "tron" else "tx/0x"
        return f"{self.explorer}/{path}{raw.hex()}"


def read_channels(listed: object) -> tuple[ChannelSettings, ...]:
    """`listed`: `channels` as the file says it. Raises: Problem(invalid) in one sentence, naming channel and member,
    without any address of an endpoint."""
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise invalid("channels must be tables.", "channels", "Write [[channels]] above each.")
    if len(listed) > CHANNELS_MAX:
        raise invalid(f"There are {len(listed)} channels; {CHANNELS_MAX} at most.", "channels", "Remove some.")
    found = tuple(_read(number, one) for number, one in enumerate(listed, 1))
    _check_together(found)
    return found


def without_secrets(url: str) -> str:
    """An endpoint's host and port: its user, path and query may hold a key."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "***"
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else host


def _read(number: int, listed: Mapping[str, Any]) -> ChannelSettings:
    code = listed.get("code")
    at = f"channels[{code if isinstance(code, str) and code else number}]"
    _check_members(at, listed)
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        message = "a channel needs a code of its own of small letters, digits and underscores."
        raise _bad(at, "code", message, f"Write one of {', '.join(PRESETS)}, or your own.")
    if code in MOCKS or code == "stripe":
        raise _bad(at, "code", f"{code} is the code of another channel.", "Write another code.")
    world = _choice(at, listed, "world", WORLDS)
    preset = PRESETS.get(code)
    network = _of_preset(at, listed, "network", preset and preset.network, NETWORKS)
    known = NETWORK_PRESETS[network]
    asset = _of_preset(at, listed, "currency", preset and preset.asset, ("USDT", "USDC"))
    endpoints = _endpoints(at, listed, world)
    chain_id = _chain_id(at, listed, known, world, endpoints, preset is not None)
    pinned = preset if preset is not None and chain_id == known.chain_id else None
    token, decimals = _token(at, listed, known.kind, pinned)
    settlement = _choice(at, listed, "settlement", ("direct", "custodial")) if "settlement" in listed else "direct"
    factory = _address(at, listed["factory"], known.kind, "factory") if "factory" in listed else None
    taken = {token, factory}
    custody = _place(at, listed, "custody", known.kind, taken) if "custody" in listed else None
    if settlement == "custodial" and custody is None:
        message = "a custodial channel needs the wallet that keeps what is paid."
        raise _bad(at, "custody", message, "Write the address of your custody wallet.")
    if settlement == "direct" and custody is not None:
        message = "custody belongs to custodial channels."
        raise _bad(at, "custody", message, 'Remove it, or set settlement = "custodial".')
    limits = {name: _amount(at, listed[name], asset, name) for name in ("send_limit", "daily_limit") if name in listed}
    if limits and custody is None:
        message = "limits are of what leaves the custody wallet, and this channel has none."
        raise _bad(at, next(iter(limits)), message, 'Remove them, or set settlement = "custodial".')
    if "treasury" not in listed:
        raise _bad(at, "treasury", "a channel needs the address that gets its fees.", "Write treasury = the address.")
    return ChannelSettings(
        code=code,
        world=world,
        name=_name(at, listed, f"{asset} on {known.title}"),
        network=network,
        kind=known.kind,
        chain_id=chain_id,
        block_ms=known.block_ms,
        asset=asset,
        token=token,
        decimals=decimals,
        confirmations=_confirmations(at, listed.get("confirmations", known.confirmations), known.kind, asset),
        usual=known.usual,
        minimum=_amount(at, listed.get("minimum", "0"), asset, "minimum"),
        settlement=settlement,
        factory=factory,
        treasury=_place(at, listed, "treasury", known.kind, taken),
        custody=custody,
        send_limit=limits.get("send_limit"),
        daily_limit=limits.get("daily_limit"),
        explorer=_explorer(at, listed, known.explorer if chain_id == known.chain_id else ""),
        endpoints=endpoints,
    )


def _check_members(at: str, listed: Mapping[str, Any]) -> None:
    for member, value in listed.items():
        if member not in _KNOWN:
            if any(word in member.lower() for word in ("key", "secret", "password", "mnemonic", "seed")):
                message = f"{member} would stand here in the clear, and no channel needs it."
                raise _bad(at, member, message, "Remove it; the sender's keys are in a keystore of their own.")
            raise _bad(at, member, f"there is no setting {member!r}.", f"There are {', '.join(sorted(_KNOWN))}.")
        if member in _TEXTS and not isinstance(value, str):
            raise _bad(at, member, f"{member} must be a text.", "Write it in quotes.")
        if member in ("chain_id", "decimals") and (not isinstance(value, int) or isinstance(value, bool)):
            raise _bad(at, member, f"{member} must be a whole number.", "Write it without quotes.")


def _choice(at: str, listed: Mapping[str, Any], member: str, words: Sequence[str]) -> str:
    value = listed.get(member)
    if value not in words:
        said = f"not {value!r}" if value is not None else "and is missing"
        raise _bad(at, member, f"{member} must be one of {', '.join(words)}, {said}.", "Set one of these.")
    return str(value)


def _of_preset(at: str, listed: Mapping[str, Any], member: str, preset: str | None, words: Sequence[str]) -> str:
    """A member that the preset fixes: it may be repeated, not changed."""
    if preset is None:
        return _choice(at, listed, member, words)
    if listed.get(member, preset) != preset:
        message = f"{listed['code']} is {preset}, not {listed[member]!r}."
        raise _bad(at, member, message, "Remove it, or write a code of your own.")
    return preset


def _chain_id(
    at: str, listed: Mapping[str, Any], known: NetworkPreset, world: str, endpoints: Sequence[str], has_preset: bool
) -> int:
    if "chain_id" not in listed and (not has_preset or world == "sandbox"):
        which = "the test network that this channel is on" if world == "sandbox" else "its chain"
        raise _bad(at, "chain_id", f"chain_id must name {which}.", "Write it as a number.")
    chain_id = int(listed.get("chain_id", known.chain_id))
    if not 1 <= chain_id <= CHAIN_ID_MAX:
        raise _bad(at, "chain_id", f"{chain_id} is no chain id.", "Write the number that eth_chainId answers.")
    if world == "sandbox" and chain_id in MAINNETS and not all(map(_is_this_machine, endpoints)):
        message = f"chain {chain_id} moves real money, and the sandbox takes test networks."
        raise _bad(at, "chain_id", message, "Write a test network's, or a node of this machine.")
    return chain_id


def _token(at: str, listed: Mapping[str, Any], kind: Kind, pinned: Token | None) -> tuple[bytes, int]:
    decimals = listed.get("decimals", pinned.decimals if pinned else None)
    if decimals is None:
        raise _bad(at, "decimals", "decimals must say how many the token has.", "Write what its contract answers.")
    if not 0 <= decimals <= DECIMALS_MAX:
        raise _bad(at, "decimals", f"a token has no {decimals} decimals.", "Write what its contract answers.")
    text = listed.get("token", pinned.address if pinned else None)
    if text is None:
        raise _bad(at, "token", "token must name the token's contract on this chain.", "Write its address.")
    token = _address(at, text, kind, "token")
    if pinned and (token, decimals) != (read_address(pinned.address, kind, "token"), pinned.decimals):
        message = f"{pinned.asset} on this chain is {pinned.address} with {pinned.decimals} decimals."
        raise _bad(at, "token", message, "Remove token and decimals, or write a code of your own.")
    return token, decimals


def _place(at: str, listed: Mapping[str, Any], member: str, kind: Kind, taken: set[bytes | None]) -> bytes:
    """An address that money goes to."""
    raw = _address(at, listed[member], kind, member)
    if raw in taken:
        message = f"{member} is a contract of this channel: what is sent there is lost."
        raise _bad(at, member, message, "Write the address of a wallet of yours.")
    return raw


def _address(at: str, text: str, kind: Kind, member: str) -> bytes:
    try:
        return read_address(text, kind, member)
    except Problem as refused:
        raise _bad(at, member, f"{member}: {refused.message}", refused.cure or "") from None


def _name(at: str, listed: Mapping[str, Any], usual: str) -> str:
    name = str(listed.get("name", usual))
    if not name.strip() or len(name) > _NAME_MAX or not name.isprintable():
        raise _bad(at, "name", f"a name has 1 to {_NAME_MAX} characters.", f"Write it like {usual}.")
    return name


def _endpoints(at: str, listed: Mapping[str, Any], world: str) -> tuple[str, ...]:
    urls = listed.get("endpoints")
    if not isinstance(urls, list) or not urls or not all(isinstance(one, str) for one in urls):
        message = "endpoints must be a list of addresses of nodes."
        raise _bad(at, "endpoints", message, 'Write it like ["https://one.example", "https://two.example"].')
    if len(urls) > ENDPOINTS_MAX:
        raise _bad(at, "endpoints", f"there are {len(urls)}; {ENDPOINTS_MAX} at most.", "Remove some.")
    for number, url in enumerate(urls, 1):
        if not _is_endpoint(url):
            message = f"endpoint {number} is no address that is safe to call."
            raise _bad(at, "endpoints", message, "Write https://host/path; http is for this machine's own nodes.")
    if len(set(urls)) != len(urls):
        raise _bad(at, "endpoints", "an endpoint stands there twice.", "Name each once.")
    if world == "live" and len({_host(one) for one in urls}) < 2:
        message = "a live channel believes only what two nodes of different hosts say."
        raise _bad(at, "endpoints", message, "Add an endpoint of another provider, or a node of your own.")
    return tuple(urls)


def _is_endpoint(url: str) -> bool:
    if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or " " in url:
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


def _confirmations(at: str, value: object, kind: Kind, asset: str) -> Steps:
    """A number or a tag for all amounts, or a table of them by the amount from which they hold."""
    listed = value if isinstance(value, Mapping) else {"0": value}
    cure = 'Write it like 12, "finalized", or { 0 = 10, 1000 = "safe" }.'
    if not 1 <= len(listed) <= STEPS_MAX or any(not _AMOUNT.fullmatch(str(amount)) for amount in listed):
        raise _bad(at, "confirmations", f"confirmations has 1 to {STEPS_MAX} whole amounts.", cure)
    steps = []
    for amount, required in listed.items():
        if isinstance(required, int) and not isinstance(required, bool):
            if not 1 <= required <= CONFIRMATIONS_MAX:
                message = f"{required} is no number of confirmations."
                raise _bad(at, "confirmations", message, f"Write 1 to {CONFIRMATIONS_MAX}.")
        elif required not in TAGS:
            raise _bad(at, "confirmations", f"{required!r} is neither a number, safe nor finalized.", cure)
        elif kind == "tron" and required == "safe":
            raise _bad(at, "confirmations", "TRON knows no safe block.", 'Write "finalized" or a number.')
        steps.append(Step(int(amount) * 10 ** EXPONENTS[asset], required))
    steps.sort(key=lambda step: step.from_units)
    if steps[0].from_units:
        raise _bad(at, "confirmations", "nothing is said of small amounts.", "Let the first amount be 0.")
    return tuple(steps)


def _amount(at: str, value: object, asset: str, member: str) -> int:
    """Book units."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    try:
        return from_text(text, asset, member).units
    except Problem:
        message = f"{member} must be an amount of {asset}."
        raise _bad(at, member, message, 'Write it like "1.00", in quotes.') from None


def _explorer(at: str, listed: Mapping[str, Any], usual: str) -> str:
    url = str(listed.get("explorer", usual)).rstrip("/")
    if url and (not url.startswith("https://") or not _is_endpoint(url.removesuffix("/#")) or "?" in url):
        raise _bad(at, "explorer", "explorer must be an https address.", "Write it like https://basescan.org.")
    return url


def _check_together(found: Sequence[ChannelSettings]) -> None:
    """Refuses channels of one chain that disagree about the chain."""
    seen: dict[str, ChannelSettings] = {}
    for one in found:
        at = f"channels[{one.code}]"
        if one.code in seen:
            raise _bad(at, "code", f"two channels are called {one.code}.", "Give each its own code, in both worlds.")
        for other in seen.values():
            if (other.world, other.chain_id) != (one.world, one.chain_id):
                continue
            if other.token == one.token:
                message = f"{other.code} takes this token on this chain already."
                raise _bad(at, "token", message, "Remove one of them.")
            if (other.network, other.kind) != (one.network, one.kind):
                message = f"{other.code} calls this chain {other.network}."
                raise _bad(at, "network", message, "Call it by one name.")
            if set(other.endpoints) != set(one.endpoints):
                message = f"{other.code} names other endpoints for this chain."
                raise _bad(at, "endpoints", message, "Write the same for all channels of a chain.")
            if other.factory != one.factory:
                message = f"{other.code} names another factory on this chain."
                raise _bad(at, "factory", message, "Write the same for all channels of a chain.")
        seen[one.code] = one


def _bad(at: str, member: str, message: str, cure: str) -> Problem:
    return invalid(f"{at}: {message}", f"{at}.{member}", cure)

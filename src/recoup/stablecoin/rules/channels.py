"""The channels by which a payer can pay, as data. A gateway of the same code does what a channel's
row promises.

The two mock channels are always there. Others are served from the settings, once a process, before
anything is asked.

Source: contract stablecoin-api §2.5 (fields, known codes), §5 (the two test channels).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem

NETWORKS: Final = ("tron", "base", "bsc", "ethereum", "polygon", "arbitrum")


@frozen
class Channel:
    """`currencies` empty: any. `network` None: not reached by routing. `direct` money goes to the
    merchant's own wallet and never comes back through us; `custodial` money is kept for the
    merchant and can be refunded. `pays_out_to`: the chains that a payout may name. Of a chain:
    `chain`: its kind, `minimum`: the least amount in book units, `confirmations`: how many it asks
    for, in words."""

    code: str
    name: str
    kind: Literal["crypto", "local", "other"]
    settlement: Literal["direct", "custodial"]
    test: bool
    currencies: tuple[str, ...] = ()
    pay_currencies: tuple[str, ...] = ()
    network: str | None = None
    requires_watcher: bool = False
    pays_out_to: tuple[str, ...] = ()
    chain: Literal["evm", "tron"] | None = None
    minimum: int = 0
    confirmations: str = ""

    @property
    def supports_refund(self) -> bool:
        return self.settlement == "custodial"

    def takes(self, currency: str) -> bool:
        return not self.currencies or currency in self.currencies


MOCKS: Final[Mapping[str, Channel]] = {
    channel.code: channel
    for channel in (
        Channel(
            "mock", "Mock (test)", "other", "custodial", test=True, pays_out_to=("mock", *NETWORKS)
        ),
        Channel("mock_direct", "Mock direct (test)", "other", "direct", test=True),
    )
}
# Codes that callers know of the live environment, whether or not they are served.
LIVE_CODES: Final = frozenset({
    "stripe", "usdt_trc20", "usdt_erc20", "usdc_erc20", "usdc_base", "usdt_bep20", "usdc_bep20",
    "usdt_polygon", "usdc_polygon", "usdt_arbitrum", "usdc_arbitrum",
})  # fmt: skip

_served: dict[str, Channel] = dict(MOCKS)
CHANNELS: Final[Mapping[str, Channel]] = MappingProxyType(_served)
"""What is served, by code, of both environments."""


def serve(channels: Iterable[Channel]) -> tuple[Channel, ...]:
    """Takes these into use beside the mock channels, instead of what was served before, which it
    answers.

    Raises: ValueError for a code that is taken.
    """
    before = tuple(channel for channel in _served.values() if channel.code not in MOCKS)
    made = dict(MOCKS)
    for channel in channels:
        if channel.code in made:
            raise ValueError(f"two channels are called {channel.code}")
        made[channel.code] = channel
    _served.clear()
    _served.update(made)
    return before


def choose(code: str | None, network: str | None, currency: str, *, test: bool) -> Channel | None:
    """The channel of a charge, named or routed; None when the payer is to pick one.

    Raises: Problem(invalid), its `detail` the finer code: channel_not_found,
    channel_environment_mismatch, no_route.
    """
    if code is not None and network is not None:
        raise _no(
            "invalid_request",
            "Name channel or network, not both.",
            "network",
            "Leave one of them out.",
        )
    if network is not None:
        on_network = next(
            (c for c in enabled(test=test) if c.network == network and c.takes(currency)), None
        )
        if on_network is None:
            message = f"No enabled channel takes {currency} on the network {network[:32]!r}."
            raise _no("no_route", message, "network", "GET /api/v1/channels lists what is enabled.")
        return on_network
    if code is None:
        if not enabled(test=test):
            raise _no(
                "no_route",
                "No channel is enabled in this environment.",
                "channel",
                "Ask the operator to enable one.",
            )
        return None
    channel = CHANNELS.get(code)
    if channel and channel.test is not test or channel is None and test and code in LIVE_CODES:
        mode = "test" if test else "live"
        message = (
            f"The channel {code[:64]!r} does not belong to the {mode} environment of this key."
        )
        raise _no(
            "channel_environment_mismatch",
            message,
            "channel",
            "Use a channel of the key's own mode.",
        )
    if channel is None:
        message = f"There is no channel {code[:64]!r}."
        raise _no("channel_not_found", message, "channel", "GET /api/v1/channels lists them.")
    if not channel.takes(currency):
        message = f"The channel {code} does not take {currency}."
        raise _no(
            "invalid_request", message, "currency", f"It takes {', '.join(channel.currencies)}."
        )
    return channel


def network_of(code: str) -> str:
    """The network that a channel pays on; the channel's own code where it names none."""
    channel = CHANNELS.get(code)
    return channel.network or code if channel else code


def enabled(*, test: bool) -> tuple[Channel, ...]:
    return tuple(channel for channel in CHANNELS.values() if channel.test is test)


def _no(detail: str, message: str, field: str, cure: str) -> Problem:
    return Problem("invalid", message, cure, field=field, detail=detail)

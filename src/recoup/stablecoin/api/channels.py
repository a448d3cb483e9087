"""GET /channels. Source: contract stablecoin-api §2.5."""

from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from recoup.kernel.filled import filled
from recoup.stablecoin.api.resource import Call, signed_api
from recoup.stablecoin.rules.channels import Channel, enabled


class ChannelObject(Struct, frozen=True):
    code: str
    """Value for `channel`."""
    name: str
    name_is_default: bool
    kind: Literal["crypto", "local", "other"]
    settlement: Literal["direct", "custodial"]
    currencies: list[str]
    """Empty: any currency."""
    supports_refund: bool
    requires_watcher: bool
    environment: Literal["test", "live"]
    network: str | UnsetType = UNSET
    """Value for `network`, if it can be selected by it."""
    pay_currencies: list[str] | UnsetType = UNSET
    """The first is the default."""


class ChannelList(Struct, frozen=True):
    data: list[ChannelObject]


api: Final = signed_api("Channels", "payments")


@api("GET /api/v1/channels")
@api.example(
    "The test channels",
    None,
    {
        "data": [
            {
                "code": "mock",
                "name": "Mock (test)",
                "settlement": "custodial",
                "supports_refund": True,
            },
            {"code": "mock_direct", "settlement": "direct", "supports_refund": False},
        ]
    },
)
async def list_all(call: Call) -> ChannelList:
    """List channels. The channels enabled for the key's environment."""
    return ChannelList(
        [_object(channel) for channel in enabled(test=call.services.world.policy.test_mode)]
    )


def _object(channel: Channel) -> ChannelObject:
    return filled(
        ChannelObject,
        channel,
        name_is_default=True,
        currencies=list(channel.currencies),
        environment="test" if channel.test else "live",
        network=channel.network or UNSET,
        pay_currencies=list(channel.pay_currencies) or UNSET,
    )

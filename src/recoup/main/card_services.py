"""What a world's card routes offer beside charges: word of replaced cards, and network tokens."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from recoup.gateways.cards.bridge import Bridge
from recoup.gateways.cards.port import Processor
from recoup.gateways.cards.token_service import TokenService
from recoup.gateways.cards.updater import RouteUpdater, RouteUpdaters, Updater
from recoup.kernel.problem import Problem
from recoup.main.settings import Settings

_NONE: Final[Mapping[str, RouteUpdater]] = MappingProxyType({})
_NO_TOKENS: Final[Mapping[str, TokenService]] = MappingProxyType({})


def check_services(settings: Settings) -> None:
    """Raises: Problem(invalid) for what the live world's bridge shall offer where none is set."""
    for name, offered in _OFFERED.items():
        if getattr(settings, name) and not settings.live_processor_url:
            cure = f"Set live_processor_url, or take {name} away."
            raise Problem("invalid", f"{offered} by the live world's bridge, and none is set.", field=name, cure=cure)


_OFFERED: Final = {
    "live_processor_updater": "The account updater is reached",
    "live_processor_tokens": "Network tokens are made",
}


def updaters_of(
    settings: Settings, world: str, processors: Mapping[str, Processor], own: Mapping[str, RouteUpdater] = _NONE
) -> Updater | None:
    """`own`: the world's, beside the bridges whose settings say that they answer."""
    able = {name: one for name, one in bridges_of(settings, world, processors).items() if one.updates}
    if not own and not able:
        return None
    numbers = {name for name, one in able.items() if "card" in one.takes}
    return RouteUpdaters({**own, **able}, frozenset({*own, *numbers}))


def token_services_of(
    settings: Settings, world: str, processors: Mapping[str, Processor], own: Mapping[str, TokenService] = _NO_TOKENS
) -> Mapping[str, TokenService]:
    """`own`: the world's, before the bridges whose settings say so."""
    bridges = bridges_of(settings, world, processors)
    return {**own, **{name: one for name, one in bridges.items() if "network_token" in one.takes}}


def bridges_of(settings: Settings, world: str, processors: Mapping[str, Processor]) -> dict[str, Bridge]:
    """Those of the settings, in their order."""
    names = ["bridge", *(one.name for one in settings.routes if one.world == world)]
    found = {name: processors.get(name) for name in names}
    return {name: one for name, one in found.items() if isinstance(one, Bridge)}

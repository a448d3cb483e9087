"""Clients of Recoup's rescue API (`Recoup`) and stablecoin API (`RecoupStablecoin`).

Each is also there with coroutines: `Async…`.
"""

from recoup_client import errors
from recoup_client.errors import *  # noqa: F403 - one class a code, and RecoupError
from recoup_client.rescue_calls import AsyncRecoup, Recoup
from recoup_client.rescue_shapes import RescueEvent, StandardEvent
from recoup_client.stablecoin_calls import AsyncRecoupStablecoin, RecoupStablecoin
from recoup_client.stablecoin_shapes import StablecoinEvent
from recoup_client.webhooks import construct_event

__all__ = [
    "AsyncRecoup",
    "AsyncRecoupStablecoin",
    "Recoup",
    "RecoupStablecoin",
    "RescueEvent",
    "StablecoinEvent",
    "StandardEvent",
    "construct_event",
]
__all__ += errors.__all__

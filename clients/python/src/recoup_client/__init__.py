"""Client of Recoup's rescue API (`Recoup`) and stablecoin API (`RecoupStablecoin`), each also awaiting (`Async…`)."""

from recoup_client.problem import RecoupError
from recoup_client.rescue_calls import AsyncRecoup, Recoup
from recoup_client.stablecoin_calls import AsyncRecoupStablecoin, RecoupStablecoin

__all__ = ["AsyncRecoup", "AsyncRecoupStablecoin", "Recoup", "RecoupError", "RecoupStablecoin"]

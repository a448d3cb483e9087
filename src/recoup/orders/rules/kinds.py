"""Kinds of orders, and the door that each comes by."""

from typing import Literal

OrderKind = Literal["cit_web", "cit_callcenter", "mit_managed", "mit_sync", "stable"]
Door = Literal["rescue", "stablecoin"]

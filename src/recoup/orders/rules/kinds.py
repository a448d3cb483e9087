"""What kinds of orders there are, and by which door they come."""

from typing import Literal

OrderKind = Literal["cit_web", "cit_callcenter", "mit_managed", "mit_sync", "stable"]
Door = Literal["rescue", "stablecoin"]

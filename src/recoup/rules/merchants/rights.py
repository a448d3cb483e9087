"""What `rights.toml` says. Pure but for that one file."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

RIGHTS: Final[dict[str, dict[str, Any]]] = tomllib.loads((files(__package__) / "rights.toml").read_text("utf-8"))
MAY: Final[Mapping[str, frozenset[str]]] = {role: frozenset(may) for role, may in RIGHTS["roles"].items()}
PARTNER_MAY: Final[Mapping[str, frozenset[str]]] = {role: frozenset(may) for role, may in RIGHTS["seats"].items()}

"""What `rights.toml` says. Pure but for that one file."""

import tomllib
from importlib.resources import files
from typing import Any, Final

RIGHTS: Final[dict[str, dict[str, Any]]] = tomllib.loads((files(__package__) / "rights.toml").read_text("utf-8"))

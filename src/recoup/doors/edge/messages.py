"""What each error code of the stablecoin API means, in each language. In English an answer says the particulars."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import msgspec

# language -> code -> text
MESSAGES: Final[Mapping[str, Mapping[str, str]]] = msgspec.json.decode(
    (files("recoup.doors.edge") / "messages.json").read_bytes(), type=dict[str, dict[str, str]]
)

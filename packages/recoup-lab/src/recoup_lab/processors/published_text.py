"""Facts that a vendor publishes, kept as text: blocks of `name: fact fact …`, continued by indented
lines."""

import base64
import binascii
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def blocks_of(file: Path) -> Mapping[str, tuple[str, ...]]:
    text = "\n".join(
        line for line in file.read_text().splitlines() if line and not line.startswith("#")
    )
    blocks = (block.partition(": ") for block in re.split(r"\n(?! )", text))
    return {name: tuple(facts.split()) for name, _, facts in blocks}


def is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False

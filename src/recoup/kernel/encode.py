"""JSON of our values, the one way that all subjects write it: a sentence is its text."""

from typing import Any, Final

import msgspec

from recoup.kernel.problem import Sentence


def _text(value: object) -> str:
    if isinstance(value, Sentence):
        return str(value)
    raise NotImplementedError(f"Encoding objects of type {type(value).__name__} is unsupported")


_encoder: Final = msgspec.json.Encoder(enc_hook=_text)
encode: Final = _encoder.encode
encode_lines: Final = _encoder.encode_lines
encode_sorted: Final = msgspec.json.Encoder(order="sorted", enc_hook=_text).encode


def to_plain(value: object) -> Any:
    """Turns a value into dicts, lists and plain values only, as JSON has them."""
    return msgspec.to_builtins(value, enc_hook=_text)

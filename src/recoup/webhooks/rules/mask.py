"""Masking of a receiver's answer, which may repeat what proves us or others to it: that is not
shown."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

MASK: Final = "••••"


PROOFS: Final = frozenset({
    "x-fc-nonce", "x-fc-authorization", "x-fc-signature", "webhook-signature", "x-fluxa-signature",
})  # fmt: skip


_SAID: Final = re.compile(
    r"""((?:signature|secret|password|token|api[-_]?key|authorization)["']?\s*[:=]\s*["']?"""
    r"""|(?:bearer|basic|apikey)\s+)"""
    r"""[^\s"'<>&;]{8,}""",
    re.IGNORECASE,
)


_DIGITS: Final = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")


def masked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The same names, with the proofs' values hidden."""
    return {name: MASK if name in PROOFS else value for name, value in headers.items()}


def masked(text: str, secrets: Iterable[str]) -> str:
    """Text without the secrets, without what is called one, and without digits as long as a card's
    number."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, MASK)
    return _DIGITS.sub(MASK, _SAID.sub(rf"\1{MASK}", text))

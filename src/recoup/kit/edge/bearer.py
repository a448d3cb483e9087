"""The access token of a call: after `Bearer`, or alone. Source: the vendor takes both."""


def bearer_token(given: bytes | None) -> bytes | None:
    """`given`: the Authorization header. None where it holds something else."""
    kind, _, value = (given or b"").strip().partition(b" ")
    if kind.lower() == b"bearer":
        return value.strip() or None
    return kind if not value and kind.count(b".") == 2 else None

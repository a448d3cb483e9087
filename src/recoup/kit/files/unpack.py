"""A file's bytes as they were before they were packed, within bounds."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from recoup.kernel.problem import Sentence, figure, too_large
from recoup.kernel.stop import look_up

UNPACKED_MAX: Final = 1 << 30
RATIO_MAX: Final = (
    250  # beyond the first megabytes nothing that people write is packed more tightly
)
RATIO_FROM: Final = 16 << 20
MEMBERS_MAX: Final = 1_000  # packed files one after the other; each costs a copy of what follows it
_GZIP: Final = b"\x1f\x8b"
_OUT: Final = 1 << 18


class Unpacked:
    """Iterating gives plain bytes, a piece at a time. `broken`: the packing ends early or is
    damaged; what came before is whole.

    Raises: Problem(too_large) for more than the bounds.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._read = self._made = self._members = 0
        self.packed = self.broken = False

    def __iter__(self) -> Iterator[bytes]:
        every = iter(self._chunks)
        first = next(every, b"")
        self.packed = first.startswith(_GZIP)
        for piece in self._inflated(first, every) if self.packed else _chained(first, every):
            look_up()
            self._made += len(piece)
            check_unpacked(self._made, self._read if self.packed else self._made)
            yield piece

    def _inflated(self, first: bytes, every: Iterator[bytes]) -> Iterator[bytes]:
        inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        for chunk in _chained(first, every):
            self._read += len(chunk)
            more = True
            while more:
                if inflate.eof:  # several packed files one after the other are one
                    if not chunk.strip(b"\0"):
                        break
                    self._count_member()
                    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
                try:
                    piece = inflate.decompress(chunk, _OUT)
                except zlib.error:
                    self.broken = True
                    return
                if piece:
                    yield piece
                chunk = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
                more = bool(chunk) or len(piece) == _OUT
        self.broken = not inflate.eof

    def _count_member(self) -> None:
        """Raises: Problem(too_large)."""
        self._members += 1
        if self._members >= MEMBERS_MAX:
            raise too_large(
                Sentence("The file is made of more than {0} packed ones.", figure(MEMBERS_MAX)),
                "Pack it as one.",
            )


def check_unpacked(made: int, packed: int) -> None:
    """Checks that so many bytes may come of so many. Raises: Problem(too_large)."""
    if made > UNPACKED_MAX or made > RATIO_FROM and made > RATIO_MAX * max(1, packed):
        raise too_large(
            Sentence(
                "Unpacked, the file is larger than {0} MB, or packed more tightly than any real "
                "one.",
                UNPACKED_MAX >> 20,
            )
        )


def _chained(first: bytes, every: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from every

"""Packed files: whole, cut, damaged, several in one, and bombs."""

import gzip
import random
import zlib
from collections.abc import Iterator

import pytest

from recoup.kernel.problem import Problem
from recoup.kit.files.unpack import Unpacked


def unpacked(data: bytes, size: int = 1_000) -> tuple[bytes, Unpacked]:
    source = Unpacked(data[at : at + size] for at in range(0, len(data), size))
    return b"".join(source), source


PLAIN = random.Random(3).randbytes(3_000) * 200


def test_what_was_packed_comes_out() -> None:
    assert unpacked(PLAIN)[0] == PLAIN
    for level in (1, 9):
        whole, source = unpacked(gzip.compress(PLAIN, level))
        assert whole == PLAIN
        assert source.packed
        assert not source.broken
    assert unpacked(gzip.compress(b"a\n") + gzip.compress(b"b\n") + b"\0\0")[0] == b"a\nb\n"
    assert unpacked(gzip.compress(b"x" * 3_000_000), 1 << 20)[0] == b"x" * 3_000_000


def test_what_was_cut_gives_what_came() -> None:
    packed = gzip.compress(random.Random(4).randbytes(50_000))
    whole, source = unpacked(packed[:-20_000])
    assert source.broken
    assert 0 < len(whole) < 50_000
    assert unpacked(packed[:-3])[1].broken
    assert unpacked(packed[:20_000] + b"\0" * 50 + packed[20_050:])[1].broken


def test_a_bomb_is_refused_before_it_has_grown() -> None:
    made: list[int] = []

    def bomb() -> Iterator[bytes]:
        pack = zlib.compressobj(9, wbits=31)
        while True:
            yield pack.compress(b"\0" * (4 << 20)) + pack.flush(zlib.Z_SYNC_FLUSH)

    with pytest.raises(Problem, match="Unpacked"):
        made.extend(map(len, Unpacked(bomb())))
    assert sum(made) < 64 << 20


def test_a_file_of_countless_empty_ones_is_refused_at_once() -> None:
    """A quarter of a gigabyte of them had kept a thread busy for minutes."""
    with pytest.raises(Problem, match="packed ones"):
        unpacked(gzip.compress(b"", mtime=0) * 50_000, 1 << 18)
    assert unpacked(gzip.compress(b"x") * 500)[0] == b"x" * 500

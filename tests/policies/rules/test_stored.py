"""What is stored of a decision is read again whole, or refused."""

from dataclasses import dataclass

import pytest

from recoup.kernel.stored import Stored


@dataclass(frozen=True, slots=True)
class Inner:
    code: str
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Outer(Stored):
    inner: Inner
    seen: tuple[Inner, ...] = ()


def test_what_is_stored_comes_back() -> None:
    kept = Outer(Inner("51", 2), (Inner("05"),))
    assert Outer.from_dict(kept.features()) == kept


def test_a_name_that_is_not_kept_is_refused_at_any_depth() -> None:
    for stored in (
        {"inner": {"code": "51"}, "more": 1},
        {"inner": {"code": "51", "more": 1}},
        {"inner": {"code": "51"}, "seen": [{"code": "05", "more": 1}]},
        {"inner": {"code": 51}},
        {"inner": {}},
    ):
        with pytest.raises(ValueError, match=r"has no more|Expected|missing"):
            Outer.from_dict(stored)

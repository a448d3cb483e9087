"""Thousands of collected tests live until the end: the garbage collector need not look through them
again and again, while they are collected or later, nor through what a test has just made."""

import gc

import pytest
from hypothesis.internal.entropy import deterministic_PRNG


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    with (
        deterministic_PRNG()
    ):  # makes Hypothesis's dice, whose holder it would not find among the frozen
        pass
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 10)
    gc.enable()

"""Calls in process that look for no library that is not there: httpx would for each call, and Python keeps no note of
what it did not find."""

import sys
from importlib.util import find_spec


def pytest_configure() -> None:
    if "sniffio" not in sys.modules and find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment]

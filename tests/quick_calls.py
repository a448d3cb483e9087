"""Calls of tests that do nothing twice: httpx would look for a library that is not there for each
call, as Python keeps no note of what it did not find; and for each client it would read the
machine's authorities."""

import ssl
import sys
from functools import cache
from importlib.util import find_spec
from typing import Any

from httpx import _config
from httpx._transports import default

real = _config.create_ssl_context


@cache
def _usual() -> ssl.SSLContext:
    return real()


def create_ssl_context(
    verify: Any = True, cert: Any = None, trust_env: bool = True
) -> ssl.SSLContext:
    return _usual() if verify is True and cert is None else real(verify, cert, trust_env)


def pytest_configure() -> None:
    if "sniffio" not in sys.modules and find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment]
    default.create_ssl_context = create_ssl_context

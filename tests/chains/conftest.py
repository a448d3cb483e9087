"""The nodes that tests of this folder ask for."""

from tests.chains.node import anvil
from tests.chains.tron.double import tron, tron_process

# before any test that signs: it holds Python's limit of depth
import recoup.chains.keystore  # noqa: F401

__all__ = ["anvil", "tron", "tron_process"]

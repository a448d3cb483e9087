"""The nodes that tests of this folder ask for."""

from tests.features.chains.node import anvil
from tests.features.chains.tron.double import tron

__all__ = ["anvil", "tron"]

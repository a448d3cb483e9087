"""The nodes that tests of this folder ask for."""

from tests.features.chains.node import anvil
from tests.features.chains.tron.double import tron, tron_process

__all__ = ["anvil", "tron", "tron_process"]

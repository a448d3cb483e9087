"""The node that tests of this folder ask for."""

from tests.features.chains.node import anvil

__all__ = ["anvil"]

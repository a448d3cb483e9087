"""The sandbox's issuer, for flows that script its answers."""

from typing import Final, TypeGuard

from recoup.kit.world import World
from recoup.processors.gateways.port import Processor
from recoup.processors.gateways.sandbox.processor import SandboxProcessor

ROUTE: Final = "sandbox"


def sandbox_issuer(world: World) -> SandboxProcessor:
    """The issuer of a sandbox; no other world has one."""
    processor = world.processors[ROUTE]
    if not _is_sandbox(processor):
        raise LookupError("This world's processor is not the sandbox's.")
    return processor


def _is_sandbox(processor: Processor) -> TypeGuard[SandboxProcessor]:
    return hasattr(processor, "force")

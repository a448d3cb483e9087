"""Rights as `rights.toml` has them. Pure but for that one file."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor

RIGHTS: Final[dict[str, dict[str, Any]]] = tomllib.loads(
    (files(__package__) / "rights.toml").read_text("utf-8")
)
MAY: Final[Mapping[str, frozenset[str]]] = {
    role: frozenset(may) for role, may in RIGHTS["roles"].items()
}
PARTNER_MAY: Final[Mapping[str, frozenset[str]]] = {
    role: frozenset(may) for role, may in RIGHTS["seats"].items()
}


def check_act(actor: Actor, act: str) -> None:
    """Raises: Problem(forbidden) for what an impersonator may not do, by whatever door it comes."""
    if actor.behind and {act, act.partition(".")[0]} & set(RIGHTS["impersonators"]["never"]):
        raise closed()


def closed() -> Problem:
    return Problem(
        "forbidden",
        "This cannot be done while you impersonate somebody; nothing was done.",
        cure="End the impersonation, and do it as yourself where your role allows.",
    )

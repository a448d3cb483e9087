"""The lines of the live check: what each means for the doors of live. Pure."""

import re
from typing import Final, Literal, NamedTuple

from recoup.kernel.problem import Sentence

Verdict = Literal["pass", "wait", "refuse", "waived"]
Shuts = Literal["start", "first", "never"]
EXIT_CODES: Final = {"pass": 0, "waived": 0, "wait": 1, "refuse": 2}
# What each line is about, in the order in which they are shown, and whether its refusal keeps live
# shut: at each start of a door, for it is a setting that somebody made wrong; before live has
# opened for the first time; or never.
LINES: Final[dict[str, tuple[str, Shuts]]] = {
    "schema": ("Databases", "start"),
    "https": ("HTTPS", "start"),
    "address": ("Public address", "start"),
    "certificate": ("Certificate", "never"),
    "server": ("Database server", "start"),
    "settings": ("Settings", "start"),
    "processors": ("Card processors", "start"),
    "routes": ("Checks of card processors", "first"),
    "countries": ("Countries of the accounts", "first"),
    "operator": ("Operator's people", "first"),
    "passwords": ("Sandbox people", "first"),
    "mail": ("Alerts by e-mail", "first"),
    "monitoring": ("Monitoring", "first"),
    "copies": ("Backups", "first"),
    "keys": ("Copy of the keys", "first"),
    "worker": ("Worker", "never"),
    "upkeep": ("Database upkeep", "first"),
    "bank": ("Bank files", "first"),
    "disk": ("Disk space", "never"),
    "clock": ("Clock", "never"),
    "quarantine": ("Quarantine", "never"),
    "sending": ("Sending", "never"),
}
WAIVABLE: Final = tuple(
    name for name in LINES if name not in ("schema", "quarantine", "sending", "clock")
)


_NOBODYS: Final = re.compile(r"[@.](example|test|invalid|localhost)$")


def is_nobodys(email: str) -> bool:
    """True when the address is in a domain that nobody can have. Source: RFC 2606 §2."""
    return _NOBODYS.search(email) is not None


class CheckLine(NamedTuple):
    """`subject`: of what kind there are several, as the name of a route."""

    name: str
    verdict: Verdict
    finding: "str | Sentence"
    cure: "str | Sentence" = ""
    subject: str = ""

    @property
    def title(self) -> str:
        return LINES[self.name][0]

    def shuts(self, *, is_open: bool) -> bool:
        """True when it keeps live shut. `is_open`: live was open once."""
        when = LINES[self.name][1]
        return self.verdict == "refuse" and (when == "start" or when == "first" and not is_open)

"""Guard of the addresses that Recoup may call on someone else's behalf: public ones, by https. No
I/O.

Addresses inside a network answer things that nobody outside may hear (cloud metadata, databases,
admin pages), so everything that is not plainly public is refused, and so is every odd spelling that
another program could read differently. Names are only checked for form here; what they resolve to
is checked at each delivery. Source: IANA special-purpose address registries (RFC 6890 and later);
contract §17.1 for the sandbox's loopback.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, invalid

URL_CHARS_MAX: Final = 2048
LOOPBACK: Final = "127.0.0.1"

_REFUSED_4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' NAT; one cloud's metadata
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local; most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; one cloud's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "168.63.129.16/32",  # a cloud's metadata at a public-looking address
    )
)
# Everything outside 2000::/3 is refused: mapped, NAT64, unique local, link-local, site-local,
# multicast.
_PUBLIC_6: Final = IPv6Network("2000::/3")
_REFUSED_6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_ISATAP: Final = (0x00005EFE, 0x02005EFE)

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?",
    re.ASCII | re.IGNORECASE,
)
_TEXT: Final = re.compile(r"[!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+", re.ASCII)
_AUTHORITY: Final = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII
)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_QUAD: Final = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})", re.ASCII)
_LOCAL_ENDS: Final = (
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "lan",
    "arpa",
    "onion",
)


@frozen
class ParsedUrl:
    """An address in parts, read once: what was checked is what is called.

    `scheme` and `host` are lower case; an IPv6 `host` is without brackets; `address` is set when
    the host is a literal; `port` is always set; `target` is path and query as sent.
    """

    scheme: str
    host: str
    address: IPv4Address | IPv6Address | None
    port: int
    target: str

    @property
    def host_header(self) -> str:
        """The Host that a receiver sees, and that a signature covers: the port only when it is not
        the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _usual_port(self.scheme) else f"{host}:{self.port}"

    def text(self) -> str:
        return f"{self.scheme}://{self.host_header}{self.target}"


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """May this address be called in someone else's name?"""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_4)
    if address not in _PUBLIC_6 or any(address in network for network in _REFUSED_6):
        return False
    # An interface id that carries an IPv4 address is a tunnel's end.
    return int(address) >> 32 & 0xFFFFFFFF not in _ISATAP


def check_url(url: str, *, loopback: bool) -> Problem | ParsedUrl:
    """Reads and checks the form of an address and, when its host is a literal, the host itself.

    `loopback` (the sandbox) also allows exactly `http://127.0.0.1:<port>` with any path. Returns a
    Problem(invalid) that says what to change; never raises, never resolves a name.
    """
    match = _URL.fullmatch(url) if len(url) <= URL_CHARS_MAX and _TEXT.fullmatch(url) else None
    if match is None:
        return _problem(
            "is not a plain https address", "Send an address like https://example.com/hooks."
        )
    scheme, authority = match["scheme"].lower(), match["authority"]
    if "@" in authority:
        return _problem("carries user information", "Leave out the part before the @.")
    parts = _AUTHORITY.fullmatch(authority)
    port = int(parts["port"] or _usual_port(scheme)) if parts else 0
    if parts is None or not 1 <= port <= 65535:
        return _problem(
            "has a host or port that cannot be read", "Write the host as name, or name:port."
        )
    host = parts["host"].lower()
    address = _read_address(host)
    if isinstance(address, Problem):
        return _with_loopback_cure(address) if loopback else address
    target = (match["path"] or "/") + (f"?{match['query']}" if match["query"] is not None else "")
    parsed = ParsedUrl(scheme, host.strip("[]"), address, port, target)
    if loopback and scheme == "http" and host == LOOPBACK and parts["port"]:
        return parsed
    reached = _check_reach(parsed)
    return _with_loopback_cure(reached) if loopback and isinstance(reached, Problem) else reached


def _with_loopback_cure(problem: Problem) -> Problem:
    """Adds what the sandbox takes besides, for receivers on a developer's own machine."""
    cure = (
        f"{problem.cure} For a receiver on this machine send http://127.0.0.1:PORT, with its "
        f"port and no name."
    )
    return Problem(problem.code, problem.message, cure, field=problem.field)


def _check_reach(parsed: ParsedUrl) -> Problem | ParsedUrl:
    if parsed.address and not is_public(parsed.address):
        return _problem(
            "is not a public address", "Use an address that can be reached from the internet."
        )
    if parsed.scheme != "https":
        return _problem("is not https", "Use an https address.")
    return parsed


def _read_address(host: str) -> IPv4Address | IPv6Address | Problem | None:
    """The literal, None for a name, or what is wrong."""
    if host.startswith("["):
        try:
            return IPv6Address(host[1:-1])
        except ValueError:
            return _problem(
                "has a host that cannot be read", "Write an IPv6 address in its usual form."
            )
    labels = host.split(".")
    # A last label that is a number makes the whole an IPv4 address to some programs: 0x7f.1,
    # 2130706433,
    # 127.1.
    if _NUMBER.fullmatch(labels[-1]):
        quad = _QUAD.fullmatch(host) and all(int(label) <= 255 for label in labels)
        plain = "Write an IPv4 address as four plain numbers."
        return IPv4Address(host) if quad else _problem("has an oddly written address", plain)
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return _problem(
            "has a host that is not a name",
            "Write the name without a last dot, other scripts as xn--….",
        )
    if len(labels) < 2 or labels[-1] in _LOCAL_ENDS:
        return _problem(
            "has a name that is not public", "Use a name that can be reached from the internet."
        )
    return None


def _usual_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _problem(what: str, cure: str) -> Problem:
    return invalid(f"The field url {what}.", "url", cure)

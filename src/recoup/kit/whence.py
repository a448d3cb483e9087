"""Origin of a sign-in, in a few words: enough to know one's own browser by, too little to follow
anybody."""

from ipaddress import ip_address, ip_network
from typing import Final

from recoup.kernel.cached import cached

ADDRESS_MAX: Final = 45
_AGENT_MAX: Final = 512
# The first that is found counts: most browsers name others, too.
_BROWSERS: Final = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"),
    ("Chrome", "Chrome"), ("Chromium", "Chrome"), ("Safari", "Safari"), ("curl", "curl"),
    ("python-httpx", "a Python program"), ("python", "a Python program"),
)  # fmt: skip
BROWSER_NAMES: Final = tuple(dict.fromkeys(word[0].upper() + word[1:] for _, word in _BROWSERS))
_SYSTEMS: Final = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
    ("CrOS", "ChromeOS"), ("Mac OS", "Mac"), ("Macintosh", "Mac"), ("Linux", "Linux"),
)  # fmt: skip


def browser_words(agent: str) -> str:
    """`Firefox on Linux`. Nothing of what was sent is kept but words from these lists."""
    agent = agent[:_AGENT_MAX]
    browser = next((word for sign, word in _BROWSERS if sign in agent), "")
    system = next((word for sign, word in _SYSTEMS if sign in agent), "")
    if not browser:
        return f"A browser on {system}" if system else "An unknown browser"
    name = browser[0].upper() + browser[1:]
    return f"{name} on {system}" if system else name


def address_words(address: str) -> str:
    return "".join(c for c in address if c.isascii() and c.isprintable())[:ADDRESS_MAX] or "unknown"


@cached(4096)
def network_of(host: str) -> str:
    """Network of an address, as far as logs keep where something came from: `203.0.113.0/24`, a /48
    of IPv6; empty for what is no address."""
    try:
        address = ip_address(host.partition("%")[0].partition("/")[0])
    except ValueError:
        return ""
    address = getattr(address, "ipv4_mapped", None) or address
    return str(ip_network((address, 24 if address.version == 4 else 48), strict=False))

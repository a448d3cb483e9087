"""Hosts, as addresses name them."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """True for an address of this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

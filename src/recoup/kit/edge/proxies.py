"""Proxies in front of the doors: the only peers whose word about a caller is believed."""

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from recoup.kernel.cached import cached
from recoup.kernel.problem import invalid


class Proxies:
    """`named`: addresses and CIDR blocks with commas between; `*` is everybody. Raises:
    Problem(invalid) for what is neither."""

    def __init__(self, named: str) -> None:
        entries = [entry.strip() for entry in named.split(",") if entry.strip()]
        self._all = "*" in entries
        self._networks = tuple(_network(entry) for entry in entries if entry != "*")
        self._find = cached(4096)(self._look_up)

    def __bool__(self) -> bool:
        return self._all or bool(self._networks)

    def __contains__(self, host: object) -> bool:
        if self._all or not self._networks:
            return self._all
        return isinstance(host, str) and self._find(host)

    def _look_up(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


def _network(entry: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        raise invalid(
            f"behind_proxy has {entry!r}, which is no address and no CIDR block.",
            "behind_proxy",
            "Write addresses or blocks like 10.0.0.0/8.",
        ) from None

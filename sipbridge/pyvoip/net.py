"""Addresses of this machine and of others: who is served, which of our addresses faces whom, names to numbers."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network

MAX_LOOKUPS = 16  # at a time
LONGEST_ADDRESS = 64  # characters, a zone's name included

Networks = tuple[IPv4Network | IPv6Network, ...]


def is_numeric(host: str) -> bool:
    """Whether this is an IP address and no name."""
    return len(host) <= LONGEST_ADDRESS and _is_numeric(host)


@lru_cache(maxsize=1024)
def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Peers:
    """The networks whose requests are served."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self.serves = lru_cache(maxsize=4096)(self._serves)

    def _serves(self, ip: str) -> bool:
        try:
            address = ipaddress.ip_address(ip.partition("%")[0])
        except ValueError:
            return False
        return any(address in network for network in self._networks)


class LocalAddress:
    """Our address as others must write it: the bound one, or for 0.0.0.0 and :: the one that faces them."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.ipv6 = ":" in host
        self._wildcard = is_numeric(host) and ipaddress.ip_address(host).is_unspecified
        self._facing = lru_cache(maxsize=1024)(self._ask_kernel)

    def facing(self, ip: str) -> str:
        return self._facing(ip) if self._wildcard else self.host

    def _ask_kernel(self, ip: str) -> str:
        if not is_numeric(ip):  # a name not looked up yet: the address that faces the world
            ip = "2001:db8::1" if self.ipv6 else "192.0.2.1"
        family = socket.AF_INET6 if self.ipv6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((ip, 9))  # sends nothing; the kernel chooses the route
                return str(probe.getsockname()[0])
            except OSError:
                return "::1" if self.ipv6 else "127.0.0.1"


class Resolver:
    """Host names to addresses, off the SIP thread. Numeric hosts are answered at once."""

    def __init__(self, *, ipv6: bool) -> None:
        self._family = socket.AF_INET6 if ipv6 else socket.AF_INET
        self._places = threading.BoundedSemaphore(MAX_LOOKUPS)

    def lookup(self, host: str, found: Callable[[str | None], None]) -> None:
        """`found` gets the address, or None. It may be called on another thread."""
        if is_numeric(host):
            found(host)
            return
        if not self._places.acquire(blocking=False):
            found(None)
            return

        def work() -> None:
            try:
                address = self._ask(host)
            finally:
                self._places.release()
            found(address)

        # A thread of its own that nobody waits for: a name server that keeps silent must not hold up the end.
        threading.Thread(target=work, name="sip-resolve", daemon=True).start()

    def _ask(self, host: str) -> str | None:
        try:
            answers = socket.getaddrinfo(host, None, self._family, socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            return None
        return str(answers[0][4][0]) if answers else None
